#pragma once
// Who runs when. A Task is one actor, which takes one turn at a time; a Scheduler decides whose turn it is and on which
// thread, keeps the timers and watches descriptors. There are two: Pool (threads, real time) and Simulation (one
// thread, virtual time, seeded choice). Everything above, from the mailbox to the restart policy, is the same code on
// both.

#include <actor/loop.hpp>
#include <actor/signal.hpp>
#include <memory>

namespace actor {

class Task : public Waker, public std::enable_shared_from_this<Task> {
 public:
  enum class Next : std::uint8_t {
    Again,  ///< another turn, after the others'
    Sleep,  ///< none until woken; the task is no longer the caller's: it may be running elsewhere already
    Done,   ///< none ever
  };
  virtual Next run_turn() = 0;
  /// Its time, asked for with call_at(), has come; any thread. Makes the task's next turn look at its timers.
  virtual void on_time() noexcept = 0;
};

class Scheduler {
 public:
  using Time = Loop::Clock::time_point;

  virtual ~Scheduler() = default;
  /// The task has something to do. REQUIRES: it is neither queued nor running. Any thread.
  virtual void ready(Task& task) noexcept = 0;
  /// Calls task->on_time() at `when` or a little later, unless the task is gone by then. Any thread.
  virtual void call_at(Time when, std::weak_ptr<Task> task) = 0;
  virtual Time now() const = 0;

  /// Calls `callback` once, on any thread, when `fd` is ready; rearm() asks for the next time. The descriptor is the
  /// caller's. Throws Error(Io). Any thread.
  virtual std::uint64_t watch(int fd, Loop::Interest interest, std::function<void()> callback) = 0;
  virtual void rearm(std::uint64_t watch) = 0;
  /// The callback does not run any more when this returns.
  virtual void unwatch(std::uint64_t watch) = 0;
};

}  // namespace actor
