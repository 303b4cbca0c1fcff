#pragma once
// Decides what happens after an actor has ended: restarted at once or later, left ended, or quarantined. One per actor,
// owned by its supervisor, one thread. Reads no clock and draws no hidden randomness: times are passed in and the
// jitter is seeded, so the broker, the in-process supervisor and the tests get the same answers.

#include <actor/restart.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <supervision/exit.hpp>

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

  RestartPolicy(const RestartRules& rules, std::uint64_t seed) : rules_(rules), random_(seed) {}

  /// The actor has ended by itself. A Restart counts against the budget from `now` on.
  Decision ended(const Exit& exit, Time now);
  /// The actor is Ready since `now`.
  void became_ready(Time now) { ready_since_ = now; }
  /// An operator started it again: backoff and budget begin anew. Restarts by an operator are never counted.
  void forgive();

  /// Restarts that this policy has ordered, ever.
  std::uint64_t restarts() const { return restarts_; }

 private:
  std::chrono::nanoseconds next_delay();

  RestartRules rules_;
  std::mt19937_64 random_;
  std::uint32_t consecutive_ = 0;  // restarts since the last long enough time of being Ready
  std::optional<Time> ready_since_;
  std::deque<Time> window_;
  std::uint64_t restarts_ = 0;
};

}  // namespace actor::supervision
