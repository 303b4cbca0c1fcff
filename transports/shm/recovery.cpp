#include <algorithm>
#include <shm/recovery.hpp>
#include <shm/segment.hpp>

namespace actor::shm {
namespace {

/// Does the record hold a committed event whose push to this route, as number `sequence`, is missing?
bool record_reaches(const FanoutRecord& record, std::uint32_t route, std::uint64_t sequence) {
  if (record.commit.load(std::memory_order_acquire) == 0) return false;
  const std::uint64_t targets = std::min<std::uint64_t>(record.targets, max_routes);
  for (std::uint64_t i = 0; i < targets; ++i) {
    if (record.target[i].route == route && record.target[i].sequence == sequence) return true;
  }
  return false;
}

/// One past the newest event of a ring that overwrites: a burst may have gone round it more than once since the head
/// was stored, so that following the slots from there finds nothing.
std::uint64_t newest_end(const RingView& ring) {
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < ring.slots(); ++i) {
    const std::uint64_t sequence = ring.slot(i).sequence.load(std::memory_order_acquire);
    if (((sequence - 1) & (ring.slots() - 1)) == i) end = std::max(end, sequence);
  }
  return end;
}

}  // namespace

std::optional<Ending> final_head(const RingView& ring, int publisher_status_fd, std::uint32_t route,
                                 std::uint64_t reader_cursor, std::string& error) {
  const auto status = PeerSegment::open(publisher_status_fd, sizeof(Status), error);
  if (!status) return std::nullopt;

  const std::uint64_t newest = ring.overwriting() ? std::max(ring.head(), newest_end(ring)) : ring.head();
  // A cursor that is beyond what the ring can have held is a hostile reader's: it must not move the numbering. The head
  // lags by less than the ring is long (OutRoute::push).
  const bool honest = reader_cursor <= newest || reader_cursor - newest <= ring.slots();
  const std::uint64_t cursor = honest ? std::max(reader_cursor, ring.base()) : std::max(newest, ring.base());
  std::uint64_t head = std::max(newest, cursor);
  if (!ring.overwriting()) {
    head = std::min(head, cursor + ring.slots());  // no reader is further behind than the ring is long
    for (std::uint32_t i = 0; i < ring.slots() && ring.has(head); ++i) ++head;
  }

  const auto& record = reinterpret_cast<const Status*>(status->data())->fanout;
  return Ending{head, record_reaches(record, route, head)};
}

}  // namespace actor::shm
