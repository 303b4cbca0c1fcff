// The sending half of BusPort. An event is either pushed to all its readers at once or staged whole.

#include <actor/error.hpp>
#include <algorithm>

#include "inproc/bus_core.hpp"
#include "inproc/bus_port.hpp"

namespace actor::inproc {

std::uint16_t BusPort::open_topic(std::string_view name, OverflowPolicy policy, bool latched) {
  const BusTopic& topic = core_->open_topic(name, policy, latched, id_);
  if (opened_.size() <= topic.id) opened_.resize(topic.id + 1u);
  if (!opened_[topic.id]) opened_[topic.id] = std::make_unique<Opened>(Opened{&topic, 0, {}});
  return topic.id;
}

std::string_view BusPort::topic_name(std::uint16_t topic) const {
  if (in_hand_.event && in_hand_.event->topic->id == topic) return in_hand_.event->topic->name;
  return core_->topic(topic).name;
}

inline BusPort::Opened& BusPort::opened(std::uint16_t topic) const {
  ACTOR_ASSERT(topic < opened_.size() && opened_[topic],
               "a topic is opened with this port's open_topic() before it is sent to");
  return *opened_[topic];
}

inline std::int64_t BusPort::now_ns() {
  if (now_ns_ == unread) now_ns_ = core_->options().clock();
  return now_ns_;
}

inline EventRef BusPort::take_event(const Outgoing& out) {
  for (EventRef& loan : loans_) {
    if (loan->object() != out.event) continue;
    EventRef event = std::move(loan);
    if (&loan != &loans_.back()) loan = std::move(loans_.back());
    loans_.pop_back();
    return event;
  }
  return EventRef::copy_of(*out.type, out.event);
}

inline void BusPort::number(SharedEvent& event) {
  if (handling_ && repeated_ < outputs_.size()) {
    event.counter = outputs_[repeated_++];
    event.flags = Delivery::maybe_duplicate;
    return;
  }
  event.counter = next_event_++;
  if (!handling_) return;
  outputs_.push_back(event.counter);
  repeated_ = outputs_.size();
}

/// It keeps its sender, and its id if it has one. The numbers of other events do not depend on it.
void BusPort::number_prebuilt(SharedEvent& event, const Meta& prebuilt) {
  if (prebuilt.id) {
    event.counter = prebuilt.id.counter;
    if (handling_ && attempt_ > 1) event.flags = Delivery::maybe_duplicate;
  } else {
    number(event);
  }
  event.sender =
      &core_->stranger(prebuilt.sender ? prebuilt.sender : id_, prebuilt.id ? prebuilt.id.actor : sender_->key);
}

inline std::span<const Target> BusPort::targets_of(Opened& topic) {
  // SUBTLE: the epoch is read first. A reader that comes in between is then in the list, and looked up once more.
  const std::uint64_t epoch = core_->epoch();
  if (topic.epoch != epoch) [[unlikely]]
    renew(topic, epoch);
  return topic.targets;
}

/// Nobody is given what is said to be from himself.
std::span<const Target> BusPort::targets_without(Opened& topic, ActorId sender) {
  const auto all = targets_of(topic);
  prebuilt_targets_.clear();
  std::copy_if(all.begin(), all.end(), std::back_inserter(prebuilt_targets_),
               [&](const Target& target) { return target.link->mailbox->reader() != sender; });
  return prebuilt_targets_;
}

/// The first for which the event has to be staged.
inline const Target* BusPort::first_without_room(const BusTopic& topic, std::span<const Target> targets) const {
  if (topic.drops_oldest()) return nullptr;
  const bool blocks = topic.blocks();
  if (!blocks && staging_.empty()) return nullptr;
  const auto full = std::find_if(targets.begin(), targets.end(), [&](const Target& target) {
    return target.link->staged > 0 || (blocks && !target.quota->has_room() && !target.link->is_closed());
  });
  return full == targets.end() ? nullptr : &*full;
}

EventId BusPort::send(const Outgoing& out) {
  EventRef event = take_event(out);  // a loaned event is ours from here on, also when an error is thrown
  Opened& to = opened(out.topic);
  const BusTopic& topic = *to.topic;
  std::span<const Target> targets = out.prebuilt ? targets_without(to, out.prebuilt->sender) : targets_of(to);
  const Target* full = first_without_room(topic, targets);
  if (full && staging_.size() >= outbox_limit_) refuse_to_stage(topic, *full->link);

  event->topic = &topic;
  event->sender = sender_;
  event->parent = out.parent;
  event->monotonic_ns = now_ns();
  out.prebuilt ? number_prebuilt(*event.get(), *out.prebuilt) : number(*event.get());
  const EventId id = event->id();
  if (topic.latched) [[unlikely]] {
    keep_latched(event, to);
    targets = out.prebuilt ? targets_without(to, out.prebuilt->sender) : std::span<const Target>(to.targets);
    full = first_without_room(topic, targets);
  }
  if (full) [[unlikely]] {
    stage(std::move(event), targets);
  } else {
    push_to_all(std::move(event), targets);
  }
  return id;
}

/// Kept when it is sent, staged or not: in here nobody dies in between. A reader that comes before that is among the
/// targets; one that comes after it is handed the event as the last one.
void BusPort::keep_latched(const EventRef& event, Opened& topic) {
  for (;;) {
    const std::uint64_t epoch = core_->keep_latched(event);
    if (topic.epoch == epoch) return;
    renew(topic, epoch);
  }
}

void* BusPort::loan(const EventType& type) {
  ACTOR_ASSERT(type.trivially_copyable, "only trivially copyable events can be built in place");
  return loans_.emplace_back(EventRef::uninitialised(type))->object();
}

void BusPort::unloan(const EventType&, void* loaned) noexcept {
  std::erase_if(loans_, [&](const EventRef& loan) { return loan->object() == loaned; });
}

void BusPort::renew(Opened& opened, std::uint64_t epoch) {
  forget_departed(epoch);
  const BusTopic& topic = *opened.topic;
  core_->note_publisher(topic, id_);
  opened.targets.clear();
  opened.epoch = epoch;
  for (const auto& mailbox : core_->readers_of(topic)) {
    if (mailbox->reader() == id_) continue;
    Link* link = link_to(mailbox);
    if (!link) continue;
    const std::size_t capacity = mailbox->capacity_for(topic);
    if (topic.drops_oldest()) {
      opened.targets.push_back({link, nullptr, &link->lane->latest(topic, capacity)});
    } else {
      opened.targets.push_back({link, &link->lane->quota(topic, capacity), nullptr});
    }
  }
}

Link* BusPort::link_to(const std::shared_ptr<Mailbox>& mailbox) {
  const auto found = links_.find(mailbox.get());
  if (found != links_.end()) return found->second.get();
  auto lane = mailbox->open_lane(id_, signal_);
  if (!lane) return nullptr;  // it left meanwhile
  Link* link = links_.emplace(mailbox.get(), std::make_unique<Link>(mailbox, std::move(lane))).first->second.get();
  link->number = next_link_++;
  return link;
}

std::vector<Link*> BusPort::links_in_order() const {
  std::vector<Link*> links;
  for (const auto& [mailbox, link] : links_) links.push_back(link.get());
  std::sort(links.begin(), links.end(), [](const Link* a, const Link* b) { return a->number < b->number; });
  return links;
}

/// Readers that left by `epoch`. Every list of targets from before it is renewed before it is used again.
void BusPort::forget_departed(std::uint64_t epoch) {
  if (epoch == seen_epoch_) return;
  seen_epoch_ = epoch;
  flush();
  for (Link* link : links_in_order()) {
    if (!link->is_closed()) continue;
    std::vector<EventRef> left;
    link->lane->drain(left);  // pushed while it was leaving
    for (EventRef& event : left) give_up(std::move(event), link->mailbox->reader(), DeadLetterReason::NoReader);
    staging_.forget(*link);
    links_.erase(link->mailbox.get());
  }
}

bool BusPort::is_full(std::uint16_t handle) {
  Opened& to = opened(handle);
  if (to.topic->drops_oldest()) return false;
  const auto targets = targets_of(to);
  return std::any_of(targets.begin(), targets.end(), [&](const Target& target) {
    return target.link->staged > 0 || (!target.quota->has_room() && !target.link->is_closed());
  });
}

void BusPort::stage(EventRef event, std::span<const Target> targets) {
  const BusTopic& topic = *event->topic;
  if (is_watched()) observe_overflow(*event.get(), targets);
  const std::int64_t wait_ns = topic.blocks() ? topic.policy->deadline.count() : 0;
  staging_.add(std::move(event), targets, wait_ns > 0 ? now_ns() + wait_ns : Staging::never);
}

void BusPort::refuse_to_stage(const BusTopic& topic, const Link& full) const {
  const std::string reader(full.mailbox->reader().name());
  throw Error(ErrorCode::MailboxFull,
              "actor \"" + std::string(id_.name()) + "\" cannot send to topic \"" + topic.name + "\": reader \"" +
                  reader + "\" has no room, and the " + std::to_string(staging_.size()) +
                  " events that may wait in the outbox are waiting already; return from the handler so that they can "
                  "leave, or give the topic a policy that drops");
}

void BusPort::push_to_all(EventRef owned, std::span<const Target> targets) {
  ++counters_.published;
  if (is_watched()) [[unlikely]] {
    push_watched(owned, targets);
    return report_failed(*owned->topic);
  }
  if (targets.empty()) return;
  SharedEvent* const event = owned.leave();
  const BusTopic& topic = *event->topic;
  // All references are there before the first reader can give one up; those that nobody took are given up at the end.
  if (topic.latched) [[unlikely]]  // it is held as the last value, too
    event->references.fetch_add(static_cast<std::uint32_t>(targets.size()) - 1, std::memory_order_relaxed);
  else
    event->references.store(static_cast<std::uint32_t>(targets.size()), std::memory_order_relaxed);
  std::uint32_t untaken = 0;
  std::uint32_t sent = 0;
  std::uint32_t dropped = 0;
  for (const Target& target : targets) {
    Link& link = *target.link;
    ++sent;
    if (target.latest) [[unlikely]] {
      if (SharedEvent* oldest = target.latest->push(event)) {
        ++dropped;
        release(oldest);
      }
    } else if (target.quota->has_room()) [[likely]] {
      ++target.quota->pushed;
      link.writer.append(event, *target.quota);
    } else if (link.is_closed()) {  // one reader less
      --sent;
      ++untaken;
      continue;
    } else {
      ACTOR_ASSERT(!topic.blocks(), "room seen in one's own lane cannot vanish");
      ++untaken;
      if (topic.policy->kind == OverflowPolicy::Kind::Fail) {
        failed_.push_back(link.mailbox->reader());
        event->references.fetch_add(1, std::memory_order_relaxed);
        give_up(EventRef(event), link.mailbox->reader(), DeadLetterReason::Overflow);
      } else {
        ++dropped;
      }
      continue;
    }
    announce(link);
  }
  counters_.sent += sent;
  counters_.dropped += dropped;
  if (untaken != 0) release(event, untaken);
  if (!failed_.empty()) [[unlikely]]
    report_failed(topic);
}

/// Of readers of a Fail topic that were too slow.
void BusPort::report_failed(const BusTopic& topic) {
  const std::vector<ActorId> failed = std::exchange(failed_, {});
  const auto& on_overflow = core_->options().on_overflow;
  if (!on_overflow) return;
  for (const ActorId reader : failed) on_overflow(reader, topic.name);
}

void BusPort::flush() {
  mailbox_->announce_room();
  for (Link* link : unannounced_) {
    link->unannounced = false;
    link->announce();
  }
  unannounced_.clear();
}

void BusPort::take_out(Staged& staged) {
  EventRef event = staging_.take(staged, leaving_);
  push_to_all(std::move(event), leaving_);
}

/// Has the deadline of something staged passed?
bool BusPort::is_late() {
  return staging_.next_deadline() != Staging::never && staging_.late(now_ns());
}

bool BusPort::push_staged() {
  forget_departed(core_->epoch());
  staging_.begin_pass();
  for (;;) {
    if (Staged* staged = staging_.next()) {
      take_out(*staged);
    } else if (is_late()) {
      Staged* const late = staging_.late(now_ns());
      // Past the deadline only the late readers go without; the others wait no longer for them.
      const std::size_t dropped = staging_.drop_held(*late);
      counters_.sent += dropped;
      counters_.dropped += dropped;
      take_out(*late);
    } else {
      break;
    }
  }
  flush();
  return staging_.empty();
}

}  // namespace actor::inproc
