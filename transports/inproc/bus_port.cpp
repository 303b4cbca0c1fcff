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
  for (Link* link : links_in_order()) {
    std::vector<EventRef> left;
    link->mailbox->leave_lane(*link->lane, link->writer, left);
    for (EventRef& event : left) give_up(std::move(event), link->mailbox->reader(), DeadLetterReason::NoReader);
  }
  if (in_hand_.event) give_up(EventRef(in_hand_.event), id_, DeadLetterReason::NoReader, attempt_);
  for (const Mailbox::InHand& kept : kept_) give_up(EventRef(kept.event), id_, DeadLetterReason::NoReader);
  std::vector<EventRef> queued;
  mailbox_->close(queued);
  for (EventRef& event : queued) give_up(std::move(event), id_, DeadLetterReason::NoReader);
  core_->detach(*sender_, next_event_, counters_);
  mailbox_->wake_senders();  // after that: they find this reader gone
  signal_->take();           // awake from now on: no peer wakes the owner any more
}

void BusPort::restart(const AfterDeath& rules, std::string_view overflowed) {
  latched_in_hand_ = {};
  take_latched(core_->latched_for(id_));
  give_up_in_hand(rules);
  if (rules.mailbox != MailboxOnRestart::Keep || !overflowed.empty()) give_up_queued(rules.mailbox, overflowed);
  if (!in_hand_.event) return;
  must_redeliver_ = true;
  handling_ = false;
}

/// Keeps the event as a dead letter, if somebody wants those; else it counts as dropped.
void BusPort::give_up(EventRef event, ActorId reader, DeadLetterReason reason, std::uint32_t attempts) {
  const auto& on_dead_letter = core_->options().on_dead_letter;
  if (!on_dead_letter) {
    ++counters_.dropped;
    return;
  }
  ++counters_.dead_lettered;
  DeadLetter letter;
  letter.type = event->type;
  letter.meta = observation(*event.get(), reader).meta;
  letter.meta.attempt = attempts;
  letter.topic = event->topic->name;
  letter.reader = reader;
  letter.reason = reason;
  const void* object = event.get()->object();
  letter.event = std::shared_ptr<const void>(object, [held = std::move(event)](const void*) {});
  on_dead_letter(std::move(letter));
}

void BusPort::give_up_in_hand(const AfterDeath& rules) {
  if (!in_hand_.event) return;
  const bool once = rules.delivery == DeliveryMode::AtMostOnce;
  const bool poison = rules.poison_after != 0 && attempt_ >= rules.poison_after;
  const bool with_the_rest = rules.mailbox != MailboxOnRestart::Keep;
  if (!once && !poison && !with_the_rest) return;
  const EventRef event = [this] {
    in_hand_.event->references.fetch_add(1, std::memory_order_relaxed);
    return EventRef(in_hand_.event);
  }();
  if (once || poison || rules.mailbox == MailboxOnRestart::DeadLetter) {
    using Reason = DeadLetterReason;
    give_up(event, id_, once ? Reason::InHand : (poison ? Reason::Poison : Reason::Restart), attempt_);
  } else {
    ++counters_.dropped;
  }
  outputs_.clear();
  repeated_ = 0;
  must_redeliver_ = false;
  handling_ = false;
  mailbox_->release(in_hand_);
}

/// All that is queued, or the events of one topic; what comes meanwhile is the next life's.
void BusPort::give_up_queued(MailboxOnRestart mailbox, std::string_view overflowed) {
  mailbox_->look(Mailbox::lane_bits, in_hand_.event ? in_hand_.lane : nullptr);
  std::deque<Mailbox::InHand> queued = std::move(kept_);
  kept_.clear();
  while (mailbox_->has_events()) {
    mailbox_->pop(queued.emplace_back());
    ++queued.back().lane->stashed;
  }
  for (Mailbox::InHand& each : queued) {
    const bool too_many = each.event->topic->name == overflowed;
    if (mailbox == MailboxOnRestart::Keep && !too_many) {
      kept_.push_back(each);
      continue;
    }
    each.event->references.fetch_add(1, std::memory_order_relaxed);
    EventRef event(each.event);
    --each.lane->stashed;
    mailbox_->release(each);
    if (mailbox == MailboxOnRestart::Drop && !too_many)
      ++counters_.dropped;
    else
      give_up(std::move(event), id_, too_many ? DeadLetterReason::Overflow : DeadLetterReason::Restart);
  }
  mailbox_->announce_room();
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

/// Takes the mailbox's next event in hand. False when there is none.
inline bool BusPort::take_next() {
  if (!mailbox_->has_events()) {
    if (signal_->is_raised()) look_at_signal();
    if (!mailbox_->has_events()) {
      mailbox_->announce_room();
      return false;
    }
  }
  mailbox_->pop(in_hand_);
  return true;
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
    if (!kept_.empty()) [[unlikely]] {
      in_hand_ = kept_.front();
      kept_.pop_front();
      --in_hand_.lane->stashed;
    } else if (!take_next()) {
      return false;
    }
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
                     : must_redeliver_ || !latched_.empty() || !kept_.empty() || mailbox_->has_events())
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
      if (!link->is_closed()) continue;
      (core_->options().on_dead_letter ? counters.dead_lettered : counters.dropped) += link->lane->unread();
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
