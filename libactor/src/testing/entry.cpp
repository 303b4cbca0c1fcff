#include <actor/testing/entry.hpp>
#include <ostream>

namespace actor::testing {

std::string_view to_string(Stage stage) {
  switch (stage) {
    case Stage::Dispatched:
      return "dispatched";
    case Stage::Delivered:
      return "delivered";
    case Stage::Failed:
      return "failed";
    case Stage::Handled:
      return "handled";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, Stage stage) {
  return out << to_string(stage);
}

EventEntry::EventEntry(Meta meta, std::string_view topic, ActorId receiver, const EventType* type,
                       std::shared_ptr<const void> event, Stage stage, std::string_view label)
    : meta_(std::move(meta)),
      topic_(topic),
      receiver_(receiver),
      type_(type),
      event_(std::move(event)),
      label_(type ? std::string_view() : label),
      stage_(stage) {}

std::string EventEntry::text() const {
  if (!type_ || !event_) return std::string(label());
  std::string text;
  type_->print(event_.get(), text);
  return text;
}

void EventEntry::throw_is_no(std::string_view wanted) const {
  throw Error(ErrorCode::Internal, "reading event " + to_string(id()) + ": it is a " + std::string(label()) +
                                       ", not a " + std::string(wanted) + "; ask with get_if() when either may come");
}

std::ostream& operator<<(std::ostream& out, const EventEntry& entry) {
  return out << entry.text() << " [" << entry.sender() << " -> " << entry.receiver() << "] on " << entry.topic() << ", "
             << entry.stage();
}

}  // namespace actor::testing
