#pragma once
// What can be set about a supervisor and its actors. Values: any thread.

#include <actor/after_death.hpp>
#include <actor/fault.hpp>
#include <actor/group.hpp>
#include <actor/latency.hpp>
#include <actor/restart.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace actor {

struct ActorConfig {
  std::size_t channel_capacity = 0;          ///< events that may wait here, per topic and sender; 0: the default
  unsigned max_events_per_tick = 0;          ///< events handled in a row before others get their turn; 0: the default
  bool dedicated_thread = false;             ///< a thread of its own, for an actor that blocks or computes for long
  std::optional<RestartRules> restart = {};  ///< none: the default
  AfterDeath after_death = {};               ///< what becomes of its events when it fails
  std::string member_of = {};                ///< a group of SupervisorConfig::groups; empty: none
  std::map<std::string, Dependency> depends_on = {};   ///< what it waits for before each start
  OnExhausted on_exhausted = OnExhausted::Quarantine;  ///< Quarantine, RestartGroup or StopRuntime
  std::chrono::nanoseconds quarantine_retry{};         ///< zero: none, who fails too often is given up
  bool significant = false;  ///< its end for good counts for the auto_shutdown of its group, or of the runtime
};

/// Deterministic mode: every actor on the thread that calls, on a virtual clock, the next one to run chosen by `seed`.
/// One seed, one run, down to the ids.
struct Simulation {
  std::uint64_t seed = 1;
  Faults faults = {};
  /// Turns that may be taken while virtual time stands still; then somebody is running in circles.
  std::size_t turn_limit = 10'000'000;
};

struct SupervisorConfig {
  std::size_t default_actor_channel_capacity = 128;
  unsigned default_max_events_per_tick = 10;
  std::size_t outbox_limit = 1024;      ///< events that one actor may have waiting for room before send() throws
  std::size_t threads = 0;              ///< that share the actors; 0: one per core, 4 at most
  Latency latency = Latency::Balanced;  ///< what those threads do when no actor has work
  /// Unlike under a broker an actor that stops by itself stays stopped: that is how a program ends.
  RestartRules default_restart = {.restart = RestartClass::Transient};
  std::size_t dead_letter_limit = 1000;  ///< how many dead letters are kept; then the oldest are given up, and counted
  std::vector<GroupConfig> groups = {};  ///< of actors: ActorConfig::member_of
  AutoShutdown auto_shutdown = AutoShutdown::Never;  ///< by the significant actors and groups that are in no group
  std::optional<Simulation> simulation = {};         ///< none: real threads and real time
};

/// Deterministic mode with everything else as it is by default.
inline SupervisorConfig simulated(std::uint64_t seed, Faults faults = {}) {
  SupervisorConfig config;
  config.simulation = Simulation{.seed = seed, .faults = std::move(faults)};
  return config;
}

}  // namespace actor
