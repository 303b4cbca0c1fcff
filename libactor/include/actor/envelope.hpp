#pragma once
// What a handler is given: one event of the application's set, with its meta. A view into the transport's memory: it
// holds no variant, copies nothing, and is valid only inside handle_event(). to_owned() and retain() keep it longer.

#include <actor/detail/equal.hpp>
#include <actor/event.hpp>
#include <actor/meta.hpp>
#include <actor/topic.hpp>
#include <actor/transport.hpp>
#include <memory>
#include <utility>
#include <variant>

namespace actor {

/// An envelope that owns its event; a value, and a plain struct that may itself be part of an event.
template <EventSet Events>
struct OwnedEnvelope {
  Meta meta;
  std::string topic;  ///< wire name
  Events event;

  /// To be sent by a Context on behalf of `sender`: see Context::send. Its id is given when it is sent.
  static OwnedEnvelope make(Events event, ActorId sender, EventId parent = {}) {
    OwnedEnvelope made;
    made.meta.sender = sender;
    made.meta.parent = parent;
    made.meta.wall_time = std::chrono::system_clock::now();
    made.meta.monotonic_time = std::chrono::steady_clock::now();
    made.topic = std::visit([](const auto& held) { return topic_name_for<Events>(held); }, event);
    made.event = std::move(event);
    return made;
  }

  EventId id() const { return meta.id; }
  EventId parent() const { return meta.parent; }
  ActorId sender() const { return meta.sender; }
  std::string_view label() const { return event_types<Events>()[event.index()]->label; }
  template <EventOf<Events> T>
  const T* get_if() const {
    return std::get_if<T>(&event);
  }
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), event);
  }

  /// The same event: the same id, and the same value in every field. When and how it was delivered does not matter.
  friend bool operator==(const OwnedEnvelope& a, const OwnedEnvelope& b) {
    return a.meta.id == b.meta.id && detail::same_value(a.event, b.event);
  }
};

/// "Temperature{celsius=21.5} 7f..:12 from cpu on WeatherTopic.Reading", and what Meta has to add.
template <EventSet Events>
std::string to_text(const OwnedEnvelope<Events>& envelope) {
  std::string text;
  detail::append_text(text, envelope.event);
  text += ' ';
  detail::append_meta(text, envelope.meta, envelope.topic);
  return text;
}

template <EventSet Events>
class Envelope {
 public:
  /// Made by the runtime. `event` is a live event of the alternative that `delivery.type` says.
  Envelope(const Delivery& delivery, const void* event, Port& port) : delivery_(delivery), event_(event), port_(port) {}
  Envelope(const Envelope&) = delete;
  Envelope& operator=(const Envelope&) = delete;

  /// Which alternative of Events it is.
  std::size_t index() const { return delivery_.type; }

  /// The event if it is a T, else null. Valid inside handle_event() only.
  template <EventOf<Events> T>
  const T* get_if() const {
    return index() == event_index<Events, T> ? static_cast<const T*>(event_) : nullptr;
  }

  /// Calls `visitor` with the event, as std::visit would.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return visit_from<0>(std::forward<Visitor>(visitor));
  }

  /// Keeps the event beyond the handler: zero-copy where the transport can, else a copy. Null if it is not a T. While
  /// it is held without a copy, its sender's room for this reader does not come back: keep it for moments, copy for
  /// longer.
  template <EventOf<Events> T>
  std::shared_ptr<const T> retain() const {
    const T* event = get_if<T>();
    if (!event) return nullptr;
    if (delivery_.object != event_) return std::make_shared<const T>(*event);  // it was decoded: ours already
    Retained held = port_.retain(delivery_);
    return std::shared_ptr<const T>(held, static_cast<const T*>(held.get()));
  }

  OwnedEnvelope<Events> to_owned() const {
    return {meta(), std::string(topic()), visit([](const auto& event) { return Events(event); })};
  }

  EventId id() const { return delivery_.id; }
  /// The event that this one was sent in answer to; all zero when there is none.
  EventId parent() const { return delivery_.parent; }
  ActorId sender() const { return delivery_.sender; }
  /// The topic's wire name, for example "WeatherTopic.Reading".
  std::string_view topic() const { return port_.topic_name(delivery_.topic); }
  /// The name of the event's type, for example "Temperature".
  std::string_view label() const { return event_types<Events>()[index()]->label; }
  /// An earlier incarnation of this actor had the event in hand when it died.
  bool redelivered() const { return (delivery_.flags & Delivery::redelivered) != 0; }
  /// How many times a handler was given this event, this time included.
  std::uint32_t attempt() const { return delivery_.attempt; }
  /// It was sent while a redelivered event was handled: the first attempt may have sent it too, with the same id.
  bool maybe_duplicate() const { return (delivery_.flags & Delivery::maybe_duplicate) != 0; }
  /// The topic's last event, handed to a reader that came later.
  bool latched() const { return (delivery_.flags & Delivery::latched) != 0; }

  Meta meta() const { return meta_of(delivery_); }

  /// As OwnedEnvelope's.
  friend bool operator==(const Envelope& a, const Envelope& b) {
    return a.id() == b.id() && a.index() == b.index() && a.visit([&]<class T>(const T& event) {
      return detail::same_value(event, *static_cast<const T*>(b.event_));
    });
  }
  friend bool operator==(const Envelope& a, const OwnedEnvelope<Events>& b) {
    return a.id() == b.meta.id && a.index() == b.event.index() &&
           a.visit([&]<class T>(const T& event) { return detail::same_value(event, std::get<T>(b.event)); });
  }
  friend std::string to_text(const Envelope& envelope) {
    std::string text;
    event_types<Events>()[envelope.index()]->print(envelope.event_, text);
    text += ' ';
    detail::append_meta(text, envelope.meta(), envelope.topic());
    return text;
  }

 private:
  template <std::size_t I, class Visitor>
  decltype(auto) visit_from(Visitor&& visitor) const {
    using T = std::variant_alternative_t<I, Events>;
    if constexpr (I + 1 == std::variant_size_v<Events>) {
      return std::forward<Visitor>(visitor)(*static_cast<const T*>(event_));
    } else {
      if (index() == I) return std::forward<Visitor>(visitor)(*static_cast<const T*>(event_));
      return visit_from<I + 1>(std::forward<Visitor>(visitor));
    }
  }

  const Delivery& delivery_;
  const void* event_;
  Port& port_;
};

template <EventSet Events>
std::ostream& operator<<(std::ostream& out, const OwnedEnvelope<Events>& envelope) {
  return detail::write_text(out, to_text(envelope));
}
template <EventSet Events>
std::ostream& operator<<(std::ostream& out, const Envelope<Events>& envelope) {
  return detail::write_text(out, to_text(envelope));
}

/// Builds a visitor from lambdas: envelope.visit(actor::overloaded{[](const A&) {...}, [](const auto&) {}}).
template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

}  // namespace actor
