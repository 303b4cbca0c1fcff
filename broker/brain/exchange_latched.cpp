// The last values of latched topics, of publishers that are dead: their memory is kept until a later life has replaced
// them all, and shown to each reader that begins a life.

#include <algorithm>
#include <shm/latch.hpp>

#include "brain/exchange.hpp"

namespace actor::broker {

void Exchange::keep_latched(const std::shared_ptr<Incarnation>& dead) {
  const auto topics = dead->status.latched_topics();
  if (topics.empty()) return;
  std::erase_if(latched_, [&](const auto& earlier) {
    if (earlier->actor != dead->actor) return false;
    const auto old = earlier->status.latched_topics();
    return std::all_of(old.begin(), old.end(), [&](std::uint16_t topic) {
      return std::find(topics.begin(), topics.end(), topic) != topics.end();
    });
  });
  latched_.push_back(dead);
}

/// What the reader does not see for itself, in the segments that it attaches.
void Exchange::attach_latched(const Live& live, Peer& reader) {
  if (live.removed) return;
  for (const auto& life : latched_) {
    if (life->actor != live.route.publisher) continue;
    const bool attached = std::any_of(live.segments.begin(), live.segments.end(),
                                      [&](const Segment& segment) { return segment.owner == life; });
    if (attached) continue;
    control::AttachLatched message{live.route.id, life->name, life->key, life->number, {}};
    for (const std::uint16_t topic : life->status.latched_topics()) {
      const bool carried = std::any_of(live.route.topics.begin(), live.route.topics.end(),
                                       [&](const control::RouteTopic& entry) { return entry.topic == topic; });
      if (carried) message.topics.push_back(topic);
    }
    if (message.topics.empty()) continue;
    reader.session->send(message, {life->status.fd()});
    for (const auto& [number, extent] : life->extents)
      reader.session->send(control::PeerExtentAdded{life->key, life->number, number, extent.bytes}, {extent.fd});
  }
}

}  // namespace actor::broker
