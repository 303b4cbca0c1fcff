#include <actor/error.hpp>
#include <algorithm>
#include <new>
#include <shm/out_route.hpp>

namespace actor::shm {
namespace {

constexpr std::uint64_t prefault_limit_bytes = 1 << 20;

}  // namespace

OutRoute::OutRoute(OutRouteSpec spec, Fd data_bell, Fd space_bell)
    : spec_(std::move(spec)),
      ring_(OwnedSegment::create("actor-ring", ring_bytes(spec_.slots))),
      cells_(reinterpret_cast<Cell*>(ring_.data() + sizeof(RingHeader))),
      mask_(spec_.slots - 1),
      fetched_ahead_(std::min<std::uint64_t>(spec_.slots / 8, 8)),
      head_(spec_.base),
      reclaimed_(spec_.base),
      notes_(spec_.slots),
      data_bell_(std::move(data_bell)),
      space_bell_(std::move(space_bell)) {
  ring_.prefault(std::min(ring_.bytes(), prefault_limit_bytes));
  RingHeader& head = header();
  head.version = layout_version;
  head.slots = spec_.slots;
  head.base = spec_.base;
  head.route = spec_.route;
  head.overwriting = spec_.overwriting ? 1 : 0;
  head.head.store(spec_.base, std::memory_order_relaxed);
  head.magic = ring_magic;
}

void OutRoute::set_reader(PeerSegment status, std::uint32_t cursor_index) {
  reader_status_ = std::move(status);
  const auto& words = *reinterpret_cast<const Status*>(reader_status_.data());
  released_ = &words.cursors[cursor_index].released;
  sleep_ = &words.sleep;
  signalled_ = 0;
  overflow_reported = false;
  ring_bell();  // whoever was pushing when the last reader died may have left this one unrung
}

void OutRoute::clear_reader() {
  released_ = nullptr;
  sleep_ = nullptr;
  reader_status_ = PeerSegment();
}

int OutRoute::topic_position(std::uint16_t topic) const {
  for (std::size_t i = 0; i < spec_.topics.size(); ++i) {
    if (spec_.topics[i].topic == topic) return static_cast<int>(i);
  }
  return -1;
}

bool OutRoute::can_reclaim() const {
  // PAIRS: cursor.released (seq_cst store in InRoute::publish_released); half of the wait-for-room handshake.
  if (!released_) return false;
  const std::uint64_t released = released_->load(std::memory_order_seq_cst);
  return released > reclaimed_ && released <= head_;
}

void OutRoute::reclaim_to(std::uint64_t cursor, Pool& pool) {
  // A cursor that goes back or beyond what was pushed is a hostile reader's: it frees nothing.
  if (cursor <= reclaimed_ || cursor > head_) return;
  if (chunks_ == 0 && spec_.topics.size() == 1) {
    spec_.topics[0].in_flight -= static_cast<std::uint32_t>(cursor - reclaimed_);
    reclaimed_ = cursor;
    return;
  }
  for (; reclaimed_ != cursor; ++reclaimed_) {
    const Note& note = notes_[reclaimed_ & mask_];
    --spec_.topics[note.position].in_flight;
    if (note.chunk == Pool::no_chunk) continue;
    pool.release(note.chunk);
    --chunks_;
  }
}

void OutRoute::invalidate(Slot& slot) {
  // The writes to come, into the slot and into the chunk that is freed here, must not be seen before the slot stops
  // being valid. SUBTLE: a release store keeps nothing behind it, and neither does an exchange where it is a pair of
  // exclusives (ARMv8.0): the later stores may overtake its store. A seq_cst load does not pass an earlier seq_cst
  // store, and nothing passes the load. PAIRS: InRoute::take_overwritten.
  slot.sequence.store(0, std::memory_order_seq_cst);
  static_cast<void>(slot.sequence.load(std::memory_order_seq_cst));
}

bool OutRoute::drop_oldest(Pool& pool) {
  if (!spec_.overwriting || chunks_ == 0) return false;
  flush();  // the end of the ring must be known without the slots that go
  for (const std::uint64_t before = chunks_; chunks_ == before;) {
    invalidate(cells_[reclaimed_ & mask_].slot);
    reclaim_to(reclaimed_ + 1, pool);
  }
  return true;
}

void OutRoute::begin_overwrite(Pool& pool) {
  invalidate(next_slot());
  if (head_ - reclaimed_ <= mask_) return;
  reclaim(pool);
  if (head_ - reclaimed_ > mask_) reclaim_to(reclaimed_ + 1, pool);
}

void OutRoute::flush_now() {
  dirty_ = false;
  // seq_cst store, then seq_cst load: together with the reader's (sleep odd, then head) one of the two sees the other.
  // PAIRS: Receiver::prepare_wait.
  header().head.store(head_, std::memory_order_seq_cst);
  if (!sleep_) return;
  const std::uint64_t sleep = sleep_->load(std::memory_order_seq_cst);
  if ((sleep & 1) == 0 || sleep == signalled_) return;
  signalled_ = sleep;
  ring_bell();
}

void OutRoute::ring_bell() const {
  data_bell_.ring();
}

std::uint64_t OutRoute::queued_chunk_bytes(const Pool& pool) const {
  std::uint64_t bytes = 0;
  for (std::uint64_t s = reclaimed_; s != head_; ++s) {
    const Note& note = notes_[s & mask_];
    if (note.chunk != Pool::no_chunk) bytes += pool.chunk_bytes(note.chunk);
  }
  return bytes;
}

}  // namespace actor::shm
