#pragma once
// Decides what happens to one actor after it has ended: restarted at once or later, left ended, or given up because its
// budget is used up. One per actor, owned by the tree (tree.hpp). Reads no clock and draws no hidden randomness: times
// are passed in and the jitter is seeded, so the broker, the in-process supervisor and the tests get the same answers.

#include <actor/restart.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <supervision/exit.hpp>
#include <supervision/restart_window.hpp>
#include <vector>

namespace actor::supervision {

using actor::RestartClass;
using actor::RestartRules;

struct Decision {
  enum class Action : std::uint8_t { Restart, LeaveEnded, Quarantine };
  Action action = Action::LeaveEnded;
  std::chrono::nanoseconds delay{};  ///< for Restart
};

class RestartPolicy {
 public:
  /// Nanoseconds of any clock that never goes back.
  using Time = std::chrono::nanoseconds;

  /// All that it remembers: what a successor of the supervisor needs to go on.
  struct State {
    std::uint64_t random = 0;
    std::uint32_t consecutive = 0;    ///< restarts since the last long enough time of being Ready
    std::optional<Time> ready_since;  ///< unset: not Ready
    std::vector<Time> window;         ///< restarts that count against the budget, oldest first
    std::uint64_t restarts = 0;
    bool operator==(const State&) const = default;
  };

  RestartPolicy(const RestartRules& rules, std::uint64_t seed);

  /// The actor has ended by itself. A Restart counts against the budget from `now` on.
  Decision ended(const Exit& exit, Time now);
  /// Does its class want it back after this end? Changes nothing.
  bool wants_back(const Exit& exit) const;
  /// The delay before the next restart, which it counts as made.
  Time next_delay();
  /// The actor is Ready since `now`.
  void became_ready(Time now) { ready_since_ = now; }
  /// It has ended because it was told to.
  void left(Time now);
  /// Has it been Ready for so long that what was before is forgotten?
  bool is_proven(Time now) const { return ready_since_ && now - *ready_since_ >= rules_.reset_after; }
  /// An operator started it again: backoff and budget begin anew. Restarts by an operator are never counted.
  void forgive();
  /// Only the budget begins anew.
  void clear_budget() { window_.clear(); }

  /// Restarts that this policy has ordered, ever.
  std::uint64_t restarts() const { return restarts_; }

  State save() const { return {random_, consecutive_, ready_since_, window_.save(), restarts_}; }
  void load(const State& state);

 private:
  RestartRules rules_;
  std::uint64_t random_;
  std::uint32_t consecutive_ = 0;
  std::optional<Time> ready_since_;
  RestartWindow window_;
  std::uint64_t restarts_ = 0;
};

}  // namespace actor::supervision
