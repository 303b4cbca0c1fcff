#pragma once
// epoll_wait with a deadline. Any thread.

#include <sys/epoll.h>

#include <actor/loop.hpp>
#include <span>

namespace actor {

/// Waits until an event is there or `until`, to the nanosecond where the kernel can (epoll_pwait2, 5.11), else rounded
/// up; not at all when `until` is past. Returns the number of events; a signal counts as none. Throws Error(Io).
std::span<epoll_event> wait_for_events(int epoll, std::span<epoll_event> events, Loop::Clock::time_point until);

/// EPOLLIN, EPOLLOUT or both.
constexpr std::uint32_t epoll_mask(Loop::Interest interest) {
  const auto bits = static_cast<unsigned>(interest);
  return ((bits & 1) ? std::uint32_t{EPOLLIN} : 0u) | ((bits & 2) ? std::uint32_t{EPOLLOUT} : 0u);
}

}  // namespace actor
