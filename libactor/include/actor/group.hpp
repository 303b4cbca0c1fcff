#pragma once
// Actors that belong together: what happens to the others when one of them fails, and what happens when restarting does
// not help. The same words for processes under a broker and for objects under a supervisor. Values: any thread.

#include <chrono>
#include <cstdint>
#include <string>

namespace actor {

/// Who is restarted when a member of a group fails.
enum class RestartStrategy : std::uint8_t {
  OneForOne,   ///< that member
  OneForAll,   ///< every member
  RestForOne,  ///< that member and those that start after it
};

/// What happens when a restart budget is used up.
enum class OnExhausted : std::uint8_t {
  Quarantine,    ///< what would have been restarted stays away, and is tried again after `quarantine_retry`
  RestartGroup,  ///< of an actor: every member of its group is restarted, which counts against the group's budget
  Escalate,      ///< of a group: it counts as one failed member of its parent
  StopRuntime,   ///< everything ends
  Reboot,        ///< the machine restarts; only under a broker that is allowed to
};

/// When a group ends because its significant members have ended for good.
enum class AutoShutdown : std::uint8_t { Never, Any, All };

/// What an actor waits for before it starts, of another actor.
enum class Dependency : std::uint8_t {
  Ready,      ///< its on_start() has returned
  Started,    ///< it runs
  Completed,  ///< it has ended cleanly
};

struct GroupConfig {
  std::string name;
  std::string parent = {};  ///< the group that it is a member of; empty: none
  RestartStrategy strategy = RestartStrategy::OneForOne;
  // Budget: one failure of a member more than `restarts` inside any window of `within` exhausts it.
  std::uint32_t restarts = 5;
  std::chrono::nanoseconds within = std::chrono::seconds(10);
  OnExhausted on_exhausted = OnExhausted::Quarantine;  ///< Quarantine, Escalate, StopRuntime or Reboot
  std::chrono::nanoseconds quarantine_retry{};         ///< zero: never by itself
  AutoShutdown auto_shutdown = AutoShutdown::Never;
  bool significant = false;  ///< its end counts for its parent's auto_shutdown
};

}  // namespace actor
