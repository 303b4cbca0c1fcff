#pragma once
// When an actor that has ended comes back: the same rules for processes under a broker and for objects under a
// supervisor. Values: any thread.

#include <chrono>
#include <cstdint>

namespace actor {

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

}  // namespace actor
