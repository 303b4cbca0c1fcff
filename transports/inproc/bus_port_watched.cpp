// What monitors and a test's faults add to a push. None of it runs unless there are any.

#include <actor/monitor.hpp>

#include "inproc/bus_core.hpp"
#include "inproc/bus_port.hpp"

namespace actor::inproc {

Observation BusPort::observation(SharedEvent& event, ActorId receiver) const {
  using std::chrono::nanoseconds;
  Observation seen;
  seen.type = event.type;
  seen.event = event.object();
  seen.topic = event.topic->name;
  seen.receiver = receiver;
  seen.meta.id = event.id();
  seen.meta.parent = event.parent;
  seen.meta.sender = event.sender->id;
  seen.meta.monotonic_time = std::chrono::steady_clock::time_point(nanoseconds(event.monotonic_ns));
  seen.meta.wall_time =
      std::chrono::system_clock::time_point(std::chrono::duration_cast<std::chrono::system_clock::duration>(
          nanoseconds(event.monotonic_ns + core_->wall_offset_ns())));
  seen.meta.maybe_duplicate = (event.flags & Delivery::maybe_duplicate) != 0;
  return seen;
}

/// The event is about to be staged: for each reader that lacks room.
void BusPort::observe_overflow(SharedEvent& event, std::span<const Target> targets) {
  Monitors* monitors = core_->options().monitors;
  if (!monitors || !monitors->active() || !event.topic->blocks()) return;
  for (const Target& target : targets) {
    if (target.link->is_closed() || target.quota->has_room()) continue;
    monitors->overflow(observation(event, target.link->mailbox->reader()), *event.topic->policy);
  }
}

/// push_to_all() with an eye on each copy.
void BusPort::push_watched(const EventRef& event, std::span<const Target> all) {
  Monitors* monitors = core_->options().monitors;
  const std::vector<Target> targets(all.begin(), all.end());  // a hook that sends may change the list
  for (const Target& target : targets) {
    if (core_->options().disturb) {
      push_with_fault(event, target);
      continue;
    }
    const Pushed pushed = push_one(event, target);
    if (pushed == Pushed::Done && monitors && monitors->active())
      monitors->dispatched(observation(*event.get(), target.link->mailbox->reader()));
  }
}

void BusPort::push_with_fault(const EventRef& event, const Target& target) {
  Link& link = *target.link;
  if (link.is_closed()) return;
  Monitors* monitors = core_->options().monitors;
  const Observation seen = observation(*event.get(), link.mailbox->reader());
  const Disturbance fault = core_->options().disturb(seen);
  if (fault.kind == Disturbance::Kind::Drop) {
    ++counters_.sent;
    ++counters_.dropped;
    return;
  }
  if (fault.kind == Disturbance::Kind::Delay && core_->options().later && (target.latest || target.quota->has_room()))
    return delay(event, target, fault.delay);
  if (push_one(event, target) != Pushed::Done) return;
  if (monitors && monitors->active()) monitors->dispatched(seen);
  if (fault.kind != Disturbance::Kind::Duplicate || (target.quota && !target.quota->has_room())) return;
  const EventRef again = EventRef::copy_of(*event->type, event.get()->object());
  again->topic = event->topic;
  again->sender = event->sender;
  again->counter = event->counter;
  again->monotonic_ns = event->monotonic_ns;
  again->parent = event->parent;
  again->flags = static_cast<std::uint8_t>(event->flags | Delivery::maybe_duplicate);
  push_one(again, target);
  if (monitors && monitors->active()) monitors->dispatched(observation(*again.get(), link.mailbox->reader()));
}

BusPort::Pushed BusPort::push_one(const EventRef& event, const Target& target) {
  Link& link = *target.link;
  if (link.is_closed()) return Pushed::ReaderLeft;
  ++counters_.sent;
  Monitors* monitors = core_->options().monitors;
  const bool watched = monitors && monitors->active();
  if (target.latest) {
    if (const EventRef oldest{target.latest->push(EventRef(event).leave())}) {
      ++counters_.dropped;
      if (watched) monitors->overflow(observation(*oldest.get(), link.mailbox->reader()), *event->topic->policy);
    }
  } else if (target.quota->has_room()) {
    ++target.quota->pushed;
    link.writer.append(EventRef(event).leave(), *target.quota);
  } else {
    if (watched) monitors->overflow(observation(*event.get(), link.mailbox->reader()), *event->topic->policy);
    if (event->topic->policy->kind == OverflowPolicy::Kind::Fail) {
      failed_.push_back(link.mailbox->reader());
      give_up(event, link.mailbox->reader(), DeadLetterReason::Overflow);
    } else {
      ++counters_.dropped;
    }
    return Pushed::Full;
  }
  announce(link);
  return Pushed::Done;
}

void BusPort::delay(const EventRef& event, const Target& target, std::chrono::nanoseconds by) {
  ++counters_.sent;
  if (target.quota) ++target.quota->pushed;
  const Link& link = *target.link;
  delayed_.push_front({link.mailbox, target.quota, target.latest, event});
  core_->options().later(by, [port = std::weak_ptr(self_), copy = delayed_.begin()] {
    const auto self = port.lock();
    if (!self) return;  // the sender has left, and what it had sent with it
    (*self)->deliver_delayed(*copy);
    (*self)->delayed_.erase(copy);
  });
}

void BusPort::deliver_delayed(Delayed& delayed) {
  const auto to = links_.find(delayed.mailbox.get());
  if (to == links_.end() || to->second->is_closed()) {
    ++counters_.dropped;
    return;
  }
  Link& link = *to->second;
  if (delayed.latest) {
    if (const EventRef oldest{delayed.latest->push(EventRef(delayed.event).leave())}) ++counters_.dropped;
  } else {
    link.writer.append(EventRef(delayed.event).leave(), *delayed.quota);
  }
  link.announce();
  Monitors* monitors = core_->options().monitors;
  if (monitors && monitors->active())
    monitors->dispatched(observation(*delayed.event.get(), delayed.mailbox->reader()));
}

}  // namespace actor::inproc
