// The supervisor in deterministic mode: nothing runs but in settle(), advance() and join(), on the caller's thread.

#include <algorithm>
#include <supervisor/core.hpp>

namespace actor {

void SupervisorCore::settle() {
  SimulatedScheduler& clock = simulated();
  clock.run();
  drain_simulated();
  report_stalls();
}

void SupervisorCore::advance(std::chrono::nanoseconds by) {
  SimulatedScheduler& clock = simulated();
  clock.advance(by);
  drain_simulated();
  report_stalls();
}

std::chrono::nanoseconds SupervisorCore::now() const {
  ACTOR_ASSERT(simulated_, "now() is for deterministic mode: Supervisor(simulated(seed))");
  return simulated_->now().time_since_epoch();
}

/// If the runtime was asked to stop, by an actor or from outside, it does.
void SupervisorCore::drain_simulated() {
  {
    const std::scoped_lock lock(mutex_);
    if (!stopping_ || members_.empty()) return;
  }
  order_all(Member::Order::Quiesce);
  simulated_->run();
  for (const std::string& name : begin_last_part()) {
    if (const auto member = find(name)) member->order(Member::Order::Stop);
    simulated_->run();
  }
  bury_dead();
}

void SupervisorCore::join_simulated() {
  SimulatedScheduler& clock = simulated();
  ACTOR_ASSERT(started_, "join() comes after start()");
  for (;;) {
    settle();
    if (all_ended()) break;
    if (clock.next_due() == Scheduler::Time::max()) {
      std::string waiting;
      for (const auto& spec : actors()) waiting += (waiting.empty() ? "" : ", ") + spec.name;
      throw Error(ErrorCode::Stalled,
                  "join() would wait for ever: nothing is runnable, no timer will ever be due, and "
                  "these actors have not stopped: " +
                      waiting + "; call stop() first, or have an actor call stop_runtime()");
    }
    clock.advance(clock.next_due() - clock.now());
  }
  stop();
  drain_simulated();
  bury_dead();
  const std::string never_there = pointless_fault();
  if (!never_there.empty() && errors().empty()) throw Error(ErrorCode::NoSuchActor, never_there);
}

}  // namespace actor
