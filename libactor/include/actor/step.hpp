#pragma once
// What an actor's step() asks for next. A value; any thread.

#include <chrono>
#include <iosfwd>
#include <string>

namespace actor {

/// Returned by Actor::step(): when it wants to be called again.
class StepAction {
 public:
  enum class Kind : unsigned char { Continue, Yield, AwaitEvent, Backoff, Never };

  /// Never().
  constexpr StepAction() = default;

  /// Call again at once (events that are waiting are handled in between).
  static constexpr StepAction Continue() { return StepAction(Kind::Continue); }
  /// Call again after the other actors of the thread, or of the machine, had a chance to run.
  static constexpr StepAction Yield() { return StepAction(Kind::Yield); }
  /// Call again after the next event was handled.
  static constexpr StepAction AwaitEvent() { return StepAction(Kind::AwaitEvent); }
  /// Call again when `delay` has passed. Events are handled meanwhile.
  static constexpr StepAction Backoff(std::chrono::nanoseconds delay) { return StepAction(Kind::Backoff, delay); }
  /// Do not call again.
  static constexpr StepAction Never() { return StepAction(Kind::Never); }

  constexpr Kind kind() const { return kind_; }
  constexpr std::chrono::nanoseconds delay() const { return delay_; }
  friend constexpr bool operator==(const StepAction&, const StepAction&) = default;

 private:
  constexpr explicit StepAction(Kind kind, std::chrono::nanoseconds delay = {}) : kind_(kind), delay_(delay) {}

  Kind kind_ = Kind::Never;
  std::chrono::nanoseconds delay_{0};
};

/// "Continue", "Yield", "AwaitEvent", "Backoff(250ms)", "Never".
std::string to_string(const StepAction& action);
std::ostream& operator<<(std::ostream& out, const StepAction& action);

}  // namespace actor
