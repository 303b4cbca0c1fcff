#pragma once
// What one sender has under way to one reader: first in, first out, without a lock. Shared by the two ports; each
// function says on whose thread it is called, and each side has its own cache lines.
//
//   chunks        a ring of chunks of slots. The sender fills slots and tells of them in batches: publish(). When it
//                 comes to a chunk that the reader has not left it adds a new one, so a lane is as large as its longest
//                 queue was, and allocates no more once it is.
//   Quota         how many events of one topic may be in the lane: the sender counts what it pushes, the reader what it
//                 has handled; neither writes the other's number.
//   LatestQueue   the events of a DropOldest topic, which the sender takes away again: the one place with a lock.

#include <actor/id.hpp>
#include <actor/signal.hpp>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "inproc/bus_topic.hpp"
#include "inproc/shared_event.hpp"

namespace actor::inproc {

/// One topic's room in a lane. Not for DropOldest, which always has room.
struct Quota {
  Quota(const BusTopic& its_topic, std::size_t events)
      : topic(&its_topic), capacity(events), blocks(its_topic.blocks()) {}

  /// INVARIANT: true stays true until the sender pushes, because nobody else does. Sender.
  bool has_room() {
    if (pushed - seen_released < capacity) [[likely]]
      return true;
    seen_released = released.load(std::memory_order_acquire);
    return pushed - seen_released < capacity;
  }
  /// Reader.
  void release_one() {  // PAIRS: Quota.released (acquire in has_room())
    released.store(released.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  // The sender's
  const BusTopic* const topic;
  const std::uint64_t capacity;
  std::uint64_t pushed = 0;         // 64-bit at 10^9/s: 584 years
  std::uint64_t seen_released = 0;  // `released` when it last had to look
  // The reader's
  alignas(64) std::atomic<std::uint64_t> released = 0;
  const bool blocks;  // a sender may wait for this room
};

/// What waits of a DropOldest topic. What is in the reader's hands takes no room here.
class LatestQueue {
 public:
  LatestQueue(const BusTopic& topic, std::size_t capacity, LatestQueue* next)
      : topic_(&topic), capacity_(capacity), next_(next) {}

  const BusTopic& topic() const { return *topic_; }
  LatestQueue* next() const { return next_; }
  /// Returns the oldest, which had to make room, or null. The caller takes over its reference. Sender.
  SharedEvent* push(SharedEvent* event);
  /// Null when there is none. Reader.
  SharedEvent* pop();
  std::size_t size() const { return size_.load(std::memory_order_acquire); }

 private:
  void grow();

  const BusTopic* const topic_;
  const std::size_t capacity_;
  LatestQueue* const next_;
  std::mutex mutex_;
  std::vector<SharedEvent*> ring_;  // grows up to the capacity
  std::size_t first_ = 0;
  std::atomic<std::size_t> size_ = 0;  // written under the mutex; without it, a guess
};

struct LaneSlot {
  SharedEvent* event;
  Quota* quota;
};
struct LaneChunk {
  static constexpr std::size_t size = 32;
  std::array<LaneSlot, size> slots;
  LaneChunk* next;
};

class Lane;

/// The sending end of a lane, where the sender has it at hand. A value, used by one sender at a time.
class LaneWriter {
 public:
  /// Appends the event, with one of its references. REQUIRES: it is counted in the quota, which had room.
  void append(SharedEvent* event, Quota& quota);
  /// Lets the reader see what was appended; it looks when its Signal has the lane's bit.
  void publish();

 private:
  friend class Lane;
  LaneWriter(Lane& lane, LaneChunk* chunk, std::uint64_t pushed) : lane_(&lane), chunk_(chunk), pushed_(pushed) {}
  void next_chunk();

  Lane* lane_;
  LaneChunk* chunk_;
  std::uint64_t pushed_;
};

class Lane {
 public:
  Lane(ActorId sender, std::uint32_t number, std::uint64_t first_sequence);
  /// Frees what is left in it.
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  ActorId sender() const { return sender_; }
  std::uint32_t number() const { return number_; }
  /// The lane's bit of the reader's Signal; several lanes may share one.
  Signal::Bits bit() const { return bit_; }

  // Sender -----------------------------------------------------------------------------------------------------------

  /// The topic's quota or queue in this lane; made when it is first asked for.
  Quota& quota(const BusTopic& topic, std::size_t capacity);
  LatestQueue& latest(const BusTopic& topic, std::size_t capacity);
  /// What an incarnation of the sender starts from, and leaves behind.
  LaneWriter writer();
  void keep(const LaneWriter& writer);

  // Coming and going -------------------------------------------------------------------------------------------------
  // INVARIANT: of two that leave the second sees the first, and what is left in the lane is its to drain() and count.

  enum Party : std::uint8_t { the_sender = 1, the_reader = 2 };
  bool has_left(Party party) const { return (left_.load(std::memory_order_acquire) & party) != 0; }
  /// Returns true when the other one has left already.
  bool leave(Party party) { return left_.fetch_or(party, std::memory_order_acq_rel) != 0; }
  /// The sender's next incarnation goes on. REQUIRES: the mailbox's mutex, as does the sender's leave().
  void rejoin() { left_.fetch_and(static_cast<std::uint8_t>(~the_sender), std::memory_order_acq_rel); }
  /// Takes out all events that have been published. Reader, or the sender when the reader has left.
  void drain(std::vector<EventRef>& out);
  /// How many have been published and not been popped. REQUIRES: the reader has left. Sender.
  std::size_t unread() const;

  // Reader -----------------------------------------------------------------------------------------------------------

  struct Taken {
    SharedEvent* event = nullptr;
    Quota* quota = nullptr;  // null: of a DropOldest topic
    std::uint64_t sequence = 0;
  };
  /// Looks for what has been published. Returns true when there is something to pop().
  bool look() {
    seen_ = published_.load(std::memory_order_acquire);
    seen_latest_ = latest_.load(std::memory_order_acquire);
    return has_more();
  }
  bool has_more() const { return taken_ != seen_ || (seen_latest_ && has_latest()); }
  /// The oldest event that look() has seen, DropOldest topics in turn with all others. REQUIRES: has_more().
  Taken pop() {
    if (seen_latest_) [[unlikely]] {
      if (taken_ == seen_ || latest_is_next_) {
        if (const Taken taken = pop_latest(); taken.event) return taken;
      }
      latest_is_next_ = true;
    }
    return pop_slot();
  }

 private:
  friend class LaneWriter;

  Taken pop_slot() {
    const std::uint64_t at = taken_ % LaneChunk::size;
    if (at == 0) [[unlikely]] {
      head_ = head_->next;
      front_.store(head_, std::memory_order_release);  // PAIRS: Lane.front (acquire in next_tail())
    }
    const LaneSlot slot = head_->slots[at];
    ++taken_;
    if (taken_ != seen_) {  // the next one was written on another core: have it here when this one is handled
      const std::byte* next = reinterpret_cast<const std::byte*>(head_->slots[taken_ % LaneChunk::size].event);
      __builtin_prefetch(next);
      __builtin_prefetch(next + sizeof(SharedEvent));
    }
    return {slot.event, slot.quota, next_sequence_++};
  }
  Taken pop_latest();
  bool has_latest() const;

  // Read by both, seldom written.
  const ActorId sender_;
  const Signal::Bits bit_;
  std::atomic<std::uint8_t> left_ = 0;
  std::atomic<LatestQueue*> latest_ = nullptr;  // made by the sender, followed by the reader, freed with the lane
  LaneChunk* tail_;                             // of a sender that has left
  std::vector<std::unique_ptr<Quota>> quotas_;  // the sender's

 public:
  std::atomic<bool> awaits_room = false;  // see Mailbox::announce_room()
  std::shared_ptr<Signal> sender_signal;  // guarded by the mailbox's mutex; null when the sender has left

 private:
  // Written by the sender
  alignas(64) std::atomic<std::uint64_t> published_ = 0;

  // The reader's
  alignas(64) LaneChunk* head_;
  std::uint64_t taken_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t next_sequence_;
  const std::uint32_t number_;

 public:  // the mailbox's: where the reader has put the lane
  bool active = false;
  bool known = false;
  bool gave_room = false;
  std::size_t stashed = 0;  // events that were popped and wait elsewhere: the lane has to stay for them

 private:
  bool latest_is_next_ = false;
  LatestQueue* seen_latest_ = nullptr;

 public:
  Lane* next_active = nullptr;

 private:
  std::atomic<LaneChunk*> front_;       // the chunk that the reader is in
  LatestQueue* last_latest_ = nullptr;  // popped from last
};

inline void LaneWriter::append(SharedEvent* event, Quota& quota) {
  const std::uint64_t at = pushed_ % LaneChunk::size;
  if (at == 0) [[unlikely]]
    next_chunk();
  chunk_->slots[at] = {event, &quota};
  ++pushed_;
}

inline void LaneWriter::publish() {  // PAIRS: Lane.published (acquire in look())
  lane_->published_.store(pushed_, std::memory_order_release);
}

}  // namespace actor::inproc
