#include <sched.h>

#include <algorithm>
#include <core/spin_budget.hpp>

namespace actor {
namespace {

std::chrono::nanoseconds limit_of(Latency latency) {
  switch (latency) {
    case Latency::Low:
      return std::chrono::milliseconds(1);
    case Latency::Balanced:
      return std::chrono::microseconds(20);
    case Latency::PowerSave:
      break;
  }
  return std::chrono::nanoseconds::zero();
}

}  // namespace

/// Those that this thread may run on: an actor that is confined to one core spins in the way of whom it waits for.
unsigned SpinBudget::usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 2;  // more than the set has room for
  return static_cast<unsigned>(CPU_COUNT(&cores));
}

SpinBudget SpinBudget::adaptive(Latency latency, unsigned cores) {
  return SpinBudget(cores > 1 ? limit_of(latency) : std::chrono::nanoseconds::zero(), true);
}

bool SpinBudget::look(Clock::time_point now) {
  if (turns_ == turns_between_clocks) {
    since_ = last_look_ = now;
    return true;
  }
  const bool was_away = adapts_ && now - last_look_ > taken_away;
  last_look_ = now;
  if (was_away) score_ = 0;  // until events have come soon often enough without it
  return !was_away && now - since_ < limit_;
}

/// Whether looking so long would have found the event, or did not.
void SpinBudget::judge(std::chrono::nanoseconds idle) {
  if (idle <= limit_ + wake_up)
    paid();
  else
    score_ = std::max(0, score_ - 2);
}

}  // namespace actor
