#pragma once
// How long an idle actor looks for events before it sleeps. Looking costs a core and saves a wake-up, so it has to pay:
// where events have come too late to be found so, where the core was taken away meanwhile, and where there is one core
// only, it sleeps at once. Owned by a Runner, one thread.

#include <actor/latency.hpp>
#include <chrono>

namespace actor {

class SpinBudget {
 public:
  using Clock = std::chrono::steady_clock;

  /// Looks for exactly so long, whether it pays or not.
  static SpinBudget fixed(std::chrono::nanoseconds limit) { return SpinBudget(limit, false); }
  /// Looks for as long as `latency` allows, and while that pays. On a single core it never does.
  static SpinBudget adaptive(Latency latency) { return adaptive(latency, usable_cores()); }
  static SpinBudget adaptive(Latency latency, unsigned cores);

  /// Another turn found nothing: look once more? Reads `now()`, which costs a few turns, seldom.
  template <class Now>
  bool goes_on(Now&& now) {
    if (limit_ == std::chrono::nanoseconds::zero()) return false;
    if (score_ < worth_it) {
      since_ = now();
      return false;
    }
    if (++turns_ % turns_between_clocks != 0) return true;
    return look(now());
  }
  /// A turn found something, after looks that found nothing.
  void found() {
    if (turns_ != 0) paid();
    turns_ = 0;
  }
  /// It slept and was woken.
  template <class Now>
  void woke(Now&& now) {
    turns_ = 0;
    if (adapts_ && limit_ != std::chrono::nanoseconds::zero()) judge(now() - since_);
  }
  bool spins() const { return limit_ != std::chrono::nanoseconds::zero() && score_ >= worth_it; }

 private:
  /// How many looks between two looks at the clock.
  static constexpr unsigned turns_between_clocks = 32;
  /// So long between two of them: another thread had the core, and needed it.
  static constexpr std::chrono::microseconds taken_away{100};
  /// What being woken takes, which is part of the time that a sleeper measures.
  static constexpr std::chrono::microseconds wake_up{60};
  static constexpr int most = 16;
  static constexpr int worth_it = 8;

  SpinBudget(std::chrono::nanoseconds limit, bool adapts) : limit_(limit), adapts_(adapts) {}
  static unsigned usable_cores();
  bool look(Clock::time_point now);
  void judge(std::chrono::nanoseconds idle);
  void paid() {
    if (score_ < most) ++score_;
  }

  std::chrono::nanoseconds limit_;
  bool adapts_;
  int score_ = most;  // how often an event came soon enough, of late; from `worth_it` on it looks
  unsigned turns_ = 0;
  Clock::time_point since_{};
  Clock::time_point last_look_{};
};

}  // namespace actor
