// What a Sender tells monitors: only called when somebody watches.

#include <algorithm>
#include <event/live_event.hpp>
#include <shm/sender.hpp>

namespace actor::shm {

/// Calls `tell` with the event, whose receiver is left to `tell`.
template <class Tell>
void Sender::observe(const Header& header, const Payload& payload, const Outgoing* out, Tell&& tell) {
  Observation seen;
  std::shared_ptr<const void> live;
  if (out) {
    seen.type = out->type;
    seen.event = out->event;
  } else {  // it was staged: only its bytes are left
    const auto known = std::find_if(wire_types_.begin(), wire_types_.end(),
                                    [&](const auto& entry) { return entry.second == header.type; });
    const std::byte* bytes = payload.chunk != Pool::no_chunk ? pool_.data(payload.chunk) : payload.bytes;
    try {
      if (known != wire_types_.end()) live = make_live(*known->first, {bytes, payload.size});
    } catch (...) {  // the program's own code: what it cannot read again is told of without its contents
    }
    if (live) seen.type = known->first;
    seen.event = live.get();
  }
  using namespace std::chrono;
  const nanoseconds monotonic(header.stamp_ns);
  seen.meta.id = header.id;
  seen.meta.parent = header.parent;
  seen.meta.sender = self_;
  seen.meta.monotonic_time = steady_clock::time_point(duration_cast<steady_clock::duration>(monotonic));
  seen.meta.wall_time = system_clock::time_point(
      duration_cast<system_clock::duration>(monotonic + nanoseconds(status_.header.wall_offset_ns)));
  seen.meta.maybe_duplicate = header.maybe_duplicate;
  const PortTopic topic = topics_[header.topic].is;  // a copy: what a monitor sends may open topics
  seen.topic = topic.name;
  tell(seen, topic.policy);
}

void Sender::tell_dispatched(const Header& header, const Payload& payload, const Outgoing* out) {
  std::vector<ActorId> receivers;
  for (const Target& target : chosen_) receivers.emplace_back(target.route->reader());
  if (receivers.empty()) return;  // and nobody holds its memory
  observe(header, payload, out, [&](Observation& seen, const OverflowPolicy&) {
    for (const ActorId receiver : receivers) {
      seen.receiver = receiver;
      monitors_->dispatched(seen);
    }
  });
}

void Sender::tell_dropped(const Header& header, const Payload& payload, const Outgoing* out) {
  std::vector<ActorId> receivers;
  for (const OutRoute* route : std::exchange(dropped_, {})) receivers.emplace_back(route->reader());
  observe(header, payload, out, [&](Observation& seen, const OverflowPolicy& policy) {
    for (const ActorId receiver : receivers) {
      seen.receiver = receiver;
      monitors_->overflow(seen, policy);
    }
  });
}

void Sender::tell_staged(const Header& header, Topic& topic, const Outgoing& out) {
  std::vector<ActorId> receivers;
  for (const Target& target : topic.targets) {
    if (target.route->staged != 0 || !target.route->has_room(target.position, pool_))
      receivers.emplace_back(target.route->reader());
  }
  observe(header, {}, &out, [&](Observation& seen, const OverflowPolicy& policy) {
    for (const ActorId receiver : receivers) {
      seen.receiver = receiver;
      monitors_->overflow(seen, policy);
    }
  });
}

}  // namespace actor::shm
