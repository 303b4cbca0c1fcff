// The sending half of BusPort. An event is either pushed to all its readers at once or staged whole.

#include <actor/error.hpp>
#include <algorithm>
#include <limits>

#include "inproc/bus_core.hpp"
#include "inproc/bus_port.hpp"

namespace actor::inproc {
namespace {

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

bool waits_for_room(const Topic& topic) {
  return topic.policy->kind == OverflowPolicy::Kind::Block;
}

}  // namespace

std::uint16_t BusPort::open_topic(std::string_view name, OverflowPolicy policy) {
  const Topic& topic = core_->open_topic(name, policy, id_);
  opened_.emplace(topic.id, &topic);
  return topic.id;
}

std::string_view BusPort::topic_name(std::uint16_t topic) const {
  return core_->topic(topic).name;
}

const Topic& BusPort::opened(std::uint16_t topic) const {
  const auto found = opened_.find(topic);
  ACTOR_ASSERT(found != opened_.end(), "a topic is opened with this port's open_topic() before it is sent to");
  return *found->second;
}

std::int64_t BusPort::now_ns() {
  if (now_ns_ == unread) now_ns_ = core_->options().clock();
  return now_ns_;
}

EventId BusPort::send(const Outgoing& out) {
  EventRef event = take_event(out);  // a loaned event is ours from here on, also when an error is thrown
  const Topic& topic = opened(out.topic);
  const auto& targets = targets_of(topic);
  const Link* full = topic.drops_oldest() ? nullptr : first_without_room(topic, targets);
  if (full && staged_.size() >= outbox_limit_) refuse_to_stage(topic, *full);

  event->parent = out.parent;
  event->sender = id_;
  event->monotonic_ns = now_ns();
  number(*event.operator->());
  const EventId id = event->id;
  if (full) {
    stage(std::move(event), topic, targets);
  } else {
    push_to_all(event, topic, targets);
  }
  return id;
}

void* BusPort::loan(const EventType& type) {
  ACTOR_ASSERT(type.trivially_copyable, "only trivially copyable events can be built in place");
  EventRef event = EventRef::uninitialised(type);
  void* object = event->object;
  loans_.emplace(object, std::move(event));
  return object;
}

void BusPort::unloan(const EventType&, void* loaned) noexcept {
  loans_.erase(loaned);
}

EventRef BusPort::take_event(const Outgoing& out) {
  if (!loans_.empty()) {
    if (auto loan = loans_.extract(out.event)) return std::move(loan.mapped());
  }
  return EventRef::copy_of(*out.type, out.event);
}

void BusPort::number(SharedEvent& event) {
  if (handling_ && repeated_ < outputs_.size()) {
    event.id = {key_, outputs_[repeated_++]};
    event.flags = Delivery::maybe_duplicate;
    return;
  }
  event.id = {key_, next_event_++};
  if (!handling_) return;
  outputs_.push_back(event.id.counter);
  repeated_ = outputs_.size();
}

const std::vector<BusPort::Link*>& BusPort::targets_of(const Topic& topic) {
  // SUBTLE: the epoch is read first. A reader that comes in between is then in the list, and looked up once more.
  const std::uint64_t epoch = core_->epoch();
  if (epoch != seen_epoch_) {
    targets_.clear();
    forget_departed();
    seen_epoch_ = epoch;
  }
  const auto known = targets_.find(topic.id);
  if (known != targets_.end()) return known->second;
  core_->note_publisher(topic, id_);
  std::vector<Link*>& targets = targets_[topic.id];
  for (const auto& mailbox : core_->readers_of(topic)) {
    if (mailbox->reader() == id_) continue;
    if (Link* link = link_to(mailbox)) targets.push_back(link);
  }
  return targets;
}

BusPort::Link* BusPort::link_to(const std::shared_ptr<Mailbox>& mailbox) {
  const auto found = links_.find(mailbox.get());
  if (found != links_.end()) return found->second.get();
  Mailbox::Lane* lane = mailbox->open_lane(id_, signal_);
  if (!lane) return nullptr;  // it left meanwhile
  return links_.emplace(mailbox.get(), std::make_unique<Link>(Link{mailbox, lane})).first->second.get();
}

void BusPort::forget_departed() {
  std::erase_if(links_, [](const auto& entry) { return entry.second->staged == 0 && entry.first->is_closed(); });
}

bool BusPort::has_room(const Link& link, const Topic& topic) {
  return link.mailbox->has_room(*link.lane, topic);
}

const BusPort::Link* BusPort::first_without_room(const Topic& topic, const std::vector<Link*>& targets) const {
  const auto full = std::find_if(targets.begin(), targets.end(), [&](const Link* link) {
    return link->staged > 0 || (waits_for_room(topic) && !has_room(*link, topic));
  });
  return full == targets.end() ? nullptr : *full;
}

bool BusPort::is_full(std::uint16_t handle) {
  const Topic& topic = opened(handle);
  if (topic.drops_oldest()) return false;
  const auto& targets = targets_of(topic);
  return std::any_of(targets.begin(), targets.end(),
                     [&](const Link* link) { return link->staged > 0 || !has_room(*link, topic); });
}

void BusPort::stage(EventRef event, const Topic& topic, const std::vector<Link*>& targets) {
  const std::int64_t wait_ns = waits_for_room(topic) ? topic.policy->deadline.count() : 0;
  for (Link* link : targets) ++link->staged;
  staged_.push_back({std::move(event), &topic, targets, wait_ns > 0 ? now_ns() + wait_ns : never});
}

void BusPort::refuse_to_stage(const Topic& topic, const Link& full) const {
  const std::string reader(full.mailbox->reader().name());
  throw Error(ErrorCode::MailboxFull,
              "actor \"" + std::string(id_.name()) + "\" cannot send to topic \"" + topic.name + "\": reader \"" +
                  reader + "\" has no room, and the " + std::to_string(staged_.size()) +
                  " events that may wait in the outbox are waiting already; return from the handler so that they can "
                  "leave, or give the topic a policy that drops");
}

void BusPort::push_to_all(const EventRef& event, const Topic& topic, const std::vector<Link*>& targets) {
  ++counters_.published;
  std::vector<ActorId> failed;
  for (Link* link : targets) {
    const Mailbox::Push pushed = link->mailbox->push(*link->lane, topic, event);
    if (pushed == Mailbox::Push::Closed) continue;  // one reader less
    ++counters_.sent;
    if (pushed == Mailbox::Push::Done) continue;
    ACTOR_ASSERT(!waits_for_room(topic), "room seen in one's own lane cannot vanish");
    ++counters_.dropped;
    if (topic.policy->kind == OverflowPolicy::Kind::Fail) failed.push_back(link->mailbox->reader());
  }
  const auto& on_overflow = core_->options().on_overflow;
  if (!on_overflow) return;
  for (const ActorId reader : failed) on_overflow(reader, topic.name);
}

/// Does this copy have to wait, for an earlier event or for room?
bool BusPort::is_held(const Staged& staged, const Link& link) const {
  if (link.mailbox->is_closed()) return false;
  return link.passed == pass_ || (waits_for_room(*staged.topic) && !has_room(link, *staged.topic));
}

bool BusPort::is_late(const Staged& staged) {
  return staged.deadline_ns != never && staged.deadline_ns <= now_ns();
}

bool BusPort::can_leave(const Staged& staged) {
  return is_late(staged) || std::none_of(staged.targets.begin(), staged.targets.end(),
                                         [&](const Link* link) { return is_held(staged, *link); });
}

/// Past the deadline only the late readers go without; the others wait no longer for them.
void BusPort::drop_late(Staged& staged) {
  std::erase_if(staged.targets, [&](Link* link) {
    if (!is_held(staged, *link)) return false;
    --link->staged;
    ++counters_.sent;
    ++counters_.dropped;
    return true;
  });
}

bool BusPort::push_staged() {
  ++pass_;
  std::deque<Staged> waiting;
  while (!staged_.empty()) {
    Staged staged = std::move(staged_.front());
    staged_.pop_front();
    if (!can_leave(staged)) {
      for (Link* link : staged.targets) link->passed = pass_;
      waiting.push_back(std::move(staged));
      continue;
    }
    if (is_late(staged)) drop_late(staged);
    for (Link* link : staged.targets) --link->staged;
    push_to_all(staged.event, *staged.topic, staged.targets);
  }
  staged_.swap(waiting);
  return staged_.empty();
}

bool BusPort::any_can_leave() {
  ++pass_;
  for (const Staged& staged : staged_) {
    if (can_leave(staged)) return true;
    for (Link* link : staged.targets) link->passed = pass_;
  }
  return false;
}

std::int64_t BusPort::next_deadline() const {
  std::int64_t earliest = never;
  for (const Staged& staged : staged_) earliest = std::min(earliest, staged.deadline_ns);
  return earliest;
}

std::vector<Wait> BusPort::waits() const {
  std::vector<Wait> waits;
  for (const Staged& staged : staged_) {
    if (staged.deadline_ns != never) continue;
    for (const Link* link : staged.targets) {
      if (!waits_for_room(*staged.topic) || has_room(*link, *staged.topic)) continue;
      const auto known = std::find_if(waits.begin(), waits.end(), [&](const Wait& wait) {
        return wait.reader == link->mailbox->reader() && wait.topic == staged.topic->name;
      });
      if (known == waits.end()) waits.push_back({link->mailbox->reader(), staged.topic->name, 1});
      else ++known->events;
    }
  }
  return waits;
}

}  // namespace actor::inproc
