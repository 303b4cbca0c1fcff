// Sending as it usually is: one reader that has room, nothing staged, nobody watching. Whatever else there may be to
// keep in mind is send_any()'s, in sender.cpp, which does the same in more steps.

#include <cstring>
#include <shm/sender.hpp>

namespace actor::shm {

EventId Sender::send(const Outgoing& out) {
  Topic& topic = topics_[out.topic];
  const bool is_quiet = outbox_.empty() && loans_.empty() && replay_ == 0 && !out.parent && !is_watched();
  if (topic.is_simple && is_quiet) [[likely]] {
    const Target& target = topic.targets.front();
    if (target.route->has_room(target.position, pool_)) [[likely]] {
      const EventType& type = *out.type;
      Payload payload;
      payload.size = type.trivially_copyable ? type.size : type.encoded_size(out.event);
      const bool has_memory =
          payload.size <= tail_bytes || (payload.size <= pool_.budget_bytes() && provide_chunk(payload));
      if (has_memory) [[likely]]
        return send_simply(out, topic, payload);
    }
  }
  return send_any(out, topic);
}

/// What send_any() comes to when there is room and nothing to keep in mind: the event is written where its reader is.
/// A type's own code may throw: so the event is encoded before it has a number and is counted.
inline EventId Sender::send_simply(const Outgoing& out, const Topic& topic, const Payload& payload) {
  const Target& target = topic.targets.front();
  OutRoute& route = *target.route;
  Slot& slot = route.next_slot();
  std::byte* at = slot.payload;
  if (payload.chunk != Pool::no_chunk) {
    const PoolRef reference = pool_.reference(payload.chunk, payload.size);
    std::memcpy(slot.payload, &reference, sizeof reference);
    slot.flags_and_bytes = std::uint32_t{Slot::in_pool} << 24;
    at = pool_.data(payload.chunk);
  } else if (payload.size > slot_inline_bytes) {
    slot.flags_and_bytes = std::uint32_t{Slot::in_tail} << 24 | static_cast<std::uint32_t>(payload.size);
    at = route.next_tail().payload;
  } else {
    slot.flags_and_bytes = static_cast<std::uint32_t>(payload.size);
  }
  if (out.type->trivially_copyable)
    std::memcpy(at, out.event, payload.size);
  else
    encode(out, at, payload);
  bool maybe_duplicate = false;  // it is not: no number is used again
  const EventId id = counter_ < counter_limit_ ? EventId{key_, counter_++} : next_id(maybe_duplicate);
  if (handling_) note_output(id.counter);
  slot.counter = id.counter;
  slot.stamp_ns = now_ns_ != 0 ? now_ns_ : now();
  slot.topic = topic.is.wire;
  slot.type = out.type == last_type_ ? last_wire_type_ : wire_type(out.type);
  route.push(target.position, payload.chunk);
  count(status_.counters.published, 1);
  count(status_.counters.sent, 1);
  dirty_ = true;
  return id;
}

inline void Sender::encode(const Outgoing& out, std::byte* at, const Payload& payload) {
  try {
    out.type->encode(out.event, {at, payload.size});
  } catch (...) {
    if (payload.chunk != Pool::no_chunk) pool_.release(payload.chunk);
    throw;
  }
}

}  // namespace actor::shm
