#include <actor/error.hpp>
#include <algorithm>
#include <scheduler/simulated_scheduler.hpp>
#include <string>

namespace actor {

void SimulatedScheduler::run() {
  std::size_t turns = 0;
  do {
    while (!ready_.empty()) {
      if (++turns > turn_limit_) {
        throw Error(ErrorCode::SettleTimeout,
                    "the actors do not settle: " + std::to_string(turn_limit_) +
                        " turns were taken while virtual time stood still at " +
                        std::to_string(now_.time_since_epoch().count()) +
                        " ns; does a step() return Continue for ever, or do events multiply?");
      }
      // Not std::uniform_int_distribution, whose results differ between standard libraries.
      const std::size_t chosen = random_() % ready_.size();
      Task& task = *ready_[chosen];
      ready_[chosen] = ready_.back();
      ready_.pop_back();
      if (task.run_turn() == Task::Next::Again) ready_.push_back(&task);
    }
    if (poller_.has_watches()) poller_.poll(Time::min());
  } while (!ready_.empty());
}

void SimulatedScheduler::advance(std::chrono::nanoseconds by) {
  const Time end = later(now_, std::max(by, std::chrono::nanoseconds::zero()));  // time never goes back
  run();
  while (next_due() <= end) {
    now_ = std::max(now_, next_due());
    fire_due();
    run();
  }
  now_ = end;
}

Scheduler::Time SimulatedScheduler::next_due() const {
  return calls_.empty() ? timers_.next() : std::min(timers_.next(), calls_.begin()->first);
}

void SimulatedScheduler::call_later(std::chrono::nanoseconds delay, std::function<void()> work) {
  calls_.emplace(later(now_, delay), std::move(work));
}

void SimulatedScheduler::fire_due() {
  while (!calls_.empty() && calls_.begin()->first <= now_) calls_.extract(calls_.begin()).mapped()();
  for (const auto& task : timers_.take_due(now_)) task->on_time();
}

void SimulatedScheduler::ready(Task& task) noexcept {
  ready_.push_back(&task);
}

void SimulatedScheduler::call_at(Time when, std::weak_ptr<Task> task) {
  timers_.add(when, std::move(task));
}

std::uint64_t SimulatedScheduler::watch(int fd, Loop::Interest interest, std::function<void()> callback) {
  return poller_.watch(fd, interest, std::move(callback));
}

}  // namespace actor
