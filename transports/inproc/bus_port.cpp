#include "inproc/bus_port.hpp"

#include <actor/error.hpp>
#include <algorithm>

#include "inproc/bus_core.hpp"

namespace actor::inproc {
namespace {

/// Delivery::route of a latched event: it came through no lane.
constexpr std::uint32_t no_lane = UINT32_MAX;

}  // namespace

BusPort::BusPort(std::shared_ptr<BusCore> core, ActorId id, std::span<const EventType* const> types,
                 const Subscribe& topics, std::shared_ptr<Signal> signal, std::size_t capacity)
    : core_(std::move(core)),
      id_(id),
      signal_(std::move(signal)),
      mailbox_(std::make_shared<Mailbox>(id, capacity, core_->options().first_sequence, signal_)),
      monitors_(core_->options().monitors),
      disturbed_(static_cast<bool>(core_->options().disturb)),
      wall_offset_ns_(core_->wall_offset_ns()),
      types_(types),
      outbox_limit_(core_->options().outbox_limit),
      self_(std::make_shared<BusPort*>(this)) {
  std::vector<EventRef> latched;
  sender_ = &core_->attach(mailbox_, topics, latched);
  take_latched(std::move(latched));
  next_event_ = sender_->next_event;
}

BusPort::~BusPort() {
  for (Delayed& delayed : delayed_) deliver_delayed(delayed);
  flush();
  for (Link* link : links_in_order()) counters_.dropped += link->mailbox->leave_lane(*link->lane, link->writer);
  if (in_hand_.event) {
    ++counters_.dropped;
    release(in_hand_.event);
  }
  counters_.dropped += mailbox_->close();
  core_->detach(*sender_, next_event_, counters_);
  mailbox_->wake_senders();  // after that: they find this reader gone
  signal_->take();           // awake from now on: no peer wakes the owner any more
}

void BusPort::restart() {
  latched_in_hand_ = {};
  take_latched(core_->latched_for(id_));
  if (!in_hand_.event) return;
  must_redeliver_ = true;
  handling_ = false;
}

void BusPort::new_turn() {
  now_ns_ = unread;
  handling_ = false;
  if (signal_->is_raised()) look_at_signal();
  news_ = 0;  // the owner looks at everything in its turn
}

void BusPort::look_at_signal() {
  const Signal::Bits bits = signal_->take();
  news_ |= bits & ~Mailbox::lane_bits;
  if (const Signal::Bits lanes = bits & Mailbox::lane_bits)
    mailbox_->look(lanes, in_hand_.event ? in_hand_.lane : nullptr);
}

void BusPort::unsubscribe() {
  core_->unsubscribe(id_);
}

inline void BusPort::fill(Delivery& out, SharedEvent& event) {
  out.object = event.object();
  out.payload = {};
  out.id = event.id();
  out.parent = event.parent;
  out.sender = event.sender->id;
  out.monotonic_ns = event.monotonic_ns;
  out.wall_offset_ns = wall_offset_ns_;
  out.type = index_of(*event.type);
  out.topic = event.topic->id;
}

void BusPort::take_latched(std::vector<EventRef> events) {
  latched_.assign(std::make_move_iterator(events.begin()), std::make_move_iterator(events.end()));
}

void BusPort::hand_out_latched(Delivery& out) {
  latched_in_hand_ = std::move(latched_.front());
  latched_.pop_front();
  fill(out, *latched_in_hand_.get());
  out.flags = Delivery::latched;
  out.attempt = 1;
  out.route = no_lane;
  out.sequence = 0;
}

bool BusPort::next(Delivery& out) {
  if (!latched_.empty()) [[unlikely]] {
    hand_out_latched(out);
    return true;
  }
  if (must_redeliver_) {
    must_redeliver_ = false;
    repeated_ = 0;
  } else {
    ACTOR_ASSERT(!in_hand_.event, "handled() comes before the next next()");
    if (!mailbox_->has_events()) {
      if (signal_->is_raised()) look_at_signal();
      if (!mailbox_->has_events()) {
        mailbox_->announce_room();
        return false;
      }
    }
    mailbox_->pop(in_hand_);
    attempt_ = 0;
  }
  ++attempt_;
  handling_ = true;
  ++counters_.received;

  SharedEvent& event = *in_hand_.event;
  fill(out, event);
  out.flags = static_cast<std::uint8_t>(event.flags | (attempt_ > 1 ? Delivery::redelivered : 0));
  out.attempt = attempt_;
  out.route = in_hand_.lane->number();
  out.sequence = in_hand_.sequence;
  return true;
}

/// The type's place in the reader's own event set.
std::uint16_t BusPort::look_up(const EventType& type) {
  KnownType& known =
      known_types_[reinterpret_cast<std::uintptr_t>(&type) / alignof(std::max_align_t) % known_types_.size()];
  if (known.type != &type) {
    const auto found =
        std::find_if(types_.begin(), types_.end(), [&](const auto* own) { return own->hash == type.hash; });
    known = {&type,
             found == types_.end() ? Delivery::unknown_type : static_cast<std::uint16_t>(found - types_.begin())};
  }
  last_type_ = known;
  return known.index;
}

void BusPort::handled(const Delivery& delivery, bool known) {
  if (delivery.route == no_lane) [[unlikely]] {
    latched_in_hand_ = {};
    return;
  }
  ACTOR_ASSERT(in_hand_.event && delivery.route == in_hand_.lane->number() && delivery.sequence == in_hand_.sequence,
               "handled() is given the event that next() handed out last");
  ++(known ? counters_.handled : counters_.skipped);
  if (!outputs_.empty()) outputs_.clear();
  repeated_ = 0;
  must_redeliver_ = false;
  handling_ = false;
  mailbox_->release(in_hand_);
}

Retained BusPort::retain(const Delivery& delivery) {
  if (latched_in_hand_) return Retained(delivery.object, [held = latched_in_hand_](const void*) {});
  ACTOR_ASSERT(in_hand_.event && delivery.object == in_hand_.event->object(), "only the event in hand can be retained");
  in_hand_.event->references.fetch_add(1, std::memory_order_relaxed);
  return Retained(delivery.object, [held = EventRef(in_hand_.event)](const void*) {});
}

bool BusPort::prepare_wait() {
  mailbox_->announce_room();
  for (;;) {
    if ((news_ & ~Signal::room) != 0) return false;
    // While something is staged no event is taken: those that arrive do not keep the owner from sleeping.
    if (has_staged() ? staging_.await_room() || is_late()
                     : must_redeliver_ || !latched_.empty() || mailbox_->has_events())
      return false;
    if (signal_->park()) return true;
    look_at_signal();
  }
}

PortCounters BusPort::counters() const {
  PortCounters counters = counters_;
  counters.staged = staging_.size();
  if (core_->epoch() != seen_epoch_) {  // what was pushed to readers that were just leaving
    for (const auto& [mailbox, link] : links_) {
      if (link->is_closed()) counters.dropped += link->lane->unread();
    }
  }
  return counters;
}

std::vector<Wait> BusPort::waits() const {
  std::vector<Wait> waits;
  for (const Link* link : staging_.links()) {
    const StagedCopy& first = *link->first;
    const BusTopic& topic = *first.event->event->topic;
    if (first.event->deadline_ns != Staging::never || link->is_closed() || !topic.blocks()) continue;
    if (!first.target.quota->has_room()) waits.push_back({link->mailbox->reader(), topic.name, link->staged});
  }
  return waits;
}

}  // namespace actor::inproc
