#include <algorithm>
#include <supervision/restart_policy.hpp>

namespace actor::supervision {
namespace {

/// splitmix64 (Steele, Lea, Flood 2014): eight bytes of state are all there is to hand on.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

double next_fraction(std::uint64_t& state) {
  return static_cast<double>(next_random(state) >> 11) * 0x1.0p-53;
}

}  // namespace

RestartPolicy::RestartPolicy(const RestartRules& rules, std::uint64_t seed)
    : rules_(rules), random_(seed), window_(rules.restarts, rules.within) {}

bool RestartPolicy::wants_back(const Exit& exit) const {
  // What was refused once would be refused again, whatever its class.
  if (exit.kind == Exit::Kind::Incompatible) return false;
  if (rules_.restart == RestartClass::Temporary) return false;
  return rules_.restart == RestartClass::Permanent || exit.abnormal();
}

Decision RestartPolicy::ended(const Exit& exit, Time now) {
  left(now);
  if (!wants_back(exit)) return {Decision::Action::LeaveEnded, {}};
  if (!window_.charge(now)) return {Decision::Action::Quarantine, {}};
  return {Decision::Action::Restart, next_delay()};
}

void RestartPolicy::left(Time now) {
  if (is_proven(now)) consecutive_ = 0;
  ready_since_.reset();
}

void RestartPolicy::forgive() {
  consecutive_ = 0;
  window_.clear();
}

RestartPolicy::Time RestartPolicy::next_delay() {
  ++restarts_;
  if (consecutive_++ == 0) return Time::zero();
  auto delay = rules_.base;
  for (std::uint32_t n = 2; n < consecutive_ && delay < rules_.max; ++n) {
    if (delay > rules_.max / 2) {
      delay = rules_.max;
    } else {
      delay *= 2;
    }
  }
  delay = std::min(delay, rules_.max);
  const double part = 1.0 - rules_.jitter * next_fraction(random_);
  return Time(static_cast<std::int64_t>(static_cast<double>(delay.count()) * part));
}

void RestartPolicy::load(const State& state) {
  random_ = state.random;
  consecutive_ = state.consecutive;
  ready_since_ = state.ready_since;
  window_.load(state.window);
  restarts_ = state.restarts;
}

}  // namespace actor::supervision
