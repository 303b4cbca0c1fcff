#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/epoll_loop.hpp>
#include <actor/error.hpp>
#include <array>
#include <loop/coarse_clock.hpp>
#include <loop/wait_for_events.hpp>
#include <string>

namespace actor {
namespace {

constexpr std::uint64_t bell_tag = 0;  // watch ids start at 1

/// While its actor is busy the descriptors are looked at once per tick of the coarse clock, which is cheaper than an
/// epoll_wait (0.3 us), and while it spins once in so many turns.
constexpr unsigned idle_turns_between_polls = 256;

}  // namespace

EpollLoop::EpollLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), last_poll_(coarse_now()) {
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

bool EpollLoop::may_be_due(bool was_busy) {
  if (!was_busy && ++turns_since_poll_ < idle_turns_between_polls && !has_timers()) return false;
  const auto coarse = coarse_now();
  bool due = turns_since_poll_ >= idle_turns_between_polls || (was_busy && coarse != last_poll_);
  if (!due && has_timers()) due = next_due() < coarse + coarse_error && next_due() <= now();
  return due;
}

std::size_t EpollLoop::run(Clock::time_point until, const Callback& awake) {
  std::array<epoll_event, 64> events;
  std::size_t ran = 0;
  const auto ready = wait_for_events(epoll_, events, std::min(until, next_due()));
  turns_since_poll_ = 0;
  last_poll_ = coarse_now();
  if (awake) awake();
  for (const epoll_event& event : ready) {
    const std::uint64_t id = event.data.u64;
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
  return run(Clock::time_point::min(), {});
}

std::size_t EpollLoop::wait(Clock::time_point until, const Callback& awake) {
  return run(until, awake);
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
