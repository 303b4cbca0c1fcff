#pragma once
// Deterministic scheduling: the thread that calls run() takes every turn, the seed chooses whose is next, and time
// passes only in advance(). The same seed and the same actors give the same run, turn by turn. Owned by the supervisor;
// one thread, but for descriptors, whose readiness is the outside world's and cannot be repeated.

#include <map>
#include <random>
#include <scheduler/poller.hpp>
#include <scheduler/scheduler.hpp>
#include <scheduler/timer_queue.hpp>
#include <vector>

namespace actor {

class SimulatedScheduler final : public Scheduler {
 public:
  SimulatedScheduler(std::uint64_t seed, std::size_t turn_limit) : random_(seed), turn_limit_(turn_limit) {}

  /// Takes turns until no task has anything to do. Throws Error(SettleTimeout) after `turn_limit` of them.
  void run();
  /// Lets time pass: whatever becomes due on the way runs at its own time.
  void advance(std::chrono::nanoseconds by);
  /// Calls `work` when `delay` has passed.
  void call_later(std::chrono::nanoseconds delay, std::function<void()> work);
  /// When something is due next; Time::max() for never.
  Time next_due() const;
  /// The seed's next number: for everything else that is left to chance.
  std::mt19937_64& random() { return random_; }

  void ready(Task& task) noexcept override;
  void call_at(Time when, std::weak_ptr<Task> task) override;
  Time now() const override { return now_; }
  std::uint64_t watch(int fd, Loop::Interest interest, std::function<void()> callback) override;
  void rearm(std::uint64_t watch) override { poller_.rearm(watch); }
  void unwatch(std::uint64_t watch) override { poller_.unwatch(watch); }

 private:
  void fire_due();

  std::mt19937_64 random_;
  const std::size_t turn_limit_;
  Time now_{};
  std::vector<Task*> ready_;
  TimerQueue timers_;
  std::multimap<Time, std::function<void()>> calls_;
  Poller poller_;
};

}  // namespace actor
