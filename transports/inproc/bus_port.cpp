#include "inproc/bus_port.hpp"

#include <actor/error.hpp>
#include <limits>

#include "inproc/bus_core.hpp"

namespace actor::inproc {

BusPort::BusPort(std::shared_ptr<BusCore> core, ActorId id, std::span<const EventType* const> types,
                 const Subscribe& topics, std::shared_ptr<Signal> signal, std::size_t capacity)
    : core_(std::move(core)),
      id_(id),
      key_(actor_key(core_->runtime_id(), id.name())),
      signal_(std::move(signal)),
      mailbox_(std::make_shared<Mailbox>(id, capacity, core_->options().first_sequence, signal_)) {
  for (std::size_t i = 0; i < types.size(); ++i) type_indices_.emplace(types[i]->hash, static_cast<std::uint16_t>(i));
  outbox_limit_ = core_->options().outbox_limit;
  next_event_ = core_->attach(mailbox_, topics);
}

BusPort::~BusPort() {
  for (const auto& [mailbox, link] : links_) mailbox->leave_lane(*link->lane);
  counters_.dropped += mailbox_->close() + (in_hand_.event ? 1 : 0);
  core_->detach(id_, next_event_, counters());
  signal_->take();  // awake from now on: no peer wakes it any more
}

void BusPort::restart() {
  if (!in_hand_.event) return;
  must_redeliver_ = true;
  handling_ = false;
}

void BusPort::unsubscribe() {
  core_->unsubscribe(id_);
}

bool BusPort::next(Delivery& out) {
  if (must_redeliver_) {
    must_redeliver_ = false;
    repeated_ = 0;
  } else {
    ACTOR_ASSERT(!in_hand_.event, "handled() comes before the next next()");
    if (!mailbox_->pop(in_hand_)) return false;
    attempt_ = 0;
  }
  ++attempt_;
  handling_ = true;
  ++counters_.received;

  const SharedEvent& event = *in_hand_.event.operator->();
  const auto type = type_indices_.find(event.type->hash);
  out = {};
  out.object = event.object;
  out.id = event.id;
  out.parent = event.parent;
  out.sender = event.sender;
  out.monotonic_ns = event.monotonic_ns;
  out.wall_offset_ns = core_->wall_offset_ns();
  out.type = type == type_indices_.end() ? Delivery::unknown_type : type->second;
  out.topic = in_hand_.topic->id;
  out.flags = static_cast<std::uint8_t>(event.flags | (attempt_ > 1 ? Delivery::redelivered : 0));
  out.attempt = attempt_;
  out.route = in_hand_.lane_number;
  out.sequence = in_hand_.sequence;
  return true;
}

void BusPort::handled(const Delivery& delivery, bool known) {
  ACTOR_ASSERT(in_hand_.event && delivery.route == in_hand_.lane_number && delivery.sequence == in_hand_.sequence,
               "handled() is given the event that next() handed out last");
  ++(known ? counters_.handled : counters_.skipped);
  outputs_.clear();
  repeated_ = 0;
  must_redeliver_ = false;
  handling_ = false;
  mailbox_->release(in_hand_);
}

Retained BusPort::retain(const Delivery& delivery) {
  ACTOR_ASSERT(in_hand_.event && delivery.object == in_hand_.event->object, "only the event in hand can be retained");
  const void* object = delivery.object;
  return Retained(object, [held = in_hand_.event](const void*) {});
}

void BusPort::new_turn() {
  now_ns_ = unread;
  handling_ = false;
  signal_->take();
}

bool BusPort::prepare_wait() {
  for (;;) {
    if (has_staged() ? any_can_leave() : must_redeliver_ || !mailbox_->empty()) return false;
    if (signal_->park()) return true;
    // While something is staged no event is taken: those that arrive do not keep the owner from sleeping.
    constexpr Signal::Bits lanes = (Signal::Bits{1} << Signal::lane_bits) - 1;
    if (signal_->take() & ~(lanes | Signal::room)) return false;
  }
}

PortCounters BusPort::counters() const {
  PortCounters counters = counters_;
  counters.dropped += mailbox_->overwritten();
  counters.staged = staged_.size();
  return counters;
}

}  // namespace actor::inproc
