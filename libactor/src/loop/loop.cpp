#include <actor/error.hpp>
#include <actor/loop.hpp>

namespace actor {

TimerId Loop::after(std::chrono::nanoseconds delay, Callback callback) {
  return add_timer(delay, std::chrono::nanoseconds::zero(), std::move(callback));
}

TimerId Loop::every(std::chrono::nanoseconds period, Callback callback) {
  ACTOR_ASSERT(period.count() > 0, "a repeating timer needs a period above zero");
  return add_timer(period, period, std::move(callback));
}

TimerId Loop::add_timer(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, Callback callback) {
  const TimerId id = new_id();
  const auto due = later(now(), delay);
  timers_.emplace(id, Timer{due, period, std::make_shared<Callback>(std::move(callback))});
  due_.emplace(due, id);
  return id;
}

void Loop::cancel(TimerId timer) {
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return;
  const auto [first, last] = due_.equal_range(found->second.due);
  for (auto it = first; it != last; ++it) {
    if (it->second == timer) {
      due_.erase(it);
      break;
    }
  }
  timers_.erase(found);
}

Loop::Clock::time_point Loop::next_due() const {
  return due_.empty() || silent_ ? Clock::time_point::max() : due_.begin()->first;
}

std::size_t Loop::run_timers() {
  if (due_.empty() || silent_) return 0;
  std::size_t ran = 0;
  const auto time = now();
  const std::uint64_t first_new = next_id_;  // timers made by these callbacks wait for the next turn
  while (!due_.empty() && due_.begin()->first <= time) {
    const TimerId id = due_.begin()->second;
    if (id >= first_new) break;
    due_.erase(due_.begin());
    Timer& timer = timers_.at(id);
    const auto callback = timer.callback;  // keeps it alive when the callback cancels itself
    if (timer.period.count() == 0) {
      timers_.erase(id);
    } else {
      timer.due = later(timer.due, timer.period);
      if (timer.due <= time) timer.due = later(time, timer.period);
      due_.emplace(timer.due, id);
    }
    ++ran;
    (*callback)();
  }
  return ran;
}

}  // namespace actor
