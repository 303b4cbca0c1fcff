#include <supervisor/faults.hpp>

namespace actor {

Disturbance FaultPlan::on_the_way(const Observation& event) {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Fault& rule = rules_[i];
    const bool crash = rule.kind() == Fault::Kind::Crash || rule.kind() == Fault::Kind::CrashAfter;
    if (crash || !rule.matches(event.topic, event.meta.sender.name(), event.receiver.name(), event.label())) continue;
    if (!strikes(i)) continue;
    switch (rule.kind()) {
      case Fault::Kind::Drop:
        return {Disturbance::Kind::Drop, {}};
      case Fault::Kind::Delay:
        return {Disturbance::Kind::Delay, rule.delay()};
      default:
        return {Disturbance::Kind::Duplicate, {}};
    }
  }
  return {};
}

std::vector<std::string> FaultPlan::actors() const {
  std::vector<std::string> names;
  for (const Fault& rule : rules_) {
    for (const std::string& name : {rule.sender(), rule.receiver()}) {
      if (!name.empty()) names.push_back(name);
    }
  }
  return names;
}

bool FaultPlan::has_crashes_for(ActorId actor) const {
  for (const Fault& rule : rules_) {
    const bool crash = rule.kind() == Fault::Kind::Crash || rule.kind() == Fault::Kind::CrashAfter;
    if (crash && rule.matches({}, {}, actor.name(), {})) return true;
  }
  return false;
}

bool FaultPlan::crashes_now(ActorId actor, bool after) {
  bool crashes = false;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Fault& rule = rules_[i];
    if (rule.kind() == (after ? Fault::Kind::CrashAfter : Fault::Kind::Crash) &&
        rule.matches({}, {}, actor.name(), {})) {
      crashes |= strikes(i);
    }
  }
  return crashes;
}

bool FaultPlan::strikes(std::size_t rule) {
  const std::uint64_t number = ++seen_[rule];
  if (rules_[rule].nth() != 0 && rules_[rule].nth() != number) return false;
  const double p = rules_[rule].probability();
  if (p >= 1.0) return true;
  // 53 random bits as a number below 1: the same on every machine.
  return static_cast<double>(random_() >> 11) * 0x1.0p-53 < p;
}

}  // namespace actor
