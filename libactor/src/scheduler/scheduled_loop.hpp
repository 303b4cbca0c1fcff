#pragma once
// The loop of an actor that shares its thread with others: its own timers and callbacks, its scheduler's clock and
// descriptors. Owned by the actor's task, used on whichever thread takes its turn.

#include <actor/loop.hpp>
#include <actor/signal.hpp>
#include <atomic>
#include <mutex>
#include <scheduler/scheduler.hpp>
#include <vector>

namespace actor {

class ScheduledLoop final : public Loop {
 public:
  /// All outlive it. Whoever raises the signal because a time has come sets `due` before.
  ScheduledLoop(Scheduler& scheduler, Signal& signal, std::atomic<bool>& due)
      : scheduler_(scheduler), signal_(signal), due_(due) {}
  ~ScheduledLoop() override;

  Clock::time_point now() const override { return scheduler_.now(); }
  WatchId watch(int fd, Interest interest, Callback callback) override;
  void unwatch(WatchId watch) override;
  std::size_t poll() override;
  bool may_be_due(bool) override { return due_.load(std::memory_order_relaxed); }

 private:
  struct Watch {
    std::uint64_t at_scheduler;
    std::shared_ptr<Callback> callback;
  };

  Scheduler& scheduler_;
  Signal& signal_;
  std::atomic<bool>& due_;  // stored before the signal is raised, read after it is taken
  std::unordered_map<WatchId, Watch> watches_;
  std::mutex mutex_;
  std::vector<WatchId> ready_;  // guarded by mutex_
};

}  // namespace actor
