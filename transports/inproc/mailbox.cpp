#include "inproc/mailbox.hpp"

#include <algorithm>
#include <bit>

namespace actor::inproc {

Mailbox::Mailbox(ActorId reader, std::size_t capacity, std::uint64_t first_sequence, std::shared_ptr<Signal> signal)
    : reader_(reader), capacity_(capacity), first_sequence_(first_sequence), signal_(std::move(signal)) {}

std::shared_ptr<Lane> Mailbox::open_lane(ActorId sender, std::shared_ptr<Signal> sender_signal) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return nullptr;
  auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->sender() == sender; });
  if (found == lanes_.end()) {
    found = lanes_.insert(found, std::make_shared<Lane>(sender, next_lane_number_++, first_sequence_));
    arrivals_.fetch_add(1, std::memory_order_release);  // PAIRS: Mailbox.arrivals (acquire in look())
  } else {
    (*found)->rejoin();
  }
  (*found)->sender_signal = std::move(sender_signal);
  return *found;
}

void Mailbox::leave_lane(Lane& lane, const LaneWriter& writer, std::vector<EventRef>& unread) {
  {
    const std::scoped_lock lock(mutex_);
    lane.keep(writer);
    lane.sender_signal.reset();
    if (lane.leave(Lane::the_sender)) return lane.drain(unread);
  }
  signal_->raise(lane.bit());  // the lane is the reader's to retire
}

void Mailbox::look(Signal::Bits bits, const Lane* in_hand) {
  if (arrivals_.load(std::memory_order_acquire) != seen_arrivals_) [[unlikely]]
    add_new_lanes();
  for (; bits != 0; bits &= bits - 1) {
    auto& lanes = by_bit_[static_cast<std::size_t>(std::countr_zero(bits))];
    for (std::size_t i = 0; i < lanes.size();) {
      Lane& lane = *lanes[i];
      if (lane.look()) {
        activate(lane);
      } else if (lane.has_left(Lane::the_sender) && in_hand != &lane) {
        const std::size_t before = lanes.size();
        retire(lane);
        if (lanes.size() != before) continue;
      }
      ++i;
    }
  }
}

void Mailbox::add_new_lanes() {
  const std::scoped_lock lock(mutex_);
  seen_arrivals_ = arrivals_.load(std::memory_order_relaxed);
  for (const auto& lane : lanes_) {
    if (std::exchange(lane->known, true)) continue;
    by_bit_[lane->number() % Signal::lane_bits].push_back(lane.get());
  }
}

void Mailbox::activate(Lane& lane) {
  if (std::exchange(lane.active, true)) return;
  if (last_active_) {
    lane.next_active = std::exchange(last_active_->next_active, &lane);
  } else {
    lane.next_active = &lane;
  }
  last_active_ = &lane;
}

/// The lane's sender has left and nothing was seen in it: forgets the lane, unless there is something after all.
void Mailbox::retire(Lane& lane) {
  const std::scoped_lock lock(mutex_);
  if (!lane.has_left(Lane::the_sender)) return;  // its next incarnation has come
  if (lane.stashed != 0) return;
  if (lane.look()) return activate(lane);
  if (std::exchange(lane.gave_room, false)) std::erase(gave_room_, &lane);
  std::erase(by_bit_[lane.number() % Signal::lane_bits], &lane);
  std::erase_if(lanes_, [&](const auto& known) { return known.get() == &lane; });
}

void Mailbox::announce_room_to_waiting() {
  room_turn_.store(room_turn_.load(std::memory_order_relaxed) + 1);  // PAIRS: see await_room()
  for (Lane* lane : gave_room_) {
    lane->gave_room = false;
    if (!lane->awaits_room.load() || !lane->awaits_room.exchange(false)) continue;
    std::shared_ptr<Signal> sender;
    {
      const std::scoped_lock lock(mutex_);
      sender = lane->sender_signal;
    }
    if (sender) sender->raise(Signal::room);
  }
  gave_room_.clear();
}

void Mailbox::close(std::vector<EventRef>& queued) {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
  for (const auto& lane : lanes_) {
    lane->drain(queued);
    if (lane->leave(Lane::the_reader)) lane->drain(queued);
  }
  last_active_ = nullptr;
  gave_room_.clear();
  for (auto& lanes : by_bit_) lanes.clear();
}

void Mailbox::wake_senders() {
  std::vector<std::shared_ptr<Signal>> senders;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& lane : lanes_) {
      if (lane->sender_signal) senders.push_back(lane->sender_signal);
    }
    lanes_.clear();
  }
  for (const auto& sender : senders) sender->raise(Signal::room);
}

}  // namespace actor::inproc
