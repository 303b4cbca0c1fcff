#include <scheduler/scheduled_loop.hpp>
#include <utility>

namespace actor {

ScheduledLoop::~ScheduledLoop() {
  for (const auto& [id, watch] : watches_) scheduler_.unwatch(watch.at_scheduler);
}

WatchId ScheduledLoop::watch(int fd, Interest interest, Callback callback) {
  const WatchId id = new_id();
  const auto on_ready = [this, id] {
    {
      const std::scoped_lock lock(mutex_);
      ready_.push_back(id);
    }
    due_.store(true, std::memory_order_relaxed);
    signal_.raise(Signal::ready);
  };
  const std::uint64_t at_scheduler = scheduler_.watch(fd, interest, on_ready);
  watches_.emplace(id, Watch{at_scheduler, std::make_shared<Callback>(std::move(callback))});
  return id;
}

void ScheduledLoop::unwatch(WatchId watch) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  scheduler_.unwatch(found->second.at_scheduler);
  watches_.erase(found);
}

std::size_t ScheduledLoop::poll() {
  due_.store(false, std::memory_order_relaxed);
  std::vector<WatchId> ready;
  {
    const std::scoped_lock lock(mutex_);
    ready.swap(ready_);
  }
  std::size_t ran = 0;
  for (auto at = ready.begin(); at != ready.end(); ++at) {
    const auto found = watches_.find(*at);
    if (found == watches_.end() || is_silent()) continue;
    const std::uint64_t at_scheduler = found->second.at_scheduler;
    const auto callback = found->second.callback;  // keeps it alive when the callback unwatches itself
    ++ran;
    try {
      (*callback)();
    } catch (...) {  // the actor may go on: then with this one and the others
      scheduler_.rearm(at_scheduler);
      {
        const std::scoped_lock lock(mutex_);
        ready_.insert(ready_.begin(), at + 1, ready.end());
      }
      due_.store(true, std::memory_order_relaxed);
      signal_.raise(Signal::ready);
      throw;
    }
    scheduler_.rearm(at_scheduler);  // level-triggered: what is still ready is ready again
  }
  return ran + run_timers();
}

}  // namespace actor
