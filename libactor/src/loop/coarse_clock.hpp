#pragma once
// A cheap look at the monotonic clock: 5 ns instead of 17 to 25, a few milliseconds behind. Any thread.

#include <actor/loop.hpp>
#include <ctime>

namespace actor {

/// At most so far behind the precise clock.
inline constexpr std::chrono::milliseconds coarse_error(10);

inline Loop::Clock::time_point coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Loop::Clock::time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace actor
