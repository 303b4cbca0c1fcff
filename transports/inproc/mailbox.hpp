#pragma once
// What waits for one reader: a lane per sender, taken from in turn. Owned by the reader's port and shared with the
// ports that send to it. An event passes through without a lock; the mutex guards who comes and goes.

#include <actor/id.hpp>
#include <actor/signal.hpp>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "inproc/lane.hpp"

namespace actor::inproc {

class Mailbox {
 public:
  static constexpr Signal::Bits lane_bits = (Signal::Bits{1} << Signal::lane_bits) - 1;

  /// The event in the reader's hands.
  struct InHand : Lane::Taken {
    Lane* lane = nullptr;
  };

  /// `capacity` of 0: each topic's own. `first_sequence`: of each lane.
  Mailbox(ActorId reader, std::size_t capacity, std::uint64_t first_sequence, std::shared_ptr<Signal> signal);

  ActorId reader() const { return reader_; }
  Signal& signal() { return *signal_; }
  std::size_t capacity_for(const BusTopic& topic) const { return capacity_ ? capacity_ : topic.capacity; }

  // Sender -----------------------------------------------------------------------------------------------------------

  /// The lane of `sender`; the one that its earlier incarnation left, as long as it holds events. Null when the reader
  /// has left.
  std::shared_ptr<Lane> open_lane(ActorId sender, std::shared_ptr<Signal> sender_signal);
  /// The sender leaves; what it sent stays. `unread`: events that nobody will read, because the reader left first.
  void leave_lane(Lane& lane, const LaneWriter& writer, std::vector<EventRef>& unread);
  /// From now on the reader raises Signal::room when it gives room back, until it has done so once. What the caller
  /// sees of the lane's room from here on, it will be told of when it changes.
  void await_room(Lane& lane) {
    // PAIRS: awaits_room and room_turn (each side stores one and loads the other, all in the one order of seq_cst): if
    // announce_room() does not see that we wait, we see the turn, and with it all the room that was given back in it.
    lane.awaits_room.store(true);
    room_turn_.load();
  }

  // Reader -----------------------------------------------------------------------------------------------------------

  /// Looks into the lanes of these bits of the signal. `in_hand`: the lane of the event in hand, or null.
  void look(Signal::Bits bits, const Lane* in_hand);
  /// Is there an event that look() has seen?
  bool has_events() const { return last_active_ != nullptr; }
  /// The oldest event of the next sender in turn. REQUIRES: has_events().
  void pop(InHand& out) {
    Lane& lane = *last_active_->next_active;
    static_cast<Lane::Taken&>(out) = lane.pop();
    out.lane = &lane;
    if (lane.has_more()) {
      last_active_ = &lane;
      return;
    }
    lane.active = false;
    if (last_active_ == &lane) {
      last_active_ = nullptr;
    } else {
      last_active_->next_active = lane.next_active;
    }
  }
  /// Makes the event's room free again, and frees the event if nobody else holds it.
  void release(InHand& in_hand) {
    Lane& lane = *in_hand.lane;
    if (Quota* quota = in_hand.quota) [[likely]] {
      quota->release_one();
      if (quota->blocks && !lane.gave_room) {
        lane.gave_room = true;
        gave_room_.push_back(&lane);
      }
    }
    inproc::release(std::exchange(in_hand.event, nullptr));
    if (!lane.active && lane.has_left(Lane::the_sender)) [[unlikely]]
      retire(lane);
  }
  /// Tells those who wait for the room that has been given back since the last time.
  void announce_room() {
    if (!gave_room_.empty()) announce_room_to_waiting();
  }
  /// Nothing can be read from now on. `queued`: the events that still were. wake_senders() has to follow, when the bus
  /// has forgotten this mailbox.
  void close(std::vector<EventRef>& queued);
  void wake_senders();

 private:
  void add_new_lanes();
  void activate(Lane& lane);
  void retire(Lane& lane);
  void announce_room_to_waiting();

  const ActorId reader_;
  const std::size_t capacity_;
  const std::uint64_t first_sequence_;
  const std::shared_ptr<Signal> signal_;

  std::mutex mutex_;
  std::vector<std::shared_ptr<Lane>> lanes_;  // guarded by mutex_
  std::uint32_t next_lane_number_ = 0;        // guarded by mutex_
  bool closed_ = false;                       // guarded by mutex_
  std::atomic<std::uint64_t> arrivals_ = 0;   // lanes that were ever added

  // The reader's
  alignas(64) std::atomic<std::uint64_t> room_turn_ = 0;  // how often room was announced; waiting senders look at it
  Lane* last_active_ = nullptr;                           // a ring of those with events; the next one's turn is first
  std::vector<Lane*> gave_room_;                          // since the last announce_room()
  std::uint64_t seen_arrivals_ = 0;
  std::array<std::vector<Lane*>, Signal::lane_bits> by_bit_;
};

}  // namespace actor::inproc
