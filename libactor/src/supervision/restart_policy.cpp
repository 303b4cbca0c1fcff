#include <algorithm>
#include <supervision/restart_policy.hpp>

namespace actor::supervision {

Decision RestartPolicy::ended(const Exit& exit, Time now) {
  if (ready_since_ && now - *ready_since_ >= rules_.reset_after) consecutive_ = 0;
  ready_since_.reset();

  // What was refused once would be refused again, whatever its class.
  if (exit.kind == Exit::Kind::Incompatible) return {Decision::Action::LeaveEnded, {}};
  if (rules_.restart == RestartClass::Temporary) return {Decision::Action::LeaveEnded, {}};
  if (rules_.restart == RestartClass::Transient && !exit.abnormal()) return {Decision::Action::LeaveEnded, {}};

  while (!window_.empty() && now - window_.front() >= rules_.within) window_.pop_front();
  if (window_.size() >= rules_.restarts) return {Decision::Action::Quarantine, {}};
  window_.push_back(now);
  ++restarts_;
  return {Decision::Action::Restart, next_delay()};
}

void RestartPolicy::forgive() {
  consecutive_ = 0;
  ready_since_.reset();
  window_.clear();
}

std::chrono::nanoseconds RestartPolicy::next_delay() {
  if (consecutive_++ == 0) return std::chrono::nanoseconds::zero();
  auto delay = rules_.base;
  for (std::uint32_t n = 2; n < consecutive_ && delay < rules_.max; ++n) {
    if (delay > rules_.max / 2) {
      delay = rules_.max;
    } else {
      delay *= 2;
    }
  }
  delay = std::min(delay, rules_.max);
  const double part = 1.0 - rules_.jitter * std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  return std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(delay.count()) * part));
}

}  // namespace actor::supervision
