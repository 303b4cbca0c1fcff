#include "inproc/mailbox.hpp"

#include <actor/error.hpp>
#include <algorithm>

namespace actor::inproc {

Mailbox::Mailbox(ActorId reader, std::size_t capacity, std::uint64_t first_sequence, std::shared_ptr<Signal> signal)
    : reader_(reader), capacity_(capacity), first_sequence_(first_sequence), signal_(std::move(signal)) {}

Mailbox::Lane* Mailbox::open_lane(ActorId sender, std::shared_ptr<Signal> sender_signal) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return nullptr;
  auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& lane) { return lane->sender == sender; });
  if (found == lanes_.end()) {
    found = lanes_.insert(found, std::make_unique<Lane>());
    (*found)->sender = sender;
    (*found)->number = next_lane_number_++;
    (*found)->next_sequence = first_sequence_;
  }
  Lane& lane = **found;
  lane.sender_signal = std::move(sender_signal);
  return &lane;
}

void Mailbox::leave_lane(Lane& lane) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return;  // the lane is gone
  lane.sender_signal.reset();
}

bool Mailbox::has_room(const Lane& lane, const Topic& topic) const {
  const std::scoped_lock lock(mutex_);
  if (closed_) return true;  // a reader that left holds nobody up
  const auto taken = lane.taken.find(topic.id);
  if (taken == lane.taken.end() || taken->second < capacity_for(topic)) return true;
  lane.awaits_room = true;
  return false;
}

Mailbox::Push Mailbox::push(Lane& lane, const Topic& topic, EventRef event) {
  EventRef overwritten;  // freed after the lock
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Push::Closed;
    std::size_t& taken = lane.taken[topic.id];
    if (taken >= capacity_for(topic)) {
      if (!topic.drops_oldest()) return Push::Full;
      overwritten = take_oldest(lane, topic);
    }
    ++taken;
    ++queued_;
    lane.events.push_back({std::move(event), &topic});
  }
  signal_->raise(Signal::Bits{1} << lane.number % Signal::lane_bits);
  return Push::Done;
}

EventRef Mailbox::take_oldest(Lane& lane, const Topic& topic) {
  const auto oldest = std::find_if(lane.events.begin(), lane.events.end(),
                                   [&](const Queued& queued) { return queued.topic == &topic; });
  ACTOR_ASSERT(oldest != lane.events.end(), "what takes a DropOldest topic's room is queued, never in hand");
  EventRef event = std::move(oldest->event);
  lane.events.erase(oldest);
  --lane.taken[topic.id];
  --queued_;
  ++overwritten_;
  return event;
}

bool Mailbox::is_closed() const {
  const std::scoped_lock lock(mutex_);
  return closed_;
}

bool Mailbox::pop(InHand& out) {
  const std::scoped_lock lock(mutex_);
  for (std::size_t looked_at = 0; looked_at < lanes_.size();) {
    if (turn_ >= lanes_.size()) turn_ = 0;
    Lane& lane = *lanes_[turn_];
    if (lane.events.empty()) {
      if (lane.sender_signal) {
        ++turn_;
        ++looked_at;
      } else {
        lanes_.erase(lanes_.begin() + static_cast<std::ptrdiff_t>(turn_));
      }
      continue;
    }
    Queued& oldest = lane.events.front();
    if (oldest.topic->drops_oldest()) --lane.taken[oldest.topic->id];
    out = {std::move(oldest.event), oldest.topic, &lane, lane.next_sequence++, lane.number};
    lane.events.pop_front();
    --queued_;
    ++turn_;
    return true;
  }
  return false;
}

void Mailbox::release(InHand& in_hand) {
  std::shared_ptr<Signal> waiting;
  {
    const std::scoped_lock lock(mutex_);
    if (!in_hand.topic->drops_oldest()) --in_hand.lane->taken[in_hand.topic->id];
    if (std::exchange(in_hand.lane->awaits_room, false)) waiting = in_hand.lane->sender_signal;
  }
  in_hand = {};
  if (waiting) waiting->raise(Signal::room);
}

bool Mailbox::empty() const {
  const std::scoped_lock lock(mutex_);
  return queued_ == 0;
}

std::uint64_t Mailbox::overwritten() const {
  const std::scoped_lock lock(mutex_);
  return overwritten_;
}

std::size_t Mailbox::close() {
  std::vector<std::unique_ptr<Lane>> lanes;
  std::size_t queued = 0;
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    lanes.swap(lanes_);
    queued = std::exchange(queued_, 0);
  }
  for (const auto& lane : lanes) {
    if (lane->sender_signal) lane->sender_signal->raise(Signal::room);
  }
  return queued;  // the events themselves are freed here, outside the lock
}

}  // namespace actor::inproc
