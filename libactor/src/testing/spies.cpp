#include <actor/testing/spies.hpp>
#include <algorithm>
#include <ostream>
#include <testing/words.hpp>

namespace actor::testing {

EventQuery delivered(RecordsPtr records) {
  return EventQuery(std::move(records)).matching([](const EventEntry& entry) { return entry.was_delivered(); });
}

EventSpy::EventSpy(RecordsPtr records, EventId id)
    : id_(id), all_(EventQuery(records).with_id(id)), deliveries_(delivered(records).with_id(id)) {}

double EventSpy::delivery_ratio(const std::vector<ActorName>& actors) const {
  if (actors.empty()) return 1;
  const auto reached = std::count_if(actors.begin(), actors.end(), [&](ActorName at) { return was_delivered_to(at); });
  return static_cast<double>(reached) / static_cast<double>(actors.size());
}

std::optional<ActorId> EventSpy::sender() const {
  const auto first = all_.first();
  return first ? std::optional(first->sender()) : std::nullopt;
}

EventQuery EventSpy::children() const {
  return delivered(all_.records()).children_of(id_);
}

ActorSpy::ActorSpy(RecordsPtr records, ActorName actor)
    : actor_(actor.id()),
      inbound_(delivered(records).received_by(actor)),
      outbound_(delivered(records).sent_by(actor)) {
  const auto life = records->actors.find(actor_);
  if (life != records->actors.end()) life_ = life->second;
}

TopicSpy::TopicSpy(RecordsPtr records, const TopicName& topic)
    : topic_(topic.name()), events_(delivered(std::move(records)).with_topic(topic)) {}

void PrintTo(const EventSpy& spy, std::ostream* out) {
  const auto entry = EventQuery(spy.deliveries().records()).with_id(spy.id()).first();
  if (entry) {
    *out << entry->text() << " from " << entry->sender();
  } else {
    *out << "event " << spy.id();
  }
}

void PrintTo(const ActorSpy& spy, std::ostream* out) {
  *out << "actor " << spy.actor() << " (" << state_of(spy) << ", received " << spy.events_received() << ", sent "
       << spy.events_sent() << ")";
}

void PrintTo(const TopicSpy& spy, std::ostream* out) {
  *out << "topic " << spy.topic() << " (" << counted(spy.event_count(), "delivery", "deliveries") << ")";
}

}  // namespace actor::testing
