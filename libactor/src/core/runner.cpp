#include <core/runner.hpp>
#include <cstdio>

namespace actor {
namespace {

/// Descriptors are looked at this often while the actor is busy (an epoll_wait costs 0.3 µs or more), and once in so
/// many turns while it spins.
constexpr std::chrono::microseconds poll_period(200);
constexpr unsigned idle_turns_between_polls = 256;
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
  }
  return started_;
}

void Runner::run() {
  using Clock = Loop::Clock;
  unsigned idle_turns = 0;
  Clock::time_point idle_since{};
  while (!host_.stop_requested || (pending_ && !failed())) {
    if (turn()) {
      idle_turns = 0;
      continue;
    }
    if (host_.stop_requested && host_.port.has_staged() && quiet_) break;  // told to stop: what is staged is given up
    if (idle_turns++ == 0) idle_since = Clock::now();
    const bool look = idle_turns % turns_between_clocks == 0 || options_.spin.count() == 0;
    if (look && Clock::now() - idle_since >= options_.spin) {
      wait();
      idle_turns = 0;
    }
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
  if (pending_ || host_.port.has_staged()) [[unlikely]] {
    busy |= finish_pending();
  }
  unsigned left = options_.max_events_per_tick;
  while (left != 0 && !host_.stop_requested && !host_.port.has_staged()) {
    if (host_.port.next(delivery_)) {
      dispatch();
      if (next_step_.kind() == StepAction::Kind::AwaitEvent) next_step_ = StepAction::Continue();
    } else if (next_step_.kind() == StepAction::Kind::Continue && !quiet_) {
      step();
    } else {
      break;
    }
    busy = true;
    --left;
  }
  // A mailbox that is never empty does not starve the step: it has had no chance if all of the batch were events.
  if (!quiet_ && !host_.stop_requested && !host_.port.has_staged()) {
    const auto kind = next_step_.kind();
    const bool due = kind == StepAction::Kind::Yield || (kind == StepAction::Kind::Continue && left == 0) ||
                     (kind == StepAction::Kind::Backoff && Loop::Clock::now() >= backoff_until_);
    if (due) {
      step();
      busy = true;
    }
  }
  host_.port.flush();
  was_busy_ = busy;
  return busy;
}

bool Runner::run_loop_callbacks() {
  if (!host_.loop.has_timers() && !host_.loop.has_watches()) return false;
  const bool look = was_busy_ || host_.loop.has_timers() || ++turns_since_poll_ >= idle_turns_between_polls;
  if (!look) return false;
  const auto now = Loop::Clock::now();
  if (turns_since_poll_ < idle_turns_between_polls && now - last_poll_ < poll_period && now < host_.loop.next_due())
    return false;
  turns_since_poll_ = 0;
  last_poll_ = now;
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

void Runner::dispatch() {
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
  if (known && !guarded("handle_event", [&] { actor_.dispatch(delivery_, event, host_.port); }))
    return;  // it stays in flight
  if (host_.port.has_staged()) [[unlikely]] {
    pending_ = true;
    pending_known_ = known;
    return;
  }
  host_.port.handled(delivery_, known);
}

void Runner::step() {
  guarded("step", [&] { next_step_ = actor_.step(); });
  if (next_step_.kind() == StepAction::Kind::Backoff) backoff_until_ = Loop::Clock::now() + next_step_.delay();
}

void Runner::wait() {
  auto until = Loop::Clock::time_point::max();
  if (!quiet_ && !host_.port.has_staged()) {
    if (next_step_.kind() == StepAction::Kind::Backoff) until = backoff_until_;
  }
  const std::int64_t deadline = host_.port.next_deadline();
  if (deadline != std::numeric_limits<std::int64_t>::max())
    until = std::min(until, Loop::Clock::time_point(std::chrono::nanoseconds(deadline)));
  if (host_.port.prepare_wait() && !host_.injection->pending())
    guarded("a timer or descriptor callback", [&] { host_.loop.wait(until); });
  host_.port.end_wait();
}

void Runner::quiesce() {
  quiet_ = true;
  host_.loop.silence();
}

void Runner::finish() {
  if (!started_) return;
  started_ = false;
  guarded("on_shutdown", [&] { actor_.on_shutdown(); });
  host_.port.flush();
  actor_.unbind();
}

}  // namespace actor
