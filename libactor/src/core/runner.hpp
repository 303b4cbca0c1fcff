#pragma once
// Runs one actor over one port: commands before events, events before steps, none starved. The same for an actor in a
// process of its own and for one of many inside a supervisor. Owned by whoever hosts the actor, used on its thread.

#include <actor/actor.hpp>
#include <actor/epoll_loop.hpp>
#include <core/scratch.hpp>
#include <core/spin_budget.hpp>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace actor {

struct RunnerOptions {
  /// Events handled in a row before commands, timers and step get their turn; fewer when those wait already.
  unsigned max_events_per_tick = 10;
  SpinBudget spin = SpinBudget::fixed({});  ///< how long to look for events before sleeping
};

class Runner {
 public:
  Runner(ActorBase& actor, Host& host, RunnerOptions options);
  ~Runner();

  /// Calls on_start(). False: it threw, error() says what, and the actor never runs.
  bool start();
  /// Runs until the actor stops, by itself or because `host.stop_requested` was set. `loop` is the host's own, on the
  /// thread that calls.
  void run(EpollLoop& loop);
  /// What a turn has done. After Everything the actor may sleep, as it may after Nothing.
  enum class Done { Nothing, Something, Everything };
  /// One turn: commands and timers, what waits in the outbox, a batch of events, a step.
  Done turn();
  /// The actor wants no further turn.
  bool is_over() const { return host_.stop_requested && (!host_.port.has_staged() || quiet_ || failed()); }
  /// Until when it may sleep; time_point::max(): until it is woken.
  Loop::Clock::time_point next_due() const;
  /// Steps, timers and descriptor callbacks end here; events are still handled.
  void quiesce();
  /// Calls on_shutdown() once, if start() succeeded.
  void finish();

  const std::optional<Error>& error() const { return error_; }
  /// The actor stopped because of an exception: the event it had in hand was not handled.
  bool failed() const { return error_.has_value(); }
  /// The actor is made to end with `error` after this turn, whatever its on_error() would say.
  void fail(Error error);

 private:
  void wait(EpollLoop& loop);
  bool run_loop_callbacks();
  bool finish_pending();
  bool dispatch();
  bool step_is_due(bool batch_was_full) const;
  bool step();
  template <class Function>
  bool guarded(const char* where, Function&& function);
  bool swallow(const Error& error);
  const void* decode();
  bool handle(const void* event);
  bool handle_watched(const void* event);
  bool crashes(bool after);
  Monitors* watching() const;
  Observation observe(const void* event) const;
  void note_unknown();
  void note_malformed();

  ActorBase& actor_;
  Host& host_;
  RunnerOptions options_;
  Scratch scratch_;
  Delivery delivery_;
  bool pending_ = false;  // delivery_ was handled, but what its handler sent is not out yet
  bool pending_known_ = true;
  bool started_ = false;
  bool quiet_ = false;
  StepAction next_step_ = StepAction::Continue();
  Loop::Clock::time_point backoff_until_{};
  bool was_busy_ = false;
  bool is_slow_ = true;  // the clock ticks while it handles a few events
  bool crashed_ = false;
  std::optional<Error> error_;
  std::set<std::pair<ActorId, std::uint16_t>> noted_;
  std::map<std::pair<ActorId, std::uint16_t>, std::uint64_t> malformed_;  // how many, by sender and topic
};

}  // namespace actor
