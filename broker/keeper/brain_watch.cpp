#include "keeper/brain_watch.hpp"

#include <algorithm>

#include "process_state.hpp"

namespace actor::broker {

void BrainWatch::suspect(const Sight& seen, Time now) {
  if (suspected_ || limit_.count() == 0) return;
  suspected_ = true;
  last_ = seen;
  looked_at_ = now;
  stuck_for_ = {};
}

std::optional<BrainWatch::Time> BrainWatch::next_look() const {
  return suspected_ ? std::optional(looked_at_ + interval()) : std::nullopt;
}

/// How much of the time since the last look speaks against it.
BrainWatch::Time BrainWatch::counted(const Sight& seen, Time elapsed) const {
  switch (seen.state) {
    case 'R':
      return std::min(elapsed, std::max(seen.processor - last_.processor, Time::zero()));
    case 'S':
    case 'T':
      return elapsed;
    default:  // traced, waiting for a disk, dead already
      return Time::zero();
  }
}

BrainWatch::Verdict BrainWatch::look(const Sight& seen, Time now) {
  const bool may_go_on = !seen.is_busy && seen.state != 'T';
  if (!suspected_ || seen.turns != last_.turns || may_go_on) {
    suspected_ = false;
    return Verdict::Innocent;
  }
  stuck_for_ += counted(seen, std::min(now - looked_at_, 2 * interval()));
  last_ = seen;
  looked_at_ = now;
  return stuck_for_ >= limit_ - patience(limit_) ? Verdict::Hangs : Verdict::Suspect;
}

std::optional<BrainWatch::Sight> see(const Pulse& pulse, pid_t brain) {
  const std::uint64_t turns = pulse.turns();
  const bool is_busy = pulse.is_busy();
  const auto state = process_state(brain);
  if (!state) return std::nullopt;
  return BrainWatch::Sight{turns, is_busy, state->letter, state->processor};
}

}  // namespace actor::broker
