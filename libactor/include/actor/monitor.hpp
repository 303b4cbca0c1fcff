#pragma once
// Watching a runtime from the outside: every event on its way, every error, every actor that comes or goes. A Monitor
// overrides the hooks it wants; Monitors is the registry of one runtime (a supervisor, or an actor's own process).
//
// Hooks run synchronously, on the thread of the actor that they tell about, one at a time per monitor: a monitor needs
// no locks, and a slow one slows the actors down. A hook that throws is its monitor's last: it is removed, and logged.
// A hook may add, pause and remove monitors, itself included. What a hook sends may cause hooks on its own thread, at
// once and inside it.
// Without an active monitor an event costs one relaxed load for each place where there is a hook.

#include <actor/error.hpp>
#include <actor/event.hpp>
#include <actor/id.hpp>
#include <actor/meta.hpp>
#include <actor/overflow_policy.hpp>
#include <actor/step.hpp>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace actor {

/// One event on its way to one receiver, as hooks see it: a view, valid during the call only.
struct Observation {
  const EventType* type = nullptr;  ///< null: the receiver does not know this type
  const void* event = nullptr;      ///< a live event of that type; null with `type`
  Meta meta;
  std::string_view topic;  ///< wire name
  ActorId receiver;

  std::string_view label() const { return type ? type->label : std::string_view("?"); }
  template <class T>
  const T* get_if() const {
    return type && type->hash == event_type<T>().hash ? static_cast<const T*>(event) : nullptr;
  }
};

class Monitor {
 public:
  virtual ~Monitor() = default;

  /// The event is in the receiver's mailbox. Once per receiver, on the sender's thread.
  virtual void on_event_dispatched(const Observation&) {}
  /// The receiver is about to handle it.
  virtual void on_event_delivered(const Observation&) {}
  /// The receiver's handler has returned, or its exception was swallowed.
  virtual void on_event_handled(const Observation&) {}
  /// The receiver has no room: before the policy acts. Under Block on_event_dispatched follows once there is room;
  /// under the other policies nothing does.
  virtual void on_overflow(const Observation&, const OverflowPolicy&) {}
  /// A handler, a step or a callback of the actor threw; before its own on_error().
  virtual void on_error(ActorId, const Error&) {}
  virtual void on_actor_registered(ActorId) {}
  /// The actor has ended and is not restarted.
  virtual void on_actor_stop(ActorId) {}
  /// The actor has failed and comes back after `delay`.
  virtual void on_actor_restart(ActorId, const Error& /*why*/, std::chrono::nanoseconds /*delay*/) {}
  /// Actors wait for each other's mailboxes and none can go on; `report` says who waits for whom, on which topic.
  virtual void on_stall(const std::string& /*report*/) {}
  virtual void on_step_enter(ActorId) {}
  virtual void on_step_exit(ActorId, StepAction /*next*/) {}
};

class Monitors;

/// One registered monitor; a value. Any thread. Everything is without effect once the monitor is gone.
class MonitorHandle {
 public:
  std::uint64_t id() const { return id_; }
  /// None of its hooks runs any more when this returns, unless it is called by a hook: those wait for nobody.
  void pause();
  void resume();
  /// Waits until no hook of this monitor has been called for `quiet`, from now on; zero: until none is running.
  void flush(std::chrono::nanoseconds quiet = std::chrono::milliseconds(1));
  /// As pause(), for good. The monitor is destroyed, unless others share it.
  void remove();

 private:
  friend class Monitors;
  struct Entry;
  MonitorHandle(Monitors& monitors, std::shared_ptr<Entry> entry, std::uint64_t id);

  Monitors* monitors_;
  std::shared_ptr<Entry> entry_;
  std::uint64_t id_;
};

/// The monitors of one runtime. Owned by the runtime, outlives its actors; any thread.
class Monitors {
 public:
  Monitors();
  ~Monitors();
  Monitors(const Monitors&) = delete;
  Monitors& operator=(const Monitors&) = delete;

  MonitorHandle add(std::shared_ptr<Monitor> monitor);
  template <class M, class... Args>
  MonitorHandle add(Args&&... args) {
    return add(std::make_shared<M>(std::forward<Args>(args)...));
  }
  /// Silences all of them, whatever their own state, until resume(); otherwise as MonitorHandle::pause().
  void pause();
  void resume();

  // The runtime's side: each calls that hook of every active monitor. To be called only when active(), which is the one
  // relaxed load that a runtime without monitors pays.
  bool active() const { return active_.load(std::memory_order_relaxed); }
  void dispatched(const Observation& event);
  void delivered(const Observation& event);
  void handled(const Observation& event);
  void overflow(const Observation& event, const OverflowPolicy& policy);
  void error(ActorId actor, const Error& error);
  void registered(ActorId actor);
  void stopped(ActorId actor);
  void restarting(ActorId actor, const Error& why, std::chrono::nanoseconds delay);
  void stalled(const std::string& report);
  void step_entered(ActorId actor);
  void step_left(ActorId actor, StepAction next);

 private:
  friend class MonitorHandle;
  struct Registry;

  std::atomic<bool> active_ = false;
  std::unique_ptr<Registry> registry_;
};

}  // namespace actor
