#include "keeper/brain_watch.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>

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
  BrainWatch::Sight sight;
  sight.turns = pulse.turns();
  sight.is_busy = pulse.is_busy();
  std::ifstream file("/proc/" + std::to_string(brain) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  clockid_t clock{};
  timespec used{};
  if (name_end == std::string::npos || name_end + 2 >= line.size() || ::clock_getcpuclockid(brain, &clock) != 0 ||
      ::clock_gettime(clock, &used) != 0)
    return std::nullopt;
  sight.state = line[name_end + 2];
  sight.processor = std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  return sight;
}

}  // namespace actor::broker
