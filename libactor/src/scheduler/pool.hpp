#pragma once
// A few threads that share many actors. Work stays where it is: what a task wakes is queued on the thread that it runs
// on, and another thread helps out only when a task has waited for longer than it takes to wake one (spread_after).
// So actors that talk to each other run on one core, out of one cache, and heavy work spreads over all of them. A
// thread without work sleeps; one of the sleepers does it in epoll_wait, for the timers and descriptors of all.
//
// A handler that blocks or computes for long holds up what it has just woken: such an actor belongs on a thread of its
// own (ActorConfig::dedicated_thread). Owned by the supervisor; ready(), call_at() and the watches are for any thread.

#include <condition_variable>
#include <core/spin_budget.hpp>
#include <deque>
#include <scheduler/poller.hpp>
#include <scheduler/run_queue.hpp>
#include <scheduler/scheduler.hpp>
#include <scheduler/timer_queue.hpp>
#include <thread>

namespace actor {

class Pool final : public Scheduler {
 public:
  explicit Pool(std::size_t threads, Latency latency = Latency::Balanced);
  ~Pool() override;  ///< stop()

  void start();
  /// Ends the threads; what is still queued is never run.
  void stop();

  void ready(Task& task) noexcept override;
  void call_at(Time when, std::weak_ptr<Task> task) override;
  Time now() const override { return Loop::Clock::now(); }
  std::uint64_t watch(int fd, Loop::Interest interest, std::function<void()> callback) override;
  void rearm(std::uint64_t watch) override { poller_.rearm(watch); }
  void unwatch(std::uint64_t watch) override { poller_.unwatch(watch); }

 private:
  struct alignas(64) Worker {
    explicit Worker(Pool& owner) : pool(owner) {}
    Pool& pool;
    RunQueue queue;
    std::atomic<bool> wants_help = false;
    std::thread thread;
    // The worker's own.
    unsigned turns = 0;
    Time last_tick{};
    std::uint32_t mark = 0;  // the queue's tail at mark_since: when head gets there, the queue has turned over once
    Time mark_since{};
    SpinBudget spin = SpinBudget::adaptive(Latency::Low);
  };

  void work(Worker& worker);
  Task* next(Worker& worker);
  Task* take_shared(Worker& worker);
  Task* steal(Worker& worker);
  bool spin(Worker& worker) const;
  bool may_have_work() const;
  void sleep();
  void wake_one() noexcept;
  void find_poller();
  void tick(Worker& worker);
  bool run_timers();
  void share(Task& task) noexcept;

  static thread_local Worker* current;

  const Latency latency_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Poller poller_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Task*> shared_;                  // guarded by mutex_
  std::atomic<bool> somebody_polls_ = false;  // changed under mutex_
  unsigned waiting_ = 0;                      // guarded by mutex_: asleep in work_
  std::atomic<std::size_t> queued_ = 0;       // == shared_.size(), to look at without the lock
  std::atomic<unsigned> asleep_ = 0;          // in work_ or polling
  std::atomic<bool> stopping_ = false;

  std::mutex timers_mutex_;
  TimerQueue timers_;
  std::atomic<std::int64_t> next_timer_;
};

}  // namespace actor
