#include <actor/error.hpp>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <loop/wait_for_events.hpp>

namespace actor {
namespace {

int wait_for(int epoll, std::span<epoll_event> events, std::chrono::nanoseconds timeout) {
  static std::atomic<bool> has_pwait2 = true;  // learnt by whichever thread waits first
  const int capacity = static_cast<int>(events.size());
  if (timeout.count() <= 0) return epoll_wait(epoll, events.data(), capacity, 0);
  if (has_pwait2.load(std::memory_order_relaxed)) {
    const timespec relative{static_cast<time_t>(timeout.count() / 1'000'000'000),
                            static_cast<long>(timeout.count() % 1'000'000'000)};
    const int count = epoll_pwait2(epoll, events.data(), capacity, &relative, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    has_pwait2.store(false, std::memory_order_relaxed);
  }
  const auto ms = timeout.count() / 1'000'000 + 1;
  return epoll_wait(epoll, events.data(), capacity, static_cast<int>(std::min<std::int64_t>(ms, 1'000'000)));
}

}  // namespace

std::span<epoll_event> wait_for_events(int epoll, std::span<epoll_event> events, Loop::Clock::time_point until) {
  int count = 0;
  if (until == Loop::Clock::time_point::max()) {
    count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
  } else {
    const bool past = until == Loop::Clock::time_point::min();
    count = wait_for(epoll, events, past ? std::chrono::nanoseconds::zero() : until - Loop::Clock::now());
  }
  if (count < 0 && errno != EINTR) throw_errno("waiting for events (epoll)");
  return events.first(static_cast<std::size_t>(std::max(count, 0)));
}

}  // namespace actor
