#pragma once
// What waits for one reader: a lane per sender, first in, first out, with a quota per topic in each lane. Owned by the
// reader's port and shared with the ports that send to it. The functions of a lane's sender are called on that sender's
// thread, those of the reader on the reader's; one mutex inside serves them all.

#include <actor/id.hpp>
#include <actor/signal.hpp>
#include <actor/topic.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "inproc/shared_event.hpp"

namespace actor::inproc {

/// A topic of the bus. The policy is set once, by the first to open the topic, before the topic's first event.
struct Topic {
  std::uint16_t id;
  std::string name;
  std::optional<OverflowPolicy> policy;
  ActorId opened_by;
  std::size_t capacity;  // events per sender and reader, unless the reader has a capacity of its own

  bool drops_oldest() const { return policy->kind == OverflowPolicy::Kind::DropOldest; }
};

class Mailbox {
 private:
  struct Queued {
    EventRef event;
    const Topic* topic = nullptr;
  };

 public:
  /// One sender's events. Its members are the mailbox's own, under its mutex.
  class Lane {
    friend class Mailbox;
    ActorId sender;
    std::shared_ptr<Signal> sender_signal;  // null: the sender is gone, the lane goes when it is empty
    std::deque<Queued> events;
    std::unordered_map<std::uint16_t, std::size_t> taken;  // by topic: queued, or in hand (but not of DropOldest)
    std::uint64_t next_sequence = 0;
    mutable bool awaits_room = false;  // the sender has found none since it was last told of some
    std::uint32_t number = 0;
  };

  enum class Push { Done, Full, Closed };

  /// The event in the reader's hands.
  struct InHand {
    EventRef event;  // null: nothing is in hand
    const Topic* topic = nullptr;
    Lane* lane = nullptr;
    std::uint64_t sequence = 0;
    std::uint32_t lane_number = 0;
  };

  /// `capacity` of 0: each topic's own. `first_sequence`: of each lane.
  Mailbox(ActorId reader, std::size_t capacity, std::uint64_t first_sequence, std::shared_ptr<Signal> signal);

  ActorId reader() const { return reader_; }

  // Sender -----------------------------------------------------------------------------------------------------------

  /// The lane of `sender`; the one that its earlier incarnation left, as long as it holds events. Null when closed.
  Lane* open_lane(ActorId sender, std::shared_ptr<Signal> sender_signal);
  /// The sender leaves; what it sent stays.
  void leave_lane(Lane& lane);
  /// INVARIANT: true stays true until the lane's sender pushes, because nobody else adds to the lane.
  bool has_room(const Lane& lane, const Topic& topic) const;
  /// A DropOldest topic always has room: its oldest event makes it, and counts as overwritten.
  Push push(Lane& lane, const Topic& topic, EventRef event);
  bool is_closed() const;

  // Reader -----------------------------------------------------------------------------------------------------------

  /// The oldest event of the next sender in turn; false when there is none.
  bool pop(InHand& out);
  /// Makes the event's room free again and wakes a sender that waits for it.
  void release(InHand& in_hand);
  bool empty() const;
  std::uint64_t overwritten() const;
  /// Nothing can be pushed from now on; wakes every waiting sender. Returns how many events were still queued.
  std::size_t close();

 private:
  std::size_t capacity_for(const Topic& topic) const { return capacity_ ? capacity_ : topic.capacity; }
  EventRef take_oldest(Lane& lane, const Topic& topic);

  const ActorId reader_;
  const std::size_t capacity_;
  const std::uint64_t first_sequence_;
  const std::shared_ptr<Signal> signal_;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::size_t turn_ = 0;  // index of the lane to look at first
  std::uint32_t next_lane_number_ = 1;
  std::size_t queued_ = 0;
  std::uint64_t overwritten_ = 0;
  bool closed_ = false;
};

}  // namespace actor::inproc
