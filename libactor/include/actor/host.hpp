#pragma once
// What stands behind a Context: the port, the loop and the switches of whoever runs the actor (a process of its own, or
// a supervisor). One per actor, owned by its runner, used on the actor's thread; Injection alone is thread-safe.

#include <actor/actor_spec.hpp>
#include <actor/error.hpp>
#include <actor/id.hpp>
#include <actor/loop.hpp>
#include <actor/monitor.hpp>
#include <actor/signal.hpp>
#include <actor/transport.hpp>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace actor {

/// Work handed to an actor's thread from others. Shared: it may outlive the actor, and then refuses.
class Injection {
 public:
  /// `waker` wakes the actor; it is not used any more once close() has returned.
  explicit Injection(Waker& waker) : waker_(waker) {}
  Injection(const Injection&) = delete;
  Injection& operator=(const Injection&) = delete;

  /// Any thread. False when the actor has stopped: `work` will not run.
  bool post(std::function<void()> work);
  /// The actor's thread: runs what was posted. Returns how many ran.
  std::size_t run();
  void close();
  /// Relaxed: may lag behind post(), which wakes a sleeper.
  bool pending() const { return pending_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;
  std::atomic<bool> pending_ = false;
  bool closed_ = false;
  Waker& waker_;
};

struct Host {
  Host(ActorId actor_id, Port& actor_port, Loop& actor_loop, Waker& waker)
      : id(actor_id), port(actor_port), loop(actor_loop), injection(std::make_shared<Injection>(waker)) {}
  ~Host() { injection->close(); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  void assert_owner() const {
    ACTOR_ASSERT(std::this_thread::get_id() == owner,
                 "a Context belongs to its actor's thread; other threads use ctx.injector()");
  }

  ActorId id;
  Port& port;
  Loop& loop;
  std::shared_ptr<Injection> injection;
  std::thread::id owner = std::this_thread::get_id();
  bool stop_requested = false;
  std::function<void()> stop_runtime = [] {};
  std::function<ActorId(ActorSpec)> spawn = {};  ///< empty: not possible here
  Monitors* monitors = nullptr;
  /// Deterministic mode only: is it time to crash, before or after the handler? Empty: never.
  std::function<bool(bool after)> crashes_now = {};
  /// Rises when there are commands to look at; null when they only come as injected work. Checked once per turn.
  const std::atomic<std::uint64_t>* command_epoch = nullptr;
  std::function<void()> run_commands = [] {};
};

}  // namespace actor
