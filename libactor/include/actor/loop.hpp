#pragma once
// An actor's timers and descriptors, so that I/O never needs a blocking step(). Owned by whoever runs the actor, one
// per actor; every call is made on the actor's thread, callbacks run there too, between events. An actor with a thread
// of its own has an EpollLoop; one of a supervisor's pool has a loop that its scheduler serves, on the scheduler's
// clock.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

namespace actor {

using TimerId = std::uint64_t;
using WatchId = std::uint64_t;

class Loop {
 public:
  using Callback = std::function<void()>;
  using Clock = std::chrono::steady_clock;

  enum class Interest : std::uint8_t { Read = 1, Write = 2, ReadWrite = 3 };

  Loop() = default;
  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The time that this loop's timers go by: the monotonic clock, or a test's virtual one.
  virtual Clock::time_point now() const { return Clock::now(); }

  /// Calls `callback` once, `delay` from now; never when that is further away than the clock reaches.
  TimerId after(std::chrono::nanoseconds delay, Callback callback);
  /// Calls `callback` every `period`, first one period from now. Late calls are not made up for.
  TimerId every(std::chrono::nanoseconds period, Callback callback);
  /// No effect when the timer has run out. Safe inside its own callback.
  void cancel(TimerId timer);

  /// Calls `callback` while `fd` is ready (level-triggered). The caller keeps owning `fd` and unwatches it before
  /// closing it. Throws Error(Io) for a descriptor that cannot be polled, such as a regular file.
  virtual WatchId watch(int fd, Interest interest, Callback callback) = 0;
  virtual void unwatch(WatchId watch) = 0;

  /// Runs every callback that is due; never waits. Returns how many ran.
  virtual std::size_t poll() = 0;
  /// Is it worth a poll() now? Asked in each turn of the actor, so cheaper than that.
  virtual bool may_be_due(bool was_busy) = 0;
  /// No timer and no watch runs its callback from now on. Used while stopping.
  virtual void silence() { silent_ = true; }

  bool has_timers() const { return !timers_.empty(); }
  /// When the next timer is due; time_point::max() when there is none.
  Clock::time_point next_due() const;

 protected:
  std::size_t run_timers();
  std::uint64_t new_id() { return next_id_++; }
  bool is_silent() const { return silent_; }

 private:
  struct Timer {
    Clock::time_point due;
    std::chrono::nanoseconds period;
    std::shared_ptr<Callback> callback;
  };

  TimerId add_timer(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, Callback callback);

  std::uint64_t next_id_ = 1;
  bool silent_ = false;
  std::unordered_map<TimerId, Timer> timers_;
  std::multimap<Clock::time_point, TimerId> due_;
};

/// `delay` after `now`, or time_point::max() when the clock does not reach that far.
constexpr Loop::Clock::time_point later(Loop::Clock::time_point now, std::chrono::nanoseconds delay) {
  return delay > Loop::Clock::time_point::max() - now ? Loop::Clock::time_point::max() : now + delay;
}

}  // namespace actor
