#pragma once
// Finds actors that hang: that have work and make no progress. Pure: it is told the time and what is seen of each
// actor, and says what to do; the brain looks and acts. One thread.
//
// An actor hangs when it is awake (not asleep in its loop) and its loop makes no turn: it is inside a handler, a step
// or a callback that does not return; or when it sleeps though its mailbox is not empty, which no wake-up that comes in
// good order leaves behind. It does not hang while it waits for room (whoever does not make that room may), nor while
// it is stopped or traced. Of one that runs, the time that it has had on a processor counts, however long it waits for
// one. And time counts only as far as it was looked at: a broker that was late itself, or was stopped, takes none of it
// for the actor's.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace actor::broker {

struct WatchdogRules {
  std::chrono::nanoseconds limit{};        // without progress
  std::chrono::nanoseconds abort_grace{};  // from SIGABRT to SIGKILL
  bool operator==(const WatchdogRules&) const = default;
};

/// What an actor is seen doing at one moment.
struct Look {
  enum class Doing : std::uint8_t { Awake, WaitsForEvents, WaitsForRoom };
  Doing doing = Doing::Awake;
  std::uint64_t progress = 0;  // any number that changes with whatever it does
  bool has_queued = false;     // events wait in its mailboxes
  /// If it runs, or waits for a processor: what its process has used of them so far.
  std::optional<std::chrono::nanoseconds> processor = {};

  /// It should make progress.
  bool has_work() const;
};

class Watchdog {
 public:
  using Time = std::chrono::nanoseconds;  // of the monotonic clock
  using Key = std::uint32_t;

  enum class Action : std::uint8_t { None, Abort, Kill };
  struct Verdict {
    Action action = Action::None;
    Time stuck_for{};
  };

  /// From now on, and anew: a life of an actor that is Ready.
  void watch(Key actor, const WatchdogRules& rules);
  void forget(Key actor) { watched_.erase(actor); }
  bool watches(Key actor) const { return watched_.contains(actor); }

  /// It is stopped or traced: what it does not do then is nobody's fault.
  void excuse(Key actor);

  /// One actor at one time. `Abort` once, then, when it does not end, `Kill`, again and again.
  Verdict look(Key actor, const Look& seen, Time now);

  /// How long the brain may wait before it looks at everybody again; nothing: nobody is watched. An actor is looked at
  /// a few times within its limit.
  std::optional<Time> interval() const;
  /// Everybody who is watched sleeps over empty mailboxes: until one wakes there is nothing to look for.
  bool may_park() const;

 private:
  struct Watched {
    WatchdogRules rules;
    std::optional<Look> last;
    Time looked_at{};
    Time stuck_for{};                 // as far as it was looked at
    std::optional<Time> aborted_for;  // since the Abort
  };

  std::map<Key, Watched> watched_;
};

}  // namespace actor::broker
