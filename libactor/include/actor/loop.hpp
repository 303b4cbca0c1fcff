#pragma once
// An actor's own event loop: timers and file descriptors, so that I/O never needs a blocking step(). Owned by the
// runner, one per actor; every call is made on the actor's thread, callbacks run there too, between events.
//
// Why not Asio? The loop is the path that a sleeping actor is woken through: one epoll_wait, one edge-triggered
// doorbell, nothing to drain and nothing allocated. Asio's reactor adds a completion queue and a lock to each wake-up.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

namespace actor {

using TimerId = std::uint64_t;
using WatchId = std::uint64_t;

class Loop {
 public:
  using Callback = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  enum class Interest : std::uint8_t { Read = 1, Write = 2, ReadWrite = 3 };

  Loop();  ///< Throws Error(Io) when the process is out of file descriptors.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Calls `callback` once, `delay` from now.
  TimerId after(std::chrono::nanoseconds delay, Callback callback);
  /// Calls `callback` every `period`, first one period from now. Late calls are not made up for.
  TimerId every(std::chrono::nanoseconds period, Callback callback);
  /// No effect when the timer has run out. Safe inside its own callback.
  void cancel(TimerId timer);

  /// Calls `callback` while `fd` is ready (level-triggered). The caller keeps owning `fd` and unwatches it before
  /// closing it. Throws Error(Io) for a descriptor that cannot be polled, such as a regular file.
  WatchId watch(int fd, Interest interest, Callback callback);
  /// The same for the runtime's own descriptors: silence() leaves them alone.
  WatchId watch_always(int fd, Interest interest, Callback callback);
  void unwatch(WatchId watch);

  /// Wakes wait() whenever `fd` (an eventfd) is written. Edge-triggered: nobody needs to drain it, no callback runs.
  void add_bell(int fd);
  void remove_bell(int fd);

  /// Runs every callback that is due; never waits. Returns how many ran.
  std::size_t poll();
  /// Sleeps until a descriptor is ready, a bell rings, a timer is due, or `until`; then runs what is due.
  std::size_t wait(Clock::time_point until = Clock::time_point::max());

  bool has_timers() const { return !timers_.empty(); }
  bool has_watches() const { return !watches_.empty(); }
  /// When the next timer is due; time_point::max() when there is none.
  Clock::time_point next_due() const;
  /// No timer and no watch runs its callback from now on; bells and watch_always() still wake. Used while stopping.
  void silence();

 private:
  struct Timer {
    Clock::time_point due;
    std::chrono::nanoseconds period;
    std::shared_ptr<Callback> callback;
  };
  struct Watch {
    int fd;
    bool always;
    std::shared_ptr<Callback> callback;
  };

  TimerId add_timer(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, Callback callback);
  std::size_t run_timers();
  WatchId add_watch(int fd, Interest interest, bool always, Callback callback);
  std::size_t run(bool may_wait, Clock::time_point until);

  int epoll_ = -1;
  std::uint64_t next_id_ = 1;
  bool silent_ = false;
  std::unordered_map<TimerId, Timer> timers_;
  std::multimap<Clock::time_point, TimerId> due_;
  std::unordered_map<WatchId, Watch> watches_;
};

}  // namespace actor
