#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <array>
#include <loop/wait_for_events.hpp>
#include <scheduler/poller.hpp>
#include <string>

namespace actor {
namespace {

constexpr std::uint64_t bell_tag = 0;  // watch ids start at 1

}  // namespace

Poller::Poller() : epoll_(epoll_create1(EPOLL_CLOEXEC)), bell_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (epoll_ < 0 || bell_ < 0) throw_errno("creating a scheduler's event loop (epoll_create1, eventfd)");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = bell_tag;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &event) != 0) throw_errno("listening to a scheduler's doorbell");
}

Poller::~Poller() {
  close(bell_);
  close(epoll_);
}

std::uint64_t Poller::watch(int fd, Loop::Interest interest, std::function<void()> callback) {
  const std::scoped_lock lock(mutex_);
  epoll_event event{};
  event.events = epoll_mask(interest) | EPOLLONESHOT;
  event.data.u64 = next_id_;
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
    throw_errno("watching file descriptor " + std::to_string(fd) +
                " (only pollable descriptors, each once: sockets, pipes, eventfds, devices)");
  watches_.emplace(next_id_, Watch{fd, event.events, std::move(callback)});
  count_.store(watches_.size(), std::memory_order_relaxed);
  return next_id_++;
}

void Poller::rearm(std::uint64_t watch) {
  const std::scoped_lock lock(mutex_);
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  epoll_event event{};
  event.events = found->second.mask;
  event.data.u64 = watch;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, found->second.fd, &event);
}

void Poller::unwatch(std::uint64_t watch) {
  const std::scoped_lock lock(mutex_);
  const auto found = watches_.find(watch);
  if (found == watches_.end()) return;
  epoll_ctl(epoll_, EPOLL_CTL_DEL, found->second.fd, nullptr);
  watches_.erase(found);
  count_.store(watches_.size(), std::memory_order_relaxed);
}

void Poller::poll(Loop::Clock::time_point until) {
  std::array<epoll_event, 64> events;
  const auto ready = wait_for_events(epoll_, events, until);
  const std::scoped_lock lock(mutex_);
  for (const epoll_event& event : ready) {
    const auto found = watches_.find(event.data.u64);  // the bell has none, nor has what was unwatched meanwhile
    if (found != watches_.end()) found->second.callback();
  }
}

void Poller::ring() noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(bell_, &one, sizeof one);  // full means: rung already
}

}  // namespace actor
