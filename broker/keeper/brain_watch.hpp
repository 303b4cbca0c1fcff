#pragma once
// Is the brain hung? The keeper asks when a turn of it takes too long (pulse.hpp), or when it was stopped by a signal,
// and then looks at it a few times. Pure but for see(): it is told what is seen, and the time. The keeper's, one
// thread.
//
// A brain hangs when it gets what it needs to go on, and does not: its processor time counts while it runs, time itself
// while it sleeps inside a turn or is stopped. Neither counts while it is traced, or waits for a disk. And time counts
// only as far as the keeper looked: one that was late itself, or was stopped with everything else, takes none of it for
// the brain's. So a live brain is not lost however busy the machine is.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "keeper/pulse.hpp"

namespace actor::broker {

class BrainWatch {
 public:
  using Time = std::chrono::nanoseconds;  // of the monotonic clock

  struct Sight {
    std::uint64_t turns = 0;  // as Pulse::turns()
    bool is_busy = false;     // inside a turn
    char state = 'S';         // as in /proc/PID/stat
    Time processor{};         // that it has used
  };
  enum class Verdict : std::uint8_t { Innocent, Suspect, Hangs };

  /// `limit`: without progress, from the beginning of the turn; a third of it is the pulse's patience.
  explicit BrainWatch(Time limit) : limit_(limit) {}
  static Time patience(Time limit) { return limit / 3; }

  /// From now on it is looked at. No effect while it is already, or without a limit.
  void suspect(const Sight& seen, Time now);
  Verdict look(const Sight& seen, Time now);
  /// Another brain begins.
  void forget() { suspected_ = false; }
  /// When look() is to be called; nothing: not at all.
  std::optional<Time> next_look() const;
  Time limit() const { return limit_; }

 private:
  Time interval() const { return limit_ / 12; }
  Time counted(const Sight& seen, Time elapsed) const;

  Time limit_;
  bool suspected_ = false;
  Sight last_;
  Time looked_at_{};
  Time stuck_for_{};
};

/// What can be seen of it now; nothing when it is no more.
std::optional<BrainWatch::Sight> see(const Pulse& pulse, pid_t brain);

}  // namespace actor::broker
