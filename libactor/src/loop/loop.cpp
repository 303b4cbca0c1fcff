#include <sys/epoll.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <actor/loop.hpp>
#include <array>
#include <atomic>
#include <cerrno>
#include <ctime>
#include <span>
#include <string>

namespace actor {
namespace {

constexpr std::uint64_t bell_tag = 0;  // watch ids start at 1

/// Waits as long as asked, to the nanosecond where the kernel can (epoll_pwait2, 5.11), else rounded up.
int wait_for_events(int epoll, std::span<epoll_event> events, std::chrono::nanoseconds timeout, bool forever) {
  static std::atomic<bool> has_pwait2 = true;  // learnt by whichever thread waits first
  const int capacity = static_cast<int>(events.size());
  if (forever) return epoll_wait(epoll, events.data(), capacity, -1);
  if (timeout.count() <= 0) return epoll_wait(epoll, events.data(), capacity, 0);
  if (has_pwait2.load(std::memory_order_relaxed)) {
    const timespec relative{static_cast<time_t>(timeout.count() / 1'000'000'000),
                            static_cast<long>(timeout.count() % 1'000'000'000)};
    const int count = epoll_pwait2(epoll, events.data(), capacity, &relative, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;
    has_pwait2.store(false, std::memory_order_relaxed);
  }
  const auto ms = (timeout.count() + 999'999) / 1'000'000;
  return epoll_wait(epoll, events.data(), capacity, static_cast<int>(std::min<std::int64_t>(ms, 1'000'000)));
}

std::uint32_t epoll_mask(Loop::Interest interest) {
  const auto bits = static_cast<unsigned>(interest);
  return ((bits & 1) ? std::uint32_t{EPOLLIN} : 0u) | ((bits & 2) ? std::uint32_t{EPOLLOUT} : 0u);
}

}  // namespace

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw_errno("creating an actor's event loop (epoll_create1)");
}

Loop::~Loop() {
  close(epoll_);
}

TimerId Loop::after(std::chrono::nanoseconds delay, Callback callback) {
  return add_timer(delay, std::chrono::nanoseconds::zero(), std::move(callback));
}

TimerId Loop::every(std::chrono::nanoseconds period, Callback callback) {
  ACTOR_ASSERT(period.count() > 0, "a repeating timer needs a period above zero");
  return add_timer(period, period, std::move(callback));
}

TimerId Loop::add_timer(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, Callback callback) {
  const TimerId id = next_id_++;
  const auto due = Clock::now() + delay;
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

WatchId Loop::watch(int fd, Interest interest, Callback callback) {
  return add_watch(fd, interest, false, std::move(callback));
}

WatchId Loop::watch_always(int fd, Interest interest, Callback callback) {
  return add_watch(fd, interest, true, std::move(callback));
}

WatchId Loop::add_watch(int fd, Interest interest, bool always, Callback callback) {
  const WatchId id = next_id_++;
  epoll_event event{};
  event.events = epoll_mask(interest);
  event.data.u64 = id;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
    throw_errno("watching file descriptor " + std::to_string(fd) +
                " (only pollable descriptors, each once: sockets, pipes, eventfds, devices)");
  watches_.emplace(id, Watch{fd, always, std::make_shared<Callback>(std::move(callback))});
  return id;
}

void Loop::unwatch(WatchId watch) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

void Loop::silence() {
  silent_ = true;
  for (const auto& [id, watch] : watches_) {
    if (!watch.always) epoll_ctl(epoll_, EPOLL_CTL_DEL, watch.fd, nullptr);
  }
}

void Loop::add_bell(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = bell_tag;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw_errno("listening to a doorbell");
}

void Loop::remove_bell(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

Loop::Clock::time_point Loop::next_due() const {
  return due_.empty() || silent_ ? Clock::time_point::max() : due_.begin()->first;
}

std::size_t Loop::run_timers() {
  if (due_.empty() || silent_) return 0;
  std::size_t ran = 0;
  const auto now = Clock::now();
  const std::uint64_t first_new = next_id_;  // timers made by these callbacks wait for the next turn
  while (!due_.empty() && due_.begin()->first <= now) {
    const TimerId id = due_.begin()->second;
    if (id >= first_new) break;
    due_.erase(due_.begin());
    Timer& timer = timers_.at(id);
    const auto callback = timer.callback;  // keeps it alive when the callback cancels itself
    if (timer.period.count() == 0) {
      timers_.erase(id);
    } else {
      timer.due += timer.period;
      if (timer.due <= now) timer.due = now + timer.period;
      due_.emplace(timer.due, id);
    }
    ++ran;
    (*callback)();
  }
  return ran;
}

std::size_t Loop::run(bool may_wait, Clock::time_point until) {
  std::array<epoll_event, 64> events;
  const auto due = std::min(until, next_due());
  const bool forever = may_wait && due == Clock::time_point::max();
  const auto timeout = !may_wait || forever ? std::chrono::nanoseconds::zero() : due - Clock::now();
  const int count = wait_for_events(epoll_, events, timeout, forever);
  if (count < 0 && errno != EINTR) throw_errno("waiting for events (epoll)");
  std::size_t ran = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
    if (id == bell_tag) continue;
    const auto found = watches_.find(id);
    if (found == watches_.end()) continue;  // unwatched by an earlier callback of this round
    if (silent_ && !found->second.always) continue;
    const auto callback = found->second.callback;
    ++ran;
    (*callback)();
  }
  return ran + run_timers();
}

std::size_t Loop::poll() {
  return run(false, {});
}

std::size_t Loop::wait(Clock::time_point until) {
  return run(true, until);
}

}  // namespace actor
