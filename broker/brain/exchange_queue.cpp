// What waits in a route for a reader that is not there: read by the broker, event by event, as its reader would.

#include <shm/in_route.hpp>

#include "brain/exchange.hpp"

namespace actor::broker {
namespace {

std::shared_ptr<shm::Publisher> publisher_of(const Incarnation& life, std::string& error) {
  auto status = shm::PeerSegment::open(life.status.fd()->get(), sizeof(shm::Status), error);
  if (!status) return nullptr;
  auto publisher = std::make_shared<shm::Publisher>();
  publisher->key = life.key;
  publisher->incarnation = life.number;
  publisher->id = ActorId(life.name);
  publisher->status = std::move(*status);
  publisher->wall_offset_ns = publisher->words().header.wall_offset_ns;
  for (const auto& [number, extent] : life.extents) {
    auto memory = shm::PeerSegment::open(extent.fd->get(), shm::cache_line, error);
    if (memory) publisher->extents.emplace(number, std::make_shared<shm::PeerSegment>(std::move(*memory)));
  }
  return publisher;
}

QueuedEvent copy_of(const shm::Found& found, const shm::Publisher& publisher) {
  QueuedEvent event;
  event.id = {publisher.key, found.slot->counter};
  event.parent = found.parent;
  event.sender = std::string(publisher.id.name());
  event.topic = found.topic;
  event.type = found.type;
  event.monotonic_ns = found.slot->stamp_ns;
  event.sent_at_ns = found.slot->stamp_ns + publisher.wall_offset_ns;
  event.sequence = found.sequence;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(found.payload.data());
  event.payload.assign(bytes, bytes + found.payload.size());
  return event;
}

}  // namespace

/// Visits up to `most` events from the cursor on, and moves the cursor behind them. REQUIRES: nobody reads the route.
/// Returns how many were kept by `visit`; what it does not keep, and what cannot be read, counts as discarded.
std::uint64_t Exchange::read_queue(Live& live, std::uint64_t most, const Visit& visit) {
  shm::Cursor words{};
  shm::InRoute reader(live.route.id, 1, live.route.overwriting, words, live.cursor, Fd(), Fd());
  std::string error;
  for (const Segment& segment : live.segments) {
    if (!segment.ring) continue;
    auto publisher = publisher_of(*segment.owner, error);
    if (!publisher) break;
    std::vector<std::uint16_t> topics;
    for (const control::RouteTopic& carried : segment.topics) topics.push_back(carried.topic);
    reader.add_segment({*segment.view, std::move(publisher), std::move(topics), segment.ended,
                        segment.ending.final_head, segment.ending.from_record});
  }
  std::uint64_t visited = 0;
  std::uint64_t kept = 0;
  shm::Found found;
  while (visited < most) {
    const shm::Take taken = reader.take(found, error);
    if (taken == shm::Take::Nothing) break;
    if (taken == shm::Take::Drained) reader.drop_front();
    if (taken != shm::Take::Event) continue;
    ++visited;
    // A carrier's payloads went with the reader that they were for.
    const bool is_lost = (found.flags & shm::Slot::carried) != 0;
    if (!is_lost && visit(live.route, copy_of(found, reader.publisher()))) ++kept;
    reader.advance();
  }
  const std::uint64_t passed = reader.cursor() - live.cursor;
  live.cursor = reader.cursor();
  given_up_[live.route.reader] += kept;
  discarded_[live.route.reader] += passed - kept;
  return kept;
}

bool Exchange::take_out(RouteId route, const Visit& visit) {
  Live* live = find(route);
  if (!live || live->reader_knows) return false;
  const std::uint64_t before = live->cursor;
  read_queue(*live, 1, visit);
  drop_drained(*live);
  return live->cursor != before;
}

void Exchange::empty_route(RouteId route, const Visit& visit) {
  Live* live = find(route);
  if (!live || live->removed || live->reader_knows) return;
  read_queue(*live, waiting(*live), visit);
  drop_drained(*live);
}

void Exchange::empty_mailbox(ActorIndex reader, const Visit& visit) {
  const auto routes = incoming_.find(reader);
  if (routes == incoming_.end()) return;
  for (const RouteId id : routes->second) empty_route(id, visit);
}

std::uint64_t Exchange::given_up(ActorIndex reader) const {
  const auto found = given_up_.find(reader);
  return found == given_up_.end() ? 0 : found->second;
}

}  // namespace actor::broker
