#pragma once
// The publisher's end of one route: its ring, and in private memory what is needed to reuse it: which slots hold which
// chunks and how much of each topic's quota is in use. Owned by the Sender, one thread.

#include <control/fd.hpp>
#include <shm/bell.hpp>
#include <shm/layout.hpp>
#include <shm/pool.hpp>
#include <shm/prefetch.hpp>
#include <shm/segment.hpp>
#include <string>
#include <vector>

namespace actor::shm {

struct RouteTopicQuota {
  std::uint16_t topic;     // wire id
  std::uint32_t capacity;  // events
  std::uint32_t in_flight = 0;
};

struct OutRouteSpec {
  std::uint32_t route;
  std::string reader;
  std::vector<RouteTopicQuota> topics;
  std::uint32_t slots;  // a power of two
  bool overwriting;
  std::uint64_t base;
};

class OutRoute {
 public:
  /// Makes the ring. Throws Error(Io).
  OutRoute(OutRouteSpec spec, Fd data_bell, Fd space_bell);

  std::uint32_t id() const { return spec_.route; }
  const std::string& reader() const { return spec_.reader; }
  int ring_fd() const { return ring_.fd(); }
  int space_bell() const { return space_bell_.get(); }
  std::uint64_t head() const { return head_; }
  bool overwriting() const { return spec_.overwriting; }

  /// The number of the first event that may be pushed. Before the ring is handed to anybody.
  void set_first_counter(std::uint64_t counter) { header().first_counter = counter; }
  /// Follows the cursors in this status segment from now on.
  void set_reader(PeerSegment status, std::uint32_t cursor_index);
  void set_bells(Fd data_bell, Fd space_bell) {
    data_bell_ = Bell(std::move(data_bell));
    space_bell_ = std::move(space_bell);
  }
  void clear_reader();
  /// Does it follow a reader's cursors?
  bool has_reader() const { return released_ != nullptr; }

  /// Does the reader still read what an earlier life of ours left in the route?
  bool reader_is_behind() {
    if (!is_behind_ || !released_) return false;
    is_behind_ = released_->load(std::memory_order_acquire) < spec_.base;
    return is_behind_;
  }

  /// Position of a topic in this route, or -1.
  int topic_position(std::uint16_t topic) const;
  /// Room for one more event of the topic at `position`? Looks at the reader's cursor only when it seems full.
  bool has_room(unsigned position, Pool& pool) {
    const RouteTopicQuota& quota = spec_.topics[position];
    if (quota.in_flight < quota.capacity || spec_.overwriting) return true;
    reclaim(pool);
    return quota.in_flight < quota.capacity;
  }
  /// Has the reader let go of something since the last reclaim()? A cursor that reclaim() would not follow is no news.
  bool can_reclaim() const;
  /// Takes back what the reader has released.
  void reclaim(Pool& pool) {
    if (released_) reclaim_to(released_->load(std::memory_order_acquire), pool);
  }
  /// Takes back everything; the route is at its end.
  void abandon(Pool& pool) { reclaim_to(head_, pool); }

  /// The slot and tail that the next event will have. For overwriting routes begin_overwrite() comes first.
  Slot& next_slot() { return cells_[head_ & mask_].slot; }
  Tail& next_tail() { return cells_[head_ & mask_].tail; }
  void begin_overwrite(Pool& pool);
  /// For overwriting routes: takes back the oldest event that holds memory, and those before it, which its reader has
  /// then missed. False when there is none.
  bool drop_oldest(Pool& pool);
  /// Publishes the next slot, whose fields are written, and takes note of what it holds.
  void push(unsigned position, Pool::ChunkId chunk) {
    notes_[head_ & mask_] = {chunk, position};
    if (chunk != Pool::no_chunk) ++chunks_;
    ++spec_.topics[position].in_flight;
    // PAIRS: slot.sequence (acquire load in RingView::has). If the process dies before this store the slot is not
    // there.
    Slot& slot = next_slot();
    slot.sequence.store(head_ + 1, std::memory_order_release);
    fetch_ahead((slot.flags_and_bytes >> 24 & Slot::in_tail) != 0);
    ++head_;
    dirty_ = true;
    // INVARIANT: the head word lags by less than the ring is long, however much one handler sends while the reader
    // keeps up with it. The broker relies on it to tell a dead reader's cursor from a lie.
    if ((head_ & (mask_ >> 1)) == 0 || reader_sleeps()) [[unlikely]]
      flush_now();
  }

  /// Stores the head and rings the reader if it sleeps. Cheap when nothing was pushed since.
  void flush() {
    if (dirty_) flush_now();
  }
  /// Does the reader seem to sleep, and was not rung for it? Relaxed: flush() looks again.
  bool reader_sleeps() const {
    if (!sleep_) return false;
    const std::uint64_t sleep = sleep_->load(std::memory_order_relaxed);
    return (sleep & 1) != 0 && sleep != signalled_;
  }
  void ring_bell() const;

  std::uint64_t queued_chunk_bytes(const Pool& pool) const;

  unsigned staged = 0;             // events in the outbox that target this route
  bool overflow_reported = false;  // a Fail topic overflowed since this reader came

 private:
  /// The lines of an event to come are still where their last one was read. It is likely to be like this one.
  void fetch_ahead(bool with_tail) const {
    if (fetched_ahead_ == 0) return;
    const Cell& cell = cells_[(head_ + fetched_ahead_) & mask_];
    fetch_to_write(&cell.slot);
    if (with_tail) fetch_to_write(&cell.tail);
  }
  struct Note {
    Pool::ChunkId chunk;
    std::uint32_t position;
  };

  RingHeader& header() { return *reinterpret_cast<RingHeader*>(ring_.data()); }
  void reclaim_to(std::uint64_t cursor, Pool& pool);
  static void invalidate(Slot& slot);
  void flush_now();

  OutRouteSpec spec_;
  OwnedSegment ring_;
  Cell* cells_;
  std::uint64_t mask_;
  std::uint64_t fetched_ahead_;  // slots; an eighth of a short ring, whose others are in use, and none of a tiny one
  std::uint64_t head_;
  std::uint64_t reclaimed_;   // INVARIANT: reclaimed_ <= head_
  std::uint64_t chunks_ = 0;  // chunks held by slots in [reclaimed_, head_)
  bool dirty_ = false;
  bool is_behind_ = true;
  std::uint64_t signalled_ = 0;
  std::vector<Note> notes_;
  Bell data_bell_;
  Fd space_bell_;
  PeerSegment reader_status_;
  const Word* released_ = nullptr;
  const Word* sleep_ = nullptr;
};

}  // namespace actor::shm
