#pragma once
// The reader's end of one route: the segments that its publisher's incarnations wrote, oldest first, and the reader's
// own cursor. Everything read from a ring is a peer's and is checked before it is used. Owned by the Receiver, one
// thread.

#include <actor/transport.hpp>
#include <algorithm>
#include <control/fd.hpp>
#include <deque>
#include <map>
#include <memory>
#include <shm/bell.hpp>
#include <shm/changing.hpp>
#include <shm/poison.hpp>
#include <shm/ring.hpp>
#include <vector>

namespace actor::shm {

/// One incarnation of a publisher, shared by the routes that come from it.
struct Publisher {
  std::uint64_t key = 0;
  std::uint32_t incarnation = 0;
  std::int64_t wall_offset_ns = 0;
  ActorId id;
  PeerSegment status;
  /// Shared with what was retained: a view outlives the extent's end.
  std::map<std::uint32_t, std::shared_ptr<PeerSegment>> extents;

  const Status& words() const { return *reinterpret_cast<const Status*>(status.data()); }
};

struct InSegment {
  RingView ring;
  std::shared_ptr<Publisher> publisher;
  std::vector<std::uint16_t> topics;  // that this life may send here; the next one's may be others
  bool ended = false;
  std::uint64_t final_head = 0;
  bool from_record = false;
};

/// One event as found in a ring: pointers into the publisher's memory, checked against its bounds.
struct Found {
  const Slot* slot = nullptr;
  std::uint64_t sequence = 0;
  std::span<const std::byte> payload;
  EventId parent;
  std::uint16_t topic = 0;   // wire
  std::uint16_t type = 0;    // wire
  std::uint8_t flags = 0;    // Slot::Flag
  std::uint64_t ticket = 0;  // with Slot::carried: the payload is at a carrier, and `payload` empty
};

/// What the last event's slot said, once it was checked. An event whose slot says the same needs no second check, and
/// is handed out the same way; where in the pool a payload lies is looked at each time.
struct KnownEvent {
  static constexpr std::uint64_t none = UINT64_MAX;  // no event that is known has all flags; a hostile slot may

  std::uint64_t header = none;       // see read_header()
  std::uint64_t type_and_topic = 0;  // as the flight record has them
  std::uint64_t bytes = 0;
  const PeerSegment* memory = nullptr;  // the extent of a pool payload; null: it is in the slot or its tail
  std::uint32_t extent = 0;
  bool in_tail = false;
  bool in_place = false;    // may be read where it lies
  std::uint16_t topic = 0;  // the port's handle
  std::uint16_t type = 0;   // index into the reader's own event set
};

enum class Take { Event, Nothing, Corrupt, Drained };

class InRoute {
 public:
  /// `smallest_quota`: of the route's topics, in events. What was handled is let go of well before it is used up.
  InRoute(std::uint32_t route, std::uint32_t smallest_quota, bool overwriting, Cursor& words, std::uint64_t cursor,
          Fd data_bell, Fd space_bell);

  void set_smallest_quota(std::uint32_t events);
  std::uint32_t id() const { return id_; }
  int data_bell() const { return data_bell_.get(); }
  void set_bells(Fd data_bell, Fd space_bell) {
    data_bell_ = std::move(data_bell);
    space_bell_ = Bell(std::move(space_bell));
  }
  std::uint64_t cursor() const { return cursor_; }
  /// Has nothing been read since it was made?
  bool is_untouched() const { return cursor_ == began_; }
  bool overwriting() const { return overwriting_; }
  /// Is what it hands out a copy, because the original may change meanwhile? In a ring that overwrites, and where the
  /// publisher is another user, who may not be trusted.
  bool copies() const { return overwriting_ || (!segments_.empty() && segments_.front().ring.is_foreign()); }
  const Publisher& publisher() const { return *segments_.front().publisher; }
  bool has_segments() const { return !segments_.empty(); }
  std::deque<InSegment>& segments() { return segments_; }
  /// Behind those that are there.
  void add_segment(InSegment segment) {
    segments_.push_back(std::move(segment));
    space_signalled_ = 0;  // each incarnation counts its waits from 0: what was signalled to the last is no news to it
  }

  /// Looks at the cursor. Event: `found` is filled. Drained: the front segment is read to its end: call drop_front().
  /// Corrupt: `error` says what the publisher did; the route is not read any further.
  Take take(Found& found, std::string& error) {
    if (!segments_.empty() && !overwriting_ && !corrupt_) [[likely]] {
      const InSegment& segment = segments_.front();
      __builtin_prefetch(&segment.ring.tail(cursor_));  // along with the slot: one miss instead of two in a row
      if (segment.ring.has(cursor_)) [[likely]] {
        const Slot& slot = segment.ring.slot(cursor_);
        found.slot = &slot;
        return take_here(segment, slot, segment.ring.tail(cursor_), found, error);
      }
    }
    return take_slowly(found, error);
  }
  /// take() for what is most likely: an event like the one before it. Null: it is not, or there is none.
  const Slot* take_like_last(std::span<const std::byte>& payload) const {
    if (segments_.empty() || overwriting_ || corrupt_) return nullptr;
    const RingView& ring = segments_.front().ring;
    __builtin_prefetch(&ring.tail(cursor_));  // along with the slot: one miss instead of two in a row
    if (cursor_ + fetched_ahead < written_) {
      __builtin_prefetch(&ring.slot(cursor_ + fetched_ahead));
      __builtin_prefetch(&ring.tail(cursor_ + fetched_ahead));
    }
    if (!ring.has(cursor_)) return nullptr;
    const Slot& slot = ring.slot(cursor_);
    const std::uint64_t header = read_header(slot);
    if (header != known_.header || header == KnownEvent::none) return nullptr;
    if (known_.memory) return find_in_pool(slot, payload) ? &slot : nullptr;
    payload = {known_.in_tail ? ring.tail(cursor_).payload : slot.payload, known_.bytes};
    return &slot;
  }
  /// Looks how far the publisher is, every now and then. What it has written a while ago is fetched before its turn
  /// comes. What it may be writing now is not: the line would have to go back.
  void look_ahead() {
    if (segments_.empty() || overwriting_) return;
    if (segments_.front().ring.has(cursor_ + looked_ahead)) written_ = cursor_ + looked_ahead;
  }
  const KnownEvent& known() const { return known_; }
  /// `found` was handed out as `out` says.
  void remember(const Found& found, const Delivery& out);
  void forget_known() { known_ = {}; }
  /// The segment that was read to its end is dropped; returns its publisher's incarnation.
  std::uint32_t drop_front();

  /// The event at the cursor was dealt with.
  void advance() {
    ++cursor_;
    // Release: what the handler did comes before it. Read by the successor and by the broker.
    words_.done.store(cursor_, std::memory_order_release);
  }
  /// Events that could not be read (overwritten, or in a corrupt segment that has ended) since the last call.
  std::uint64_t take_gaps() { return std::exchange(gaps_, 0); }

  /// Lets the publisher reuse what was handled, but for what is pinned. Cheap when nothing changed.
  void publish_released() {
    if (released_ != cursor_) publish_released_now();
  }
  bool should_publish(std::size_t payload_bytes) const {
    const std::uint64_t batch = payload_bytes > tail_bytes ? std::min(batch_, largest_batch_in_pool) : batch_;
    return payload_bytes >= 4096 || cursor_ - released_ >= batch;
  }
  /// Is there something at the cursor, by the head word? seq_cst: half of the sleep handshake.
  bool has_news() const;

  /// Pins the event at the cursor: its payload is not reused until unpin(). False when the pin table is full.
  bool pin();
  bool is_pinned(std::uint64_t sequence) const {
    return !pins_.empty() && std::find(pins_.begin(), pins_.end(), sequence) != pins_.end();
  }
  void unpin(std::uint64_t sequence);

 private:
  static constexpr std::size_t max_pins = 8;
  /// Telling the publisher takes a line from it and waits for every store before it: with 16, events of 64 bytes went
  /// at 0.9 times the rate (`tests/bench/run --only throughput/spin/1-1/64`).
  static constexpr std::uint64_t largest_batch = 64;
  static constexpr std::uint64_t largest_batch_in_pool = 16;  // memory is shorter than slots
  static constexpr std::uint64_t looked_ahead = 32;
  static constexpr std::uint64_t fetched_ahead = 8;

  Take take_slowly(Found& found, std::string& error);
  Take take_overwritten(InSegment& segment, Found& found, std::string& error);
  Take take_from_record(const InSegment& segment, Found& found, std::string& error);
  Take take_here(const InSegment& segment, const Slot& slot, const Tail& tail, Found& found, std::string& error);
  Take check(const InSegment& segment, const Slot& slot, const Tail& tail, Found& found, std::string& error);
  std::span<const std::byte> copy_of(std::span<const std::byte> payload);
  bool find_in_pool(const Slot& slot, std::span<const std::byte>& payload) const {
    unpoison(slot.payload);  // an earlier event may have been in the slot itself
    const PoolRef reference = read_pool_ref(slot);
    const std::uint64_t offset = std::uint64_t{reference.offset_lines} * cache_line;
    const std::uint64_t size = known_.memory->bytes();
    if (reference.extent != known_.extent || reference.bytes > size || offset > size - reference.bytes) return false;
    if (known_.in_place && reference.bytes != known_.bytes) return false;
    payload = {known_.memory->data() + offset, reference.bytes};
    return true;
  }
  void skip_to(std::uint64_t sequence);
  Take corrupt(std::string what, std::string& error);
  void publish_released_now();

  std::uint32_t id_;
  bool overwriting_;
  bool corrupt_ = false;
  Cursor& words_;
  std::uint64_t cursor_;
  const std::uint64_t began_;
  std::uint64_t written_ = 0;  // the slots up to here were there when it looked ahead
  std::uint64_t released_;
  std::uint64_t batch_ = 1;  // events between two stores of `released`
  std::uint64_t space_signalled_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t awaits_extent_at_ = UINT64_MAX;  // the event here points into an extent that has not come yet
  KnownEvent known_;
  std::deque<InSegment> segments_;
  std::vector<std::uint64_t> pins_;
  Slot copy_slot_{};        // of an overwriting ring
  std::vector<Tail> copy_;  // of a payload that its publisher may change; aligned as an event may be
  Fd data_bell_;
  Bell space_bell_;
};

}  // namespace actor::shm
