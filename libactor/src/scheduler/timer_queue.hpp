#pragma once
// Tasks that wait for a time, earliest first; those of the same time in the order in which they asked. Owned by a
// scheduler, which locks it if it must.

#include <map>
#include <scheduler/scheduler.hpp>
#include <utility>
#include <vector>

namespace actor {

class TimerQueue {
 public:
  using Time = Scheduler::Time;

  /// Returns true when no earlier time was waited for.
  bool add(Time when, std::weak_ptr<Task> task) {
    const auto added = queue_.emplace(when, std::move(task));
    return added == queue_.begin();
  }
  Time next() const { return queue_.empty() ? Time::max() : queue_.begin()->first; }
  /// Takes out those whose time has come.
  std::vector<std::shared_ptr<Task>> take_due(Time now) {
    std::vector<std::shared_ptr<Task>> due;
    while (!queue_.empty() && queue_.begin()->first <= now) {
      if (auto task = queue_.begin()->second.lock()) due.push_back(std::move(task));
      queue_.erase(queue_.begin());
    }
    return due;
  }

 private:
  std::multimap<Time, std::weak_ptr<Task>> queue_;
};

}  // namespace actor
