#include <core/runner.hpp>
#include <cstdio>

namespace actor {

Runner::Runner(ActorBase& actor, Host& host, RunnerOptions options)
    : actor_(actor), host_(host), options_(options), scratch_(actor.bound_types()) {
  ACTOR_ASSERT(options_.max_events_per_tick > 0, "an actor must handle at least one event per turn");
}

Runner::~Runner() {
  finish();
}

template <class Function>
bool Runner::guarded(const char* where, Function&& function) {
  try {
    function();
    return true;
  } catch (const Error& error) {
    return swallow(error);
  } catch (const std::exception& error) {
    return swallow(
        Error(ErrorCode::External, "actor " + std::string(host_.id.name()) + ", in " + where + ": " + error.what()));
  } catch (...) {
    return swallow(Error(ErrorCode::External,
                         "actor " + std::string(host_.id.name()) + ", in " + where + ": an exception of unknown type"));
  }
}

/// True: go on. Else the actor stops with `error`.
bool Runner::swallow(const Error& error) {
  bool go_on = false;
  if (Monitors* monitors = watching()) monitors->error(host_.id, error);
  try {
    go_on = actor_.on_error(error) == ErrorAction::Swallow;
  } catch (...) {  // an error handler that throws has no better answer: stop
  }
  if (go_on) return true;
  if (!error_) error_ = error;
  host_.stop_requested = true;
  return false;
}

void Runner::fail(Error error) {
  if (!error_) error_ = std::move(error);
  host_.stop_requested = true;
}

/// Null unless somebody watches: then what happens is told.
inline Monitors* Runner::watching() const {
  return host_.monitors && host_.monitors->active() ? host_.monitors : nullptr;
}

Observation Runner::observe(const void* event) const {
  const bool known = delivery_.type != Delivery::unknown_type;
  return {known ? actor_.bound_types()[delivery_.type] : nullptr, event, meta_of(delivery_),
          host_.port.topic_name(delivery_.topic), host_.id};
}

bool Runner::start() {
  host_.owner = std::this_thread::get_id();
  try {
    host_.port.new_turn();
    actor_.bind(host_);
    actor_.on_start();
    host_.port.flush();
    started_ = true;
  } catch (const Error& error) {
    error_ = error;
  } catch (const std::exception& error) {
    error_ = Error(ErrorCode::External, "actor " + std::string(host_.id.name()) + ", in on_start: " + error.what());
  } catch (...) {
    error_ = Error(ErrorCode::External,
                   "actor " + std::string(host_.id.name()) + ", in on_start: an exception of unknown type");
  }
  return started_;
}

void Runner::run(EpollLoop& loop) {
  SpinBudget& spin = options_.spin;
  // A stop of its own waits for what is staged; one that comes from outside (quiet_) has waited, and gives it up.
  while (!is_over()) {
    const Done done = turn();
    if (done != Done::Nothing) spin.found();
    if (done == Done::Something || is_over() || spin.goes_on(Loop::Clock::now)) continue;
    wait(loop);
    spin.woke(Loop::Clock::now);
  }
  host_.port.flush();
}

Runner::Done Runner::turn() {
  host_.owner = std::this_thread::get_id();
  host_.port.new_turn();
  bool busy = false;
  if (host_.command_epoch || host_.injection->pending()) [[unlikely]] {
    if (host_.command_epoch) host_.run_commands();
    if (host_.injection->pending()) busy |= guarded("an injected call", [&] { host_.injection->run(); });
  }
  busy |= run_loop_callbacks();
  bool staged = host_.port.has_staged();
  if (pending_ || staged) [[unlikely]] {
    busy |= finish_pending();
    staged = host_.port.has_staged();
  }
  bool empty = false;
  unsigned handled = 0;
  unsigned look_at = is_slow_ ? 1 : 4;
  while (handled != options_.max_events_per_tick && !staged && !host_.stop_requested) {
    if (host_.port.next(delivery_)) {
      staged = dispatch();
      if (next_step_.kind() == StepAction::Kind::AwaitEvent) next_step_ = StepAction::Continue();
    } else if (next_step_.kind() == StepAction::Kind::Continue && !quiet_) {
      staged = step();
    } else {
      empty = true;
      break;
    }
    busy = true;
    // Whose events take long looks at what else there may be after each of them, others after 16.
    if (++handled != look_at) continue;
    const bool others_wait = host_.injection->pending() || host_.loop.may_be_due(true);
    is_slow_ = others_wait && handled <= 4;
    if (others_wait) break;
    look_at = handled < 16 ? handled * 4 : handled + 16;
  }
  // A mailbox that is never empty does not starve the step: it has had no chance if all of the batch were events.
  if (!quiet_ && !staged && !host_.stop_requested && step_is_due(!empty)) {
    step();
    busy = true;
    empty = false;
  }
  host_.port.flush();
  was_busy_ = busy;
  if (!busy) return Done::Nothing;
  return empty ? Done::Everything : Done::Something;
}

bool Runner::step_is_due(bool batch_was_full) const {
  switch (next_step_.kind()) {
    case StepAction::Kind::Yield:
      return true;
    case StepAction::Kind::Continue:
      return batch_was_full;
    case StepAction::Kind::Backoff:
      return host_.loop.now() >= backoff_until_;
    default:
      return false;
  }
}

bool Runner::run_loop_callbacks() {
  if (!host_.loop.may_be_due(was_busy_)) return false;
  std::size_t ran = 0;
  guarded("a timer or descriptor callback", [&] { ran = host_.loop.poll(); });
  return ran != 0;
}

/// Pushes what is staged; once it is out, the event that caused it counts as handled.
bool Runner::finish_pending() {
  const auto before = host_.port.counters().staged;
  bool is_out = false;
  guarded("sending what has waited for room", [&] { is_out = host_.port.push_staged(); });
  if (!is_out) return host_.port.counters().staged != before;
  if (pending_) {
    pending_ = false;
    host_.port.handled(delivery_, pending_known_);
  }
  return true;
}

/// Once for each sender and topic: a reader that knows fewer types than its publishers is in order.
void Runner::note_unknown() {
  if (!noted_.emplace(delivery_.sender, delivery_.topic).second) return;
  std::fprintf(stderr,
               "libactor: %s skips events of %s on topic %s whose type its program does not know (noted once)\n",
               std::string(host_.id.name()).c_str(), std::string(delivery_.sender.name()).c_str(),
               std::string(host_.port.topic_name(delivery_.topic)).c_str());
}

/// The first of a sender and topic, then the count at each power of ten: a broken publisher floods no log.
void Runner::note_malformed() {
  const std::uint64_t count = ++malformed_[{delivery_.sender, delivery_.topic}];
  std::uint64_t rest = count;
  while (rest % 10 == 0) rest /= 10;
  if (rest != 1) return;
  std::fprintf(stderr, "libactor: %s: skipped a malformed %s from %s on topic %s (%s); %llu so far\n",
               std::string(host_.id.name()).c_str(), std::string(actor_.bound_types()[delivery_.type]->label).c_str(),
               std::string(delivery_.sender.name()).c_str(),
               std::string(host_.port.topic_name(delivery_.topic)).c_str(), to_string(delivery_.id).c_str(),
               static_cast<unsigned long long>(count));
}

/// The event in hand as an object; null when it is of no use here, which is noted.
const void* Runner::decode() {
  if (delivery_.type == Delivery::unknown_type) {
    note_unknown();
    return nullptr;
  }
  const void* event = scratch_.decode(delivery_.type, delivery_.payload);
  if (!event) note_malformed();
  return event;
}

/// True: the handler's events found no room; the event counts as handled once they are out.
bool Runner::dispatch() {
  const void* event = delivery_.object ? delivery_.object : decode();
  const bool known = event != nullptr;
  if (known && !handle(event)) return host_.port.has_staged();  // it stays in flight
  if (host_.port.has_staged()) [[unlikely]] {
    pending_ = true;
    pending_known_ = known;
    return true;
  }
  host_.port.handled(delivery_, known);
  return false;
}

/// False: the actor ends, and the event was not handled.
inline bool Runner::handle(const void* event) {
  if (watching() || host_.crashes_now) [[unlikely]]
    return handle_watched(event);
  return guarded("handle_event", [&] { actor_.dispatch(delivery_, event, host_.port); });
}

bool Runner::handle_watched(const void* event) {
  if (Monitors* monitors = watching()) monitors->delivered(observe(event));
  if (host_.crashes_now && crashes(false)) return false;
  if (!guarded("handle_event", [&] { actor_.dispatch(delivery_, event, host_.port); })) return false;
  if (host_.crashes_now && crashes(true)) return false;
  if (Monitors* monitors = watching()) monitors->handled(observe(event));
  return true;
}

bool Runner::crashes(bool after) {
  if (!host_.crashes_now(after)) return false;
  crashed_ = true;
  fail(Error(ErrorCode::External, "actor " + std::string(host_.id.name()) + " was made to crash while handling " +
                                      std::string(actor_.bound_types()[delivery_.type]->label) + " " +
                                      to_string(delivery_.id)));
  return true;
}

bool Runner::step() {
  if (Monitors* monitors = watching()) monitors->step_entered(host_.id);
  guarded("step", [&] { next_step_ = actor_.step(); });
  if (Monitors* monitors = watching()) monitors->step_left(host_.id, next_step_);
  if (next_step_.kind() == StepAction::Kind::Backoff) backoff_until_ = later(host_.loop.now(), next_step_.delay());
  return host_.port.has_staged();
}

Loop::Clock::time_point Runner::next_due() const {
  auto due = host_.loop.next_due();
  if (!quiet_ && !host_.port.has_staged() && next_step_.kind() == StepAction::Kind::Backoff)
    due = std::min(due, backoff_until_);
  const std::int64_t deadline = host_.port.next_deadline();
  if (deadline != std::numeric_limits<std::int64_t>::max())
    due = std::min(due, Loop::Clock::time_point(std::chrono::nanoseconds(deadline)));
  return due;
}

void Runner::wait(EpollLoop& loop) {
  const auto until = next_due();
  was_busy_ = false;  // all descriptors are looked at in here
  bool asleep = true;
  // A callback is work: while one runs the actor does not count as asleep.
  const auto awake = [&] {
    host_.port.end_wait();
    asleep = false;
  };
  if (host_.port.prepare_wait() && !host_.injection->pending())
    guarded("a timer or descriptor callback", [&] { loop.wait(until, awake); });
  if (asleep) host_.port.end_wait();
}

void Runner::quiesce() {
  quiet_ = true;
  host_.loop.silence();
}

void Runner::finish() {
  if (!started_) return;
  started_ = false;
  host_.port.new_turn();  // what on_shutdown sends is no output of an event that may still be in hand
  if (!crashed_) guarded("on_shutdown", [&] { actor_.on_shutdown(); });
  guarded("sending what has waited for room", [&] {
    host_.port.push_staged();
    host_.port.flush();
  });
  actor_.unbind();
}

}  // namespace actor
