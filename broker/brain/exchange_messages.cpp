// The exchange's ear: what actors say about their routes, checked against what they were told, and its figures.

#include <algorithm>
#include <shm/pool.hpp>

#include "brain/exchange.hpp"

namespace actor::broker {
namespace {

std::string about(RouteId route) {
  return " (route " + std::to_string(route) + ")";
}

}  // namespace

Exchange::Violation Exchange::route_ready(ActorIndex from, const control::RouteReady& message, Fd ring) {
  Live* live = find(message.route);
  if (!live || live->route.publisher != from || live->segments.empty() || live->segments.back().ring ||
      live->segments.back().ended)
    return "it announced a ring that it was not asked for" + about(message.route);
  Segment& segment = live->segments.back();
  std::string error;
  segment.view = shm::RingView::open(ring.get(), error);
  if (!segment.view) return "the ring that it announced is not usable: " + error + about(message.route);
  if (segment.view->slots() != live->route.slots || segment.view->overwriting() != live->route.overwriting ||
      segment.view->base() != live->next_base)
    return "the ring that it announced is not the one that it was asked for" + about(message.route);
  segment.ring = safe_.keep(std::move(ring));
  if (Peer* reader = peer(live->route.reader)) attach_all(*live, *reader);
  touch(*live);
  return std::nullopt;
}

Exchange::Violation Exchange::route_switched(ActorIndex from, const control::RouteSwitched& message) {
  Live* live = find(message.route);
  if (!live || live->route.publisher != from || live->answers.empty())
    return "it acknowledged a change that it was not told of" + about(message.route);
  const Answer answer = live->answers.front();
  live->answers.pop_front();
  touch(*live);
  if (answer == Answer::Remove) {
    live->publisher_done = true;
    finish_removal(*live);
  }
  return std::nullopt;
}

Exchange::Violation Exchange::attached(ActorIndex from, const control::Attached& message) {
  Live* live = find(message.route);
  // A route may have been removed while its reader was answering: nothing wrong with that.
  if (!live) return std::nullopt;
  if (live->route.reader != from) return "it attached somebody else's route" + about(message.route);
  for (Segment& segment : live->segments) {
    if (segment.owner->number != message.incarnation) continue;
    if (segment.given != Given::Sent) break;
    segment.given = Given::Attached;
    if (!live->reader_knows) live->reader_began = live->cursor;
    live->reader_knows = !live->removed || !live->reader_done;
    maybe_switch(*live);
    touch(*live);
    return std::nullopt;
  }
  if (live->removed) return std::nullopt;
  return "it attached a segment that it was not given" + about(message.route);
}

Exchange::Violation Exchange::drained(ActorIndex from, const control::SegmentDrained& message) {
  Live* live = find(message.route);
  if (!live) return std::nullopt;
  if (live->route.reader != from) return "it drained somebody else's route" + about(message.route);
  const auto segment = std::find_if(live->segments.begin(), live->segments.end(), [&](const Segment& candidate) {
    return candidate.owner->number == message.incarnation;
  });
  if (segment == live->segments.end() || !segment->ended || segment->given == Given::No) {
    if (live->removed) return std::nullopt;
    return "it drained a segment that has not ended" + about(message.route);
  }
  const auto owner = segment->owner;
  live->segments.erase(segment);
  forget_extents(*live, owner);
  maybe_switch(*live);
  touch(*live);
  return std::nullopt;
}

/// The reader lets go of an incarnation's extents with the last of its segments; a later one brings them along again.
void Exchange::forget_extents(const Live& live, const std::shared_ptr<Incarnation>& owner) {
  const Peer* reader = peer(live.route.reader);
  if (!reader) return;
  for (const RouteId id : incoming_[live.route.reader]) {
    for (const Segment& segment : live_.at(id).segments) {
      if (segment.owner == owner && segment.given != Given::No) return;
    }
  }
  owner->given.erase({live.route.reader, reader->incarnation->number});
}

Exchange::Violation Exchange::extent_added(ActorIndex from, const control::ExtentAdded& message, Fd extent) {
  Peer* self = peer(from);
  if (!self) return "it has no place among the actors yet, but a new extent";
  Incarnation& owner = *self->incarnation;
  std::string error;
  const auto segment = shm::PeerSegment::open(extent.get(), message.bytes, error);
  if (!segment) return "its extent " + std::to_string(message.extent) + " is not usable: " + error;
  if (owner.extents.contains(message.extent)) return "it has added extent " + std::to_string(message.extent) + " twice";
  std::uint64_t total = segment->bytes();
  for (const auto& [number, known] : owner.extents) total += known.bytes;
  if (total > owner.memory_bytes)
    return "its extents have " + std::to_string(total) + " bytes together, more than its budget of " +
           std::to_string(owner.memory_bytes) + " bytes (memory in the manifest)";
  if (const std::size_t most = shm::Pool::most_extents(owner.memory_bytes); owner.extents.size() >= most)
    return "it has more than " + std::to_string(most) + " extents, which no pool of " +
           std::to_string(owner.memory_bytes) + " bytes has";
  const Kept kept = safe_.keep(std::move(extent));
  for (const auto& [reader, number] : owner.given) {
    Peer* to = peer(reader);
    if (to && to->incarnation->number == number)
      to->session->send(control::PeerExtentAdded{owner.key, owner.number, message.extent, segment->bytes()}, {kept});
  }
  owner.extents.emplace(message.extent, Incarnation::Extent{segment->bytes(), kept});
  return std::nullopt;
}

Exchange::Violation Exchange::extent_dropped(ActorIndex from, const control::ExtentDropped& message) {
  Peer* self = peer(from);
  if (!self || !self->incarnation->extents.contains(message.extent))
    return "it dropped extent " + std::to_string(message.extent) + ", which it does not have";
  const Incarnation& owner = *self->incarnation;
  const auto extent = self->incarnation->extents.find(message.extent);
  // A reader that was not told of it yet never is: who adds and drops without end fills nobody's queue.
  const control::PeerExtentAdded unheard{owner.key, owner.number, message.extent, extent->second.bytes};
  for (const auto& [reader, number] : owner.given) {
    Peer* to = peer(reader);
    if (to && to->incarnation->number == number && !to->session->take_back(unheard))
      to->session->send(control::PeerExtentDropped{owner.key, owner.number, message.extent});
  }
  self->incarnation->extents.erase(extent);
  return std::nullopt;
}

// ---- figures ----

std::uint64_t Exchange::done(const Live& live) const {
  const Peer* reader = live.reader_knows ? peer(live.route.reader) : nullptr;
  if (!reader) return live.cursor;
  return std::max(live.cursor, reader->incarnation->status.done(live.route.cursor_index));
}

std::uint64_t Exchange::end(const Live& live) const {
  if (live.segments.empty()) return live.next_base;
  const Segment& newest = live.segments.back();
  return newest.view && !newest.ended ? std::max(live.next_base, newest.view->head()) : live.next_base;
}

std::uint64_t Exchange::waiting(const Live& live) const {
  const std::uint64_t from = done(live);
  const std::uint64_t to = end(live);
  return to > from ? to - from : 0;  // done may be read after, and then be ahead of, the head
}

std::uint64_t Exchange::queued(ActorIndex reader) const {
  const auto routes = incoming_.find(reader);
  if (routes == incoming_.end()) return 0;
  std::uint64_t sum = 0;
  for (const RouteId id : routes->second) sum += waiting(live_.at(id));
  return sum;
}

std::uint64_t Exchange::queued_on(RouteId route) const {
  const Live* live = find(route);
  return live ? waiting(*live) : 0;
}

std::uint64_t Exchange::cursor(RouteId route) const {
  const Live* live = find(route);
  return live ? done(*live) : 0;
}

std::uint64_t Exchange::discarded(ActorIndex reader) const {
  const auto found = discarded_.find(reader);
  return found == discarded_.end() ? 0 : found->second;
}

bool Exchange::detached(ActorIndex reader) const {
  const auto routes = incoming_.find(reader);
  if (routes == incoming_.end()) return true;
  return std::all_of(routes->second.begin(), routes->second.end(), [this](RouteId id) {
    const Live& live = live_.at(id);
    return !live.removed || live.publisher_done;
  });
}

bool Exchange::live_mailboxes_empty() const {
  return std::all_of(live_.begin(), live_.end(), [this](const auto& entry) {
    const Live& live = entry.second;
    const bool gone = !peer(live.route.reader) || (live.removed && live.reader_done);
    return gone || waiting(live) == 0;
  });
}

const Route* Exchange::route_of_publisher(ActorIndex publisher, RouteId route) const {
  const Live* live = find(route);
  return live && live->route.publisher == publisher ? &live->route : nullptr;
}

const Route* Exchange::route_of_reader(ActorIndex reader, RouteId route) const {
  const Live* live = find(route);
  return live && live->route.reader == reader ? &live->route : nullptr;
}

std::size_t Exchange::undrained_segments(RouteId route) const {
  const Live* live = find(route);
  return live ? live->segments.size() : 0;
}

std::optional<std::string> Exchange::inspect(RouteId route) const {
  const Live* live = find(route);
  if (!live || live->segments.empty()) return std::nullopt;
  const Segment& segment = live->segments.front();
  if (!segment.view || segment.view->overwriting()) return std::nullopt;
  const std::uint64_t cursor = std::max(done(*live), segment.view->base());
  if (segment.view->head() > cursor + segment.view->slots()) return "its ring's head is further than the ring is long";
  if (!segment.view->has(cursor)) return std::nullopt;
  const shm::Slot& slot = segment.view->slot(cursor);
  const std::uint16_t topic = slot.topic;
  const std::uint32_t flags_and_bytes = slot.flags_and_bytes;
  const bool known = std::any_of(segment.topics.begin(), segment.topics.end(),
                                 [topic](const control::RouteTopic& entry) { return entry.topic == topic; });
  if (!known) return "a slot has topic number " + std::to_string(topic) + ", which this route does not carry";
  if ((flags_and_bytes >> 24 & shm::Slot::in_pool) == 0) return std::nullopt;
  shm::PoolRef pool;
  std::copy_n(slot.payload, sizeof pool, reinterpret_cast<std::byte*>(&pool));
  const auto extent = segment.owner->extents.find(pool.extent);
  if (extent == segment.owner->extents.end())
    return "a slot points into extent " + std::to_string(pool.extent) + ", which it never added";
  const std::uint64_t offset = std::uint64_t{pool.offset_lines} * shm::cache_line;
  if (offset > extent->second.bytes || pool.bytes > extent->second.bytes - offset)
    return "a slot points beyond the end of extent " + std::to_string(pool.extent);
  return std::nullopt;
}

}  // namespace actor::broker
