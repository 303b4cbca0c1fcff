#include <actor/testing/recording.hpp>
#include <algorithm>
#include <new>

namespace actor::testing {
namespace {

std::shared_ptr<const void> copy_of(const EventType& type, const void* event) {
  const auto alignment = static_cast<std::align_val_t>(type.align);
  void* memory = ::operator new(type.size, alignment);
  try {
    type.copy_construct(memory, event);
  } catch (...) {
    ::operator delete(memory, alignment);
    throw;
  }
  return {memory, [&type, alignment](void* copy) {
            type.destroy(copy);
            ::operator delete(copy, alignment);
          }};
}

}  // namespace

Recording::Recording() = default;
Recording::~Recording() = default;

void Recording::record() {
  const std::scoped_lock lock(mutex_);
  if (!frozen_) return;
  frozen_ = false;
  records_.entries.clear();
  records_.overflows.clear();
  by_event_.clear();
  in_hand_.clear();
  changed();
}

void Recording::freeze() {
  const std::scoped_lock lock(mutex_);
  frozen_ = true;
  in_flight_.clear();
}

bool Recording::is_frozen() const {
  const std::scoped_lock lock(mutex_);
  return frozen_;
}

void Recording::clear() {
  const std::scoped_lock lock(mutex_);
  records_.entries.clear();
  records_.overflows.clear();
  by_event_.clear();
  in_flight_.clear();
  in_hand_.clear();
  changed();
}

void Recording::add(EventEntry entry) {
  const std::scoped_lock lock(mutex_);
  push(std::move(entry));
  changed();
}

RecordsPtr Recording::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return std::make_shared<const Records>(records_);
}

std::uint64_t Recording::revision() const {
  const std::scoped_lock lock(mutex_);
  return revision_;
}

bool Recording::wait_for_change(std::uint64_t revision, std::chrono::steady_clock::time_point deadline) const {
  std::unique_lock lock(mutex_);
  return change_.wait_until(lock, deadline, [&] { return revision_ != revision; });
}

bool Recording::wait_for_quiet(std::chrono::nanoseconds quiet, std::chrono::nanoseconds limit,
                               std::chrono::nanoseconds patience) const {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  Clock::time_point last_change = begin;
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool at_rest = std::all_of(in_flight_.begin(), in_flight_.end(), [](const auto& at) { return !at.second; });
    const std::uint64_t seen = revision_;
    const Clock::time_point until = last_change + (at_rest ? quiet : patience);
    if (!change_.wait_until(lock, until, [&] { return revision_ != seen; })) return at_rest;
    last_change = Clock::now();
    if (last_change - begin >= limit) return false;
  }
}

void Recording::changed() {
  ++revision_;
  change_.notify_all();
}

EventEntry Recording::make_entry(const Observation& event, Stage stage) const {
  std::shared_ptr<const void> copy;
  if (const auto others = by_event_.find(event.meta.id); others != by_event_.end()) {
    const EventEntry& other = records_.entries[others->second.front()];
    if (other.type() == event.type) copy = other.event();
  }
  if (!copy && event.type && event.event) copy = copy_of(*event.type, event.event);
  return {event.meta, event.topic, event.receiver, event.type, std::move(copy), stage, event.label()};
}

EventEntry& Recording::push(EventEntry entry) {
  entry.order_ = records_.entries.size();
  by_event_[entry.id()].push_back(entry.order_);
  if (!entry.is_done()) ++in_flight_[entry.receiver()];
  return records_.entries.emplace_back(std::move(entry));
}

template <class Condition>
EventEntry* Recording::find(const Observation& event, Condition condition) {
  const auto found = by_event_.find(event.meta.id);
  if (found == by_event_.end()) return nullptr;
  for (const std::size_t at : found->second) {
    EventEntry& entry = records_.entries[at];
    if (entry.receiver() == event.receiver && condition(entry)) return &entry;
  }
  return nullptr;
}

void Recording::set_stage(EventEntry& entry, Stage stage) {
  const bool was_done = entry.is_done();
  entry.stage_ = stage;
  if (was_done == entry.is_done()) return;
  std::size_t& waiting = in_flight_[entry.receiver()];
  if (was_done) {
    ++waiting;
  } else if (waiting > 0) {
    --waiting;
  }
}

void Recording::on_event_dispatched(const Observation& event) {
  const std::scoped_lock lock(mutex_);
  if (frozen_) return;
  if (EventEntry* early = find(event, [](const EventEntry& entry) { return entry.awaits_dispatch_; })) {
    early->awaits_dispatch_ = false;
  } else {
    push(make_entry(event, Stage::Dispatched));
  }
  changed();
}

void Recording::on_event_delivered(const Observation& event) {
  const std::scoped_lock lock(mutex_);
  if (frozen_) return;
  EventEntry* entry = nullptr;
  if (event.meta.redelivered || event.meta.attempt > 1) {
    entry = find(event, [](const EventEntry& at) { return at.was_delivered() && at.stage() != Stage::Handled; });
  }
  if (!entry) entry = find(event, [](const EventEntry& at) { return !at.was_delivered(); });
  if (!entry) {
    entry = &push(make_entry(event, Stage::Delivered));
    entry->awaits_dispatch_ = true;
  }
  set_stage(*entry, Stage::Delivered);
  entry->meta_ = event.meta;
  in_hand_[event.receiver] = entry->order();
  changed();
}

void Recording::on_event_handled(const Observation& event) {
  const std::scoped_lock lock(mutex_);
  if (frozen_) return;
  const auto in_hand = in_hand_.find(event.receiver);
  if (in_hand == in_hand_.end()) return;  // it was delivered before the recording began
  EventEntry& entry = records_.entries[in_hand->second];
  if (entry.id() == event.meta.id) set_stage(entry, Stage::Handled);
  in_hand_.erase(in_hand);
  changed();
}

void Recording::fail_event_in_hand(ActorId actor) {
  if (frozen_) return;
  const auto in_hand = in_hand_.find(actor);
  // It stays in hand: an exception that is swallowed is followed by on_event_handled.
  if (in_hand != in_hand_.end()) set_stage(records_.entries[in_hand->second], Stage::Failed);
}

void Recording::on_overflow(const Observation& event, const OverflowPolicy& policy) {
  const std::scoped_lock lock(mutex_);
  if (frozen_) return;
  records_.overflows.push_back({make_entry(event, Stage::Dispatched), policy});
  changed();
}

void Recording::on_error(ActorId actor, const Error& error) {
  const std::scoped_lock lock(mutex_);
  records_.actors[actor].last_error = error.what();
  fail_event_in_hand(actor);
  changed();
}

void Recording::on_actor_registered(ActorId actor) {
  const std::scoped_lock lock(mutex_);
  records_.actors[actor].registered = true;
  records_.actors[actor].stopped = false;
  changed();
}

void Recording::on_actor_stop(ActorId actor) {
  const std::scoped_lock lock(mutex_);
  records_.actors[actor].stopped = true;
  fail_event_in_hand(actor);
  in_flight_.erase(actor);  // what still waits there is given to nobody
  changed();
}

void Recording::on_actor_restart(ActorId actor, const Error& why, std::chrono::nanoseconds) {
  const std::scoped_lock lock(mutex_);
  ActorLife& life = records_.actors[actor];
  ++life.restarts;
  life.last_error = why.what();
  fail_event_in_hand(actor);
  changed();
}

}  // namespace actor::testing
