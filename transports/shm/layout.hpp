#pragma once
// The bytes in shared memory. LAYOUT.md draws them; the asserts below hold them still. Every segment is a sealed memfd
// that only its owner can write; everyone else maps it read-only and trusts nothing in it. Fixed-width fields, no
// pointers, native byte order, one machine.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace actor::shm {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
using Word = std::atomic<std::uint64_t>;
static_assert(sizeof(Word) == 8);

inline constexpr std::size_t cache_line = 64;
inline constexpr std::uint32_t layout_version = 2;
inline constexpr std::uint64_t status_magic = 0x3155544154534341;  // "ACSTATU1"
inline constexpr std::uint64_t ring_magic = 0x31474e4952544341;    // "ACTRING1"

/// Readers one actor can listen to, and readers it can have.
inline constexpr std::uint32_t max_routes = 1024;
inline constexpr std::uint32_t max_ring_slots = 1u << 20;

// ---- ring: one per (publisher, reader) lane ----

/// Payloads up to this go into the slot itself; a parent id takes 16 of them.
inline constexpr std::size_t slot_inline_bytes = 32;
/// Payloads up to this go into the slot's tail, a second cache line.
inline constexpr std::size_t tail_bytes = 64;

/// One event. Valid for sequence number s when `sequence` == s + 1: stored last by the publisher, so it is all there.
struct alignas(cache_line) Slot {
  enum Flag : std::uint8_t {
    has_parent = 1,
    in_tail = 2,
    in_pool = 4,
    maybe_duplicate = 8,
    latched = 16,
    carried = 32
  };

  Word sequence;          // s + 1; 64-bit at 10^9/s: 584 years
  std::uint64_t counter;  // the event's number
  std::int64_t stamp_ns;  // CLOCK_MONOTONIC
  std::uint16_t topic;
  std::uint16_t type;
  std::uint32_t flags_and_bytes;  // flags in the top byte; payload bytes below 2^24, or 0 for a pool payload, whose
                                  // PoolRef has them
  std::byte payload[slot_inline_bytes];  // inline payload, PoolRef or a carrier's ticket (8 bytes); parent id in the
                                         // last 16 bytes when has_parent
};

/// In Slot::payload of an in_pool event.
struct PoolRef {
  std::uint32_t extent;
  std::uint32_t offset_lines;  // offset / 64
  std::uint64_t bytes;
};
static_assert(sizeof(PoolRef) == 16);

struct alignas(cache_line) Tail {
  std::byte payload[tail_bytes];
};

static_assert(sizeof(Slot) == 64 && sizeof(Tail) == 64);
static_assert(std::is_standard_layout_v<Slot>);
static_assert(offsetof(Slot, counter) == 8 && offsetof(Slot, stamp_ns) == 16 && offsetof(Slot, topic) == 24 &&
              offsetof(Slot, type) == 26 && offsetof(Slot, flags_and_bytes) == 28 && offsetof(Slot, payload) == 32);

/// Side by side: the spatial prefetcher brings the tail along with the slot, which measured 0.9 times the latency and
/// 1.4 times the throughput of two arrays (64-byte events).
struct Cell {
  Slot slot;
  Tail tail;
};
static_assert(sizeof(Cell) == 128);

/// The ring segment: this header, then `slots` cells.
struct RingHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t slots;  // a power of two
  std::uint64_t base;   // the first sequence number written here
  std::uint32_t route;
  std::uint32_t overwriting;
  std::uint64_t first_counter;  // events below this number were sent before the ring was made
  alignas(
      cache_line) Word head;  // one past the last sequence number; may lag behind the slots while a burst is written
  std::byte padding[cache_line - sizeof(Word)];
};
static_assert(sizeof(RingHeader) == 128 && offsetof(RingHeader, first_counter) == 32 &&
              offsetof(RingHeader, head) == 64);

constexpr std::size_t ring_bytes(std::uint32_t slots) {
  return sizeof(RingHeader) + std::size_t{slots} * sizeof(Cell);
}

// ---- status: one per incarnation ----

/// A reader's position in one route. INVARIANT: released <= done <= the ring's head.
struct Cursor {
  alignas(cache_line) Word done;      // next event to handle; stored after each event; read by successor and broker
  alignas(cache_line) Word released;  // payloads below may be reused; stored per batch; read by the publisher
};
static_assert(sizeof(Cursor) == 128);

/// The event handed out last, for the successor and for crash reports. It is in hand while `sequence` is its route's
/// `done`. Written in the order: route = 0, the others, route.
struct FlightRecord {
  Word route;           // RouteId; 0 = none
  Word sequence;        // in that route
  Word attempt;         // this attempt's number, from 1
  Word first_output;    // number of the first event that its handler sent; 0 = none yet
  Word outputs_end;     // one past the last number that its handler used
  Word event_counter;   // with the sender (from the route): the event's id
  Word type_and_topic;  // type << 16 | topic
  Word letter;          // number of the dead letter that is in hand instead; 0 = none
};
static_assert(sizeof(FlightRecord) == 64);

/// Totals of this incarnation and, added by the successor, of its predecessors. Relaxed words, written by the owner.
struct Counters {
  Word published;
  Word sent;
  Word dropped;
  Word received;
  Word handled;
  Word skipped;
  Word staged;
  Word counter_limit;  // event numbers below may have been used: the successor starts here
};

/// How many events took how long, for `actorctl top`: handling_times.hpp has the buckets. Relaxed words, of this
/// incarnation only.
inline constexpr std::size_t handling_buckets = 64;
struct Handling {
  Word count[handling_buckets];
};
static_assert(sizeof(Handling) == 512);

/// Where a fan-out is recorded before the first of its pushes. Committed when `commit` == counter of the event.
struct FanoutTarget {
  std::uint32_t route;
  std::uint32_t reserved;
  std::uint64_t sequence;
};
struct FanoutRecord {
  alignas(cache_line) Word commit;  // the event's number; 0 = being written
  std::uint64_t targets;
  alignas(cache_line) Slot slot;  // its own sequence word is unused
  Tail tail;
  FanoutTarget target[max_routes];
};

/// The last value of a latched topic. Written in turns: version n is in cells[n & 1], so that there is a whole one
/// whenever its writer dies; a reader copies, then looks whether the version is still the same.
struct Latch {
  alignas(cache_line) Word version;  // 0: none yet
  Word topic;                        // the broker's number; constant once it is not 0
  Cell cells[2];                     // the slots' own sequence words are unused
};
static_assert(sizeof(Latch) == cache_line + 2 * sizeof(Cell));

/// Latched topics that one actor can publish.
inline constexpr std::uint32_t max_latches = 64;

/// What an actor is doing, for `ps` and the watchdog.
enum class State : std::uint64_t { Connecting = 0, Starting = 1, Running = 2, Draining = 3, Stopped = 4 };

struct StatusHeader {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t bytes;          // of the whole segment
  std::int64_t wall_offset_ns;  // system clock = CLOCK_MONOTONIC + this
  std::uint64_t pid;
  std::byte padding[32];
};
static_assert(sizeof(StatusHeader) == 64);

struct Status {
  StatusHeader header;
  alignas(cache_line) Word sleep;     // odd: asleep for want of events; rung at most once per value
  alignas(cache_line) Word space;     // odd: asleep for want of room
  alignas(cache_line) Word progress;  // counts the turns of the actor's loop: what stands still while it is awake hangs
  Word state;                         // State
  Word outbox;                        // events staged: nonzero means the actor is not at rest
  Word waits_for;                     // while `space` is odd: the full route, RouteId << 16 | topic; 0 = not known
  alignas(cache_line) FlightRecord flight;
  alignas(cache_line) Counters counters;
  alignas(cache_line) Handling handling;
  alignas(cache_line) FanoutRecord fanout;
  Cursor cursors[max_routes];
  Latch latches[max_latches];
};
static_assert(offsetof(Status, sleep) == 64 && offsetof(Status, space) == 128 && offsetof(Status, progress) == 192 &&
              offsetof(Status, flight) == 256 && offsetof(Status, counters) == 320 &&
              offsetof(Status, handling) == 384 && offsetof(Status, fanout) == 896 &&
              offsetof(Status, cursors) == 896 + sizeof(FanoutRecord) &&
              offsetof(Status, latches) == offsetof(Status, cursors) + max_routes * sizeof(Cursor));
static_assert(sizeof(FanoutRecord) % cache_line == 0);

}  // namespace actor::shm
