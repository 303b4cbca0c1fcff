// The registry of monitors. Two kinds of locks, taken in this order: the registry's, for the list and the paused
// states, and one per monitor, for whose turn it is. Neither is held while a hook runs, so that a hook may add, pause
// and remove monitors, its own included.

#include <cxxabi.h>

#include <actor/monitor.hpp>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <typeinfo>
#include <vector>

namespace actor {
namespace {

/// How many hooks this thread is inside of: hooks may nest. Whoever is inside one must not wait for another to end,
/// which may be waiting for this one.
thread_local int hooks_entered = 0;

std::string class_name(const Monitor& monitor) {
  const char* mangled = typeid(monitor).name();
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? name.get() : mangled;
}

}  // namespace

struct MonitorHandle::Entry {
  Entry(std::uint64_t entry_id, std::shared_ptr<Monitor> entry_monitor)
      : id(entry_id), monitor(std::move(entry_monitor)) {}

  /// Calls the hook, alone. False: it threw, and `what` says why.
  template <class Hook>
  bool call(Hook&& hook, std::string& what) {
    Monitor* called = enter();
    if (!called) return true;
    bool returned = false;
    ++hooks_entered;
    try {
      hook(*called);
      returned = true;
    } catch (const std::exception& error) {
      what = error.what();
    } catch (...) {
      what = "something that is no std::exception";
    }
    if (!returned) what = class_name(*called) + " threw: " + what;
    --hooks_entered;
    leave();
    return returned;
  }

  /// Once it is true no further hook begins: see wait() for the one that runs.
  void set_paused(bool value) {
    const std::scoped_lock lock(mutex);
    paused = value;
    changed.notify_all();
  }
  /// Until no hook runs; does not wait when this thread is inside a hook, of whichever monitor.
  void wait() {
    std::unique_lock lock(mutex);
    wait_for_end(lock);
  }
  bool is_gone() {
    const std::scoped_lock lock(mutex);
    return gone;
  }

  void end() {
    std::unique_lock lock(mutex);
    gone = true;
    changed.notify_all();
    wait_for_end(lock);
    if (depth == 0) {
      drop(lock);
    } else {
      left_to_hook = true;
    }
  }

  void flush(std::chrono::nanoseconds quiet) {
    std::unique_lock lock(mutex);
    if (hooks_entered != 0) return;
    for (;;) {
      wait_for_end(lock);
      const std::uint64_t calls_before = calls;
      if (gone || quiet <= std::chrono::nanoseconds::zero()) return;
      if (changed.wait_for(lock, quiet, [this] { return gone; })) continue;
      if (calls == calls_before) return;
    }
  }

  const std::uint64_t id;

 private:
  /// Waits for this monitor's turn. Null: it is paused or gone.
  Monitor* enter() {
    std::unique_lock lock(mutex);
    const std::thread::id self = std::this_thread::get_id();
    changed.wait(lock, [&] { return depth == 0 || runner == self || gone || paused; });
    if (gone || paused) return nullptr;
    runner = self;
    ++depth;
    ++calls;
    return monitor.get();
  }
  void leave() {
    std::unique_lock lock(mutex);
    if (--depth != 0) return;
    changed.notify_all();
    if (left_to_hook) drop(lock);
  }
  void wait_for_end(std::unique_lock<std::mutex>& lock) {
    if (hooks_entered == 0) changed.wait(lock, [this] { return depth == 0; });
  }
  /// Destroys the monitor, without the lock.
  void drop(std::unique_lock<std::mutex>& lock) {
    const std::shared_ptr<Monitor> last = std::move(monitor);
    lock.unlock();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<Monitor> monitor;
  std::thread::id runner;   // valid while depth != 0
  int depth = 0;            // above 1: a hook caused another one on its own thread
  std::uint64_t calls = 0;  // 64-bit at 10^9/s: 584 years
  bool paused = false;
  bool gone = false;
  bool left_to_hook = false;  // it was removed inside a hook: the one that runs is followed by the monitor's end
};

struct Monitors::Registry {
  using Entry = MonitorHandle::Entry;
  struct Member {
    std::shared_ptr<Entry> entry;
    bool paused = false;
  };
  using Running = std::vector<std::shared_ptr<Entry>>;

  /// INVARIANT: `running` holds who is not paused, and is replaced, never changed: callers walk it without the lock.
  /// REQUIRES: the lock
  void update(std::atomic<bool>& active) {
    auto now = std::make_shared<Running>();
    for (const Member& member : members) {
      const bool paused = all_paused || member.paused;
      member.entry->set_paused(paused);
      if (!paused) now->push_back(member.entry);
    }
    active.store(!now->empty(), std::memory_order_relaxed);
    running = std::move(now);
  }
  void erase(std::uint64_t id, std::atomic<bool>& active) {
    const std::scoped_lock lock(mutex);
    std::erase_if(members, [&](const Member& member) { return member.entry->id == id; });
    update(active);
  }
  void set_paused(std::uint64_t id, bool paused, std::atomic<bool>& active) {
    const std::scoped_lock lock(mutex);
    for (Member& member : members) {
      if (member.entry->id == id) member.paused = paused;
    }
    update(active);
  }
  void set_all_paused(bool paused, std::atomic<bool>& active) {
    const std::scoped_lock lock(mutex);
    all_paused = paused;
    update(active);
  }
  std::shared_ptr<const Running> snapshot() {
    const std::scoped_lock lock(mutex);
    return running;
  }
  template <class Hook>
  void call_all(Monitors& owner, const char* name, Hook&& hook) {
    const std::shared_ptr<const Running> called = snapshot();
    for (const std::shared_ptr<Entry>& entry : *called) {
      std::string what;
      if (entry->call(hook, what)) continue;
      std::fprintf(stderr, "libactor: monitor %llu is removed, because its %s() failed: %s\n",
                   static_cast<unsigned long long>(entry->id), name, what.c_str());
      owner.registry_->erase(entry->id, owner.active_);
      entry->end();
    }
  }

  std::mutex mutex;
  std::vector<Member> members;
  std::shared_ptr<const Running> running = std::make_shared<Running>();
  std::uint64_t next_id = 1;
  bool all_paused = false;
};

MonitorHandle::MonitorHandle(Monitors& monitors, std::shared_ptr<Entry> entry, std::uint64_t id)
    : monitors_(&monitors), entry_(std::move(entry)), id_(id) {}

void MonitorHandle::pause() {
  if (entry_->is_gone()) return;
  monitors_->registry_->set_paused(id_, true, monitors_->active_);
  entry_->wait();
}

void MonitorHandle::resume() {
  if (!entry_->is_gone()) monitors_->registry_->set_paused(id_, false, monitors_->active_);
}

void MonitorHandle::flush(std::chrono::nanoseconds quiet) {
  entry_->flush(quiet);
}

void MonitorHandle::remove() {
  if (!entry_->is_gone()) monitors_->registry_->erase(id_, monitors_->active_);
  entry_->end();
}

Monitors::Monitors() : registry_(std::make_unique<Registry>()) {}

Monitors::~Monitors() {
  for (const Registry::Member& member : registry_->members) member.entry->end();
}

MonitorHandle Monitors::add(std::shared_ptr<Monitor> monitor) {
  ACTOR_ASSERT(monitor != nullptr, "a monitor is an object: add() was given a null pointer");
  const std::scoped_lock lock(registry_->mutex);
  const std::uint64_t id = registry_->next_id++;
  auto entry = std::make_shared<MonitorHandle::Entry>(id, std::move(monitor));
  registry_->members.push_back({entry, false});
  registry_->update(active_);
  return MonitorHandle(*this, std::move(entry), id);
}

void Monitors::pause() {
  registry_->set_all_paused(true, active_);
  std::vector<Registry::Member> silenced;
  {
    const std::scoped_lock lock(registry_->mutex);
    silenced = registry_->members;
  }
  for (const Registry::Member& member : silenced) member.entry->wait();
}

void Monitors::resume() {
  registry_->set_all_paused(false, active_);
}

void Monitors::dispatched(const Observation& event) {
  registry_->call_all(*this, "on_event_dispatched", [&](Monitor& monitor) { monitor.on_event_dispatched(event); });
}

void Monitors::delivered(const Observation& event) {
  registry_->call_all(*this, "on_event_delivered", [&](Monitor& monitor) { monitor.on_event_delivered(event); });
}

void Monitors::handled(const Observation& event) {
  registry_->call_all(*this, "on_event_handled", [&](Monitor& monitor) { monitor.on_event_handled(event); });
}

void Monitors::overflow(const Observation& event, const OverflowPolicy& policy) {
  registry_->call_all(*this, "on_overflow", [&](Monitor& monitor) { monitor.on_overflow(event, policy); });
}

void Monitors::error(ActorId actor, const Error& error) {
  registry_->call_all(*this, "on_error", [&](Monitor& monitor) { monitor.on_error(actor, error); });
}

void Monitors::registered(ActorId actor) {
  registry_->call_all(*this, "on_actor_registered", [&](Monitor& monitor) { monitor.on_actor_registered(actor); });
}

void Monitors::stopped(ActorId actor) {
  registry_->call_all(*this, "on_actor_stop", [&](Monitor& monitor) { monitor.on_actor_stop(actor); });
}

void Monitors::restarting(ActorId actor, const Error& why, std::chrono::nanoseconds delay) {
  registry_->call_all(*this, "on_actor_restart",
                      [&](Monitor& monitor) { monitor.on_actor_restart(actor, why, delay); });
}

void Monitors::stalled(const std::string& report) {
  registry_->call_all(*this, "on_stall", [&](Monitor& monitor) { monitor.on_stall(report); });
}

void Monitors::step_entered(ActorId actor) {
  registry_->call_all(*this, "on_step_enter", [&](Monitor& monitor) { monitor.on_step_enter(actor); });
}

void Monitors::step_left(ActorId actor, StepAction next) {
  registry_->call_all(*this, "on_step_exit", [&](Monitor& monitor) { monitor.on_step_exit(actor, next); });
}

}  // namespace actor
