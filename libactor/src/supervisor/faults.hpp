#pragma once
// Which of a simulation's fault rules strike, when: keeps the counts behind "the n-th". Owned by the supervisor; one
// thread.

#include <actor/fault.hpp>
#include <actor/monitor.hpp>
#include <map>
#include <random>
#include <string>
#include <supervisor/hub.hpp>
#include <vector>

namespace actor {

class FaultPlan {
 public:
  FaultPlan(Faults rules, std::mt19937_64& random) : rules_(std::move(rules)), seen_(rules_.size()), random_(random) {}

  /// What happens to this copy of an event on its way; the first rule that strikes decides.
  Disturbance on_the_way(const Observation& event);
  /// The names of actors in the rules.
  std::vector<std::string> actors() const;
  bool has_crashes_for(ActorId actor) const;
  /// Called before and after each event that `actor` is given.
  bool crashes_now(ActorId actor, bool after);

 private:
  bool strikes(std::size_t rule);

  const Faults rules_;
  std::vector<std::uint64_t> seen_;
  std::mt19937_64& random_;
};

}  // namespace actor
