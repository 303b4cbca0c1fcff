#pragma once
// One delivery as a recording holds it: which event, from whom, to whom, and how far it got. A value that shares its
// event with the entries of the other receivers; any thread.

#include <actor/error.hpp>
#include <actor/event.hpp>
#include <actor/id.hpp>
#include <actor/meta.hpp>
#include <actor/topic.hpp>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace actor::testing {

/// How far an event got at one receiver.
enum class Stage : std::uint8_t {
  Dispatched,  ///< it waits in the mailbox
  Delivered,   ///< the handler is running
  Failed,      ///< the handler threw or crashed; it may be delivered again
  Handled,     ///< the handler has returned
};
std::string_view to_string(Stage stage);
std::ostream& operator<<(std::ostream& out, Stage stage);

/// An actor, by its id or by its name.
class ActorName {
 public:
  ActorName(ActorId id) : id_(id) {}                 // NOLINT: implicit on purpose, as are the next ones
  ActorName(std::string_view name) : id_(name) {}    // NOLINT
  ActorName(const std::string& name) : id_(name) {}  // NOLINT
  ActorName(const char* name) : ActorName(std::string_view(name)) {}  // NOLINT

  ActorId id() const { return id_; }
  operator ActorId() const { return id_; }  // NOLINT

 private:
  ActorId id_;
};

/// A topic: its value (of<Ping> for a self-routed event), or its wire name.
class TopicName {
 public:
  TopicName(std::string_view name) : name_(name) {}    // NOLINT: implicit on purpose, as are the next ones
  TopicName(const std::string& name) : name_(name) {}  // NOLINT
  TopicName(const char* name) : name_(name) {}         // NOLINT
  template <TopicValue Topic>
  TopicName(const Topic& topic) : name_(topic_name(topic)) {}  // NOLINT

  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

class EventEntry {
 public:
  EventEntry() = default;
  /// `event` may be null when the type is not known; then `label` says what it was.
  EventEntry(Meta meta, std::string_view topic, ActorId receiver, const EventType* type,
             std::shared_ptr<const void> event, Stage stage = Stage::Handled, std::string_view label = "?");

  /// Made by hand, for instance to test what looks at recordings.
  template <class T>
  static EventEntry of(const T& event, Meta meta, const TopicName& topic, ActorName receiver,
                       Stage stage = Stage::Handled) {
    return {std::move(meta), topic.name(), receiver.id(), &event_type<T>(), std::make_shared<const T>(event), stage};
  }

  EventId id() const { return meta_.id; }
  EventId parent() const { return meta_.parent; }
  const Meta& meta() const { return meta_; }
  ActorId sender() const { return meta_.sender; }
  ActorId receiver() const { return receiver_; }
  /// Wire name.
  const std::string& topic() const { return topic_; }
  std::string_view label() const { return type_ ? type_->label : std::string_view(label_); }
  Stage stage() const { return stage_; }
  /// Was it given to the receiver's handler?
  bool was_delivered() const { return stage_ != Stage::Dispatched; }
  /// Has the handler ended, well or badly?
  bool is_done() const { return stage_ == Stage::Handled || stage_ == Stage::Failed; }
  /// Its place among all deliveries of the recording.
  std::size_t order() const { return order_; }
  /// The type and the event; null when the type is not known.
  const EventType* type() const { return type_; }
  const std::shared_ptr<const void>& event() const { return event_; }

  /// The event if it is a T, else null. Lives as long as an entry of it.
  template <class T>
  const T* get_if() const {
    return type_ && event_ && type_->hash == event_type<T>().hash ? static_cast<const T*>(event_.get()) : nullptr;
  }
  /// The event; throws Error(Internal) when it is no T.
  template <class T>
  const T& get() const {
    if (const T* event = get_if<T>()) return *event;
    throw_is_no(event_type<T>().label);
  }
  /// The event as the application's variant; throws Error(Internal) when it is none of its types.
  template <EventSet Events>
  Events payload() const {
    return payload_from<Events, 0>();
  }

  /// "Ping{n=1}"
  std::string text() const;

 private:
  friend class Recording;

  template <EventSet Events, std::size_t I>
  Events payload_from() const {
    if constexpr (I == std::variant_size_v<Events>) {
      throw_is_no("event of this set");
    } else {
      using T = std::variant_alternative_t<I, Events>;
      if (const T* event = get_if<T>()) return Events(std::in_place_index<I>, *event);
      return payload_from<Events, I + 1>();
    }
  }
  [[noreturn]] void throw_is_no(std::string_view wanted) const;

  Meta meta_;
  std::string topic_;
  ActorId receiver_;
  const EventType* type_ = nullptr;
  std::shared_ptr<const void> event_;
  std::string label_;
  std::size_t order_ = 0;
  Stage stage_ = Stage::Handled;
  bool awaits_dispatch_ = false;  // its delivery was seen before its dispatch: they come from two threads
};

/// "Ping{n=1} [alice -> bob] on Ping, handled"
std::ostream& operator<<(std::ostream& out, const EventEntry& entry);

namespace detail {

template <class T>
struct ArgumentOf {
  using type = typename ArgumentOf<decltype(&T::operator())>::type;
};
template <class R, class A>
struct ArgumentOf<R (*)(A)> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class C, class A>
struct ArgumentOf<R (C::*)(A) const> : std::type_identity<std::remove_cvref_t<A>> {};
template <class R, class C, class A>
struct ArgumentOf<R (C::*)(A)> : std::type_identity<std::remove_cvref_t<A>> {};

/// Turns a predicate over an event type, or over the application's variant, into one over entries: entries of other
/// types do not match.
template <class Predicate>
auto on_entry(Predicate predicate) {
  return [predicate = std::move(predicate)](const EventEntry& entry) mutable -> bool {
    using T = typename ArgumentOf<Predicate>::type;
    if constexpr (EventSet<T>) {
      return predicate(entry.payload<T>());
    } else {
      const T* event = entry.get_if<T>();
      return event && predicate(*event);
    }
  };
}

}  // namespace detail
}  // namespace actor::testing
