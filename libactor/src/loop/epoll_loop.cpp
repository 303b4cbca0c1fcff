#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/epoll_loop.hpp>
#include <actor/error.hpp>
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

EpollLoop::EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw_errno("creating an actor's event loop (epoll_create1)");
}

EpollLoop::~EpollLoop() {
  close(epoll_);
}

WatchId EpollLoop::watch(int fd, Interest interest, Callback callback) {
  return add_watch(fd, interest, false, std::move(callback));
}

WatchId EpollLoop::watch_always(int fd, Interest interest, Callback callback) {
  return add_watch(fd, interest, true, std::move(callback));
}

WatchId EpollLoop::add_watch(int fd, Interest interest, bool always, Callback callback) {
  const WatchId id = new_id();
  epoll_event event{};
  event.events = epoll_mask(interest);
  event.data.u64 = id;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
    throw_errno("watching file descriptor " + std::to_string(fd) +
                " (only pollable descriptors, each once: sockets, pipes, eventfds, devices)");
  watches_.emplace(id, Watch{fd, always, std::make_shared<Callback>(std::move(callback))});
  return id;
}

void EpollLoop::unwatch(WatchId watch) {
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
}

void EpollLoop::silence() {
  Loop::silence();
  for (const auto& [id, watch] : watches_) {
    if (!watch.always) epoll_ctl(epoll_, EPOLL_CTL_DEL, watch.fd, nullptr);
  }
}

void EpollLoop::add_bell(int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = bell_tag;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw_errno("listening to a doorbell");
}

void EpollLoop::remove_bell(int fd) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

std::size_t EpollLoop::run(bool may_wait, Clock::time_point until) {
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
    if (is_silent() && !found->second.always) continue;
    const auto callback = found->second.callback;
    ++ran;
    (*callback)();
  }
  return ran + run_timers();
}

std::size_t EpollLoop::poll() {
  return run(false, {});
}

std::size_t EpollLoop::wait(Clock::time_point until) {
  return run(true, until);
}

LoopWaker::LoopWaker(EpollLoop& loop) : loop_(loop), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (bell_ < 0) throw_errno("making a loop's doorbell (eventfd)");
  loop_.add_bell(bell_);
}

LoopWaker::~LoopWaker() {
  loop_.remove_bell(bell_);
  ::close(bell_);
}

void LoopWaker::wake() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell_, &one, sizeof one);  // full means: rung already
}

}  // namespace actor
