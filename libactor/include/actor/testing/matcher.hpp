#pragma once
// Says which event is meant: by its label, its id, its contents, or anything else that an entry has. A value; any
// thread. Built implicitly from a label or an id, so that chain.events().exact({"Ping", "Pong"}) reads as it should.

#include <actor/testing/entry.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace actor::testing {

class EventMatcher {
 public:
  EventMatcher(std::string_view label) : EventMatcher(by_label(label)) {}    // NOLINT: implicit on purpose
  EventMatcher(const std::string& label) : EventMatcher(by_label(label)) {}  // NOLINT
  EventMatcher(const char* label) : EventMatcher(by_label(label)) {}         // NOLINT
  EventMatcher(EventId id) : EventMatcher(by_id(id)) {}                      // NOLINT

  static EventMatcher by_label(std::string_view label);
  static EventMatcher by_id(EventId id);
  /// A predicate over entries: contents, meta, topic, sender, receiver. `what` names it in messages.
  static EventMatcher by_entry(std::function<bool(const EventEntry&)> predicate,
                               std::string what = "an event that fits a predicate");
  /// A predicate over one event type, [](const Alert& alert) { ... }, or over the application's variant.
  template <class Predicate>
  static EventMatcher by_event(Predicate predicate, std::string what = {}) {
    using T = typename detail::ArgumentOf<Predicate>::type;
    if (what.empty()) what = name_of<T>() + " that fits a predicate";
    return by_entry(detail::on_entry(std::move(predicate)), std::move(what));
  }
  /// Every event of type T.
  template <class T>
  static EventMatcher by_type() {
    return by_entry([](const EventEntry& entry) { return entry.get_if<T>() != nullptr; }, name_of<T>());
  }

  bool matches(const EventEntry& entry) const { return predicate_(entry); }
  /// For messages: "Ping", "event 01f…"
  const std::string& what() const { return what_; }

 private:
  EventMatcher(std::function<bool(const EventEntry&)> predicate, std::string what)
      : predicate_(std::move(predicate)), what_(std::move(what)) {}

  template <class T>
  static std::string name_of() {
    if constexpr (EventSet<T>) {
      return "an event";
    } else {
      return std::string(event_type<T>().label);
    }
  }

  std::function<bool(const EventEntry&)> predicate_;
  std::string what_;
};

}  // namespace actor::testing
