#pragma once
// Decides what happens after an actor has ended: restarted at once or later, left ended, or quarantined. One per actor,
// owned by its supervisor, one thread. Reads no clock and draws no hidden randomness: times are passed in and the
// jitter is seeded, so the broker, the in-process supervisor and the tests get the same answers.

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <supervision/exit.hpp>

namespace actor::supervision {

enum class RestartClass : std::uint8_t {
  Permanent,  ///< always restarted
  Transient,  ///< only after an abnormal end
  Temporary,  ///< never
};

struct RestartRules {
  RestartClass restart = RestartClass::Permanent;
  // Backoff: the first restart at once, the n-th after it min(max, base * 2^(n-1)).
  std::chrono::nanoseconds base = std::chrono::milliseconds(10);
  std::chrono::nanoseconds max = std::chrono::seconds(5);
  std::chrono::nanoseconds reset_after = std::chrono::seconds(10);  ///< of being Ready; then the next one is "first"
  double jitter =
      0.2;  ///< a delay is shortened by up to this part, so that actors that died together do not come back together
  // Budget: one restart more than `restarts` inside any window of `within` quarantines.
  std::uint32_t restarts = 5;
  std::chrono::nanoseconds within = std::chrono::seconds(10);
};

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
