#include <core/runner.hpp>
#include <cstdio>
#include <ctime>

namespace actor {
namespace {

/// While the actor is busy its descriptors are looked at once per tick of the coarse clock (a few ms; an epoll_wait
/// costs 0.3 µs, a precise clock 25 ns, this one 5), and while it spins once in so many turns.
constexpr unsigned idle_turns_between_polls = 256;
constexpr std::chrono::milliseconds coarse_error(10);

Loop::Clock::time_point coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Loop::Clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

/// How many turns a spinning runner makes between two looks at the clock.
constexpr unsigned turns_between_clocks = 32;

}  // namespace

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
  try {
    go_on = actor_.on_error(error) == ErrorAction::Swallow;
  } catch (...) {  // an error handler that throws has no better answer: stop
  }
  if (go_on) return true;
  if (!error_) error_ = error;
  host_.stop_requested = true;
  return false;
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
  using Clock = Loop::Clock;
  unsigned idle_turns = 0;
  Clock::time_point idle_since{};
  // A stop of its own waits for what is staged; one that comes from outside (quiet_) has waited, and gives it up.
  while (!is_over()) {
    if (turn()) {
      idle_turns = 0;
      continue;
    }
    ++idle_turns;
    if (options_.spin.count() != 0) {
      if (idle_turns % turns_between_clocks != 0) continue;
      const auto now = Clock::now();
      if (idle_turns == turns_between_clocks) idle_since = now;
      if (now - idle_since < options_.spin) continue;
    }
    wait(loop);
    idle_turns = 0;
  }
  host_.port.flush();
}

/// One turn. True when anything was done.
bool Runner::turn() {
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
  unsigned left = options_.max_events_per_tick;
  while (left != 0 && !staged && !host_.stop_requested) {
    if (host_.port.next(delivery_)) {
      staged = dispatch();
      if (next_step_.kind() == StepAction::Kind::AwaitEvent) next_step_ = StepAction::Continue();
    } else if (next_step_.kind() == StepAction::Kind::Continue && !quiet_) {
      staged = step();
    } else {
      break;
    }
    busy = true;
    --left;
  }
  // A mailbox that is never empty does not starve the step: it has had no chance if all of the batch were events.
  if (!quiet_ && !staged && !host_.stop_requested && step_is_due(left == 0)) {
    step();
    busy = true;
  }
  host_.port.flush();
  was_busy_ = busy;
  return busy;
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
  if (!was_busy_ && ++turns_since_poll_ < idle_turns_between_polls && !host_.loop.has_timers()) return false;
  const auto coarse = coarse_now();
  bool due = turns_since_poll_ >= idle_turns_between_polls || (was_busy_ && coarse != last_poll_);
  if (!due && host_.loop.has_timers()) {
    const auto next = host_.loop.next_due();
    due = next < coarse + coarse_error && next <= host_.loop.now();
  }
  if (!due) return false;
  turns_since_poll_ = 0;
  last_poll_ = coarse;
  std::size_t ran = 0;
  guarded("a timer or descriptor callback", [&] { ran = host_.loop.poll(); });
  return ran != 0;
}

/// Pushes what is staged; once it is out, the event that caused it counts as handled.
bool Runner::finish_pending() {
  const auto before = host_.port.counters().staged;
  if (!host_.port.push_staged()) return host_.port.counters().staged != before;
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

/// True: the handler's events found no room; the event counts as handled once they are out.
bool Runner::dispatch() {
  const void* event = delivery_.object;
  bool known = delivery_.type != Delivery::unknown_type;
  if (known && !event) {
    event = scratch_.decode(delivery_.type, delivery_.payload);
    if (!event) {
      std::fprintf(stderr, "libactor: %s: skipped a malformed %s from %s (%s)\n", std::string(host_.id.name()).c_str(),
                   std::string(actor_.bound_types()[delivery_.type]->label).c_str(),
                   std::string(delivery_.sender.name()).c_str(), to_string(delivery_.id).c_str());
      known = false;
    }
  }
  if (delivery_.type == Delivery::unknown_type) note_unknown();
  if (known && !guarded("handle_event", [&] { actor_.dispatch(delivery_, event, host_.port); }))
    return host_.port.has_staged();  // it stays in flight
  if (host_.port.has_staged()) [[unlikely]] {
    pending_ = true;
    pending_known_ = known;
    return true;
  }
  host_.port.handled(delivery_, known);
  return false;
}

bool Runner::step() {
  guarded("step", [&] { next_step_ = actor_.step(); });
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
  if (host_.port.prepare_wait() && !host_.injection->pending())
    guarded("a timer or descriptor callback", [&] { loop.wait(until); });
  host_.port.end_wait();
}

void Runner::quiesce() {
  quiet_ = true;
  host_.loop.silence();
}

void Runner::finish() {
  if (!started_) return;
  started_ = false;
  host_.port.new_turn();  // what on_shutdown sends is no output of an event that may still be in hand
  guarded("on_shutdown", [&] { actor_.on_shutdown(); });
  host_.port.push_staged();
  host_.port.flush();
  actor_.unbind();
}

}  // namespace actor
