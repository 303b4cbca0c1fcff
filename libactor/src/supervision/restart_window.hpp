#pragma once
// A restart budget: so many restarts inside any window of such a length. One per actor and one per group; owned by
// them. Reads no clock; its state is a plain list of times.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <vector>

namespace actor::supervision {

class RestartWindow {
 public:
  using Time = std::chrono::nanoseconds;

  RestartWindow(std::uint32_t restarts, Time within) : restarts_(restarts), within_(within) {}

  /// Counts a restart at `now`. False, and not counted, when that would be one too many.
  bool charge(Time now) {
    const auto left = [&](Time then) { return now - then >= within_; };
    times_.erase(times_.begin(), std::find_if_not(times_.begin(), times_.end(), left));
    if (times_.size() >= restarts_) return false;
    times_.push_back(now);
    return true;
  }
  void clear() { times_.clear(); }

  const std::vector<Time>& save() const { return times_; }
  void load(std::vector<Time> times) { times_ = std::move(times); }

 private:
  std::uint32_t restarts_;
  Time within_;
  std::vector<Time> times_;  // oldest first
};

}  // namespace actor::supervision
