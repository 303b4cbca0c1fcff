#pragma once
// What a handler is given: one event of the application's set, with its meta. A view into the transport's memory: it
// holds no variant, copies nothing, and is valid only inside handle_event(). to_owned() and retain() keep it longer.

#include <actor/event.hpp>
#include <actor/meta.hpp>
#include <actor/transport.hpp>
#include <memory>
#include <utility>
#include <variant>

namespace actor {

/// An envelope that owns its event; a value.
template <EventSet Events>
struct OwnedEnvelope {
  Meta meta;
  std::string topic;
  Events event;
};

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

  Meta meta() const {
    using namespace std::chrono;
    const nanoseconds monotonic(delivery_.monotonic_ns);
    const nanoseconds wall(delivery_.monotonic_ns + delivery_.wall_offset_ns);
    return {delivery_.id,
            delivery_.parent,
            delivery_.sender,
            system_clock::time_point(duration_cast<system_clock::duration>(wall)),
            steady_clock::time_point(duration_cast<steady_clock::duration>(monotonic)),
            redelivered(),
            (delivery_.flags & Delivery::maybe_duplicate) != 0,
            delivery_.attempt};
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

/// Builds a visitor from lambdas: envelope.visit(actor::overloaded{[](const A&) {...}, [](const auto&) {}}).
template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

}  // namespace actor
