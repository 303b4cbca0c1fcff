#pragma once
// The loop of a thread: what an actor with a thread or a process of its own sleeps in. Owned and used by that thread;
// LoopWaker::wake() alone may be called by others.
//
// Why not Asio? The loop is the path that a sleeping actor is woken through: one epoll_wait, one edge-triggered
// doorbell, nothing to drain and nothing allocated. Asio's reactor adds a completion queue and a lock to each wake-up.

#include <actor/loop.hpp>
#include <actor/signal.hpp>

namespace actor {

class EpollLoop final : public Loop {
 public:
  EpollLoop();  ///< Throws Error(Io) when the process is out of file descriptors.
  ~EpollLoop() override;

  WatchId watch(int fd, Interest interest, Callback callback) override;
  /// The same for the runtime's own descriptors: silence() leaves them alone.
  WatchId watch_always(int fd, Interest interest, Callback callback);
  void unwatch(WatchId watch) override;

  /// Wakes wait() whenever `fd` (an eventfd) is written. Edge-triggered: nobody needs to drain it, no callback runs.
  void add_bell(int fd);
  void remove_bell(int fd);

  std::size_t poll() override;
  /// Sleeps until a descriptor is ready, a bell rings, a timer is due, or `until`; then calls `awake` and runs what is
  /// due.
  std::size_t wait(Clock::time_point until = Clock::time_point::max(), const Callback& awake = {});
  void silence() override;
  bool may_be_due(bool was_busy) override;

 private:
  struct Watch {
    int fd;
    bool always;
    std::shared_ptr<Callback> callback;
  };

  WatchId add_watch(int fd, Interest interest, bool always, Callback callback);
  std::size_t run(Clock::time_point until, const Callback& awake);

  int epoll_ = -1;
  unsigned turns_since_poll_ = 0;
  Clock::time_point last_poll_{};
  std::unordered_map<WatchId, Watch> watches_;
};

/// Rings a doorbell in an EpollLoop. REQUIRES: the loop outlives it.
class LoopWaker final : public Waker {
 public:
  explicit LoopWaker(EpollLoop& loop);  ///< Throws Error(Io) when the process is out of file descriptors.
  ~LoopWaker() override;
  LoopWaker(const LoopWaker&) = delete;
  LoopWaker& operator=(const LoopWaker&) = delete;

  void wake() noexcept override;

 private:
  EpollLoop& loop_;
  int bell_;
};

}  // namespace actor
