#pragma once
// One turn of the brain: what it says to others is held back until the ledger holds the state in which it was said, and
// what it has heard is taken from the sockets only then. So a brain that is killed at any instruction has, for those
// outside, either not heard a message and not acted on it, or heard it and said all that follows: its successor says it
// again, and repeated messages are known by their numbers. Owned by the brain, one thread.

#include <functional>
#include <utility>
#include <vector>

namespace actor::broker {

class Turn {
 public:
  /// Runs when the state is safe, in the order of the calls.
  void when_safe(std::function<void()> work) { work_.push_back(std::move(work)); }

  /// There is more to do, though nothing may come from outside: the next turn begins at once.
  void again() { again_ = true; }
  /// Asked at the beginning of each turn.
  bool take_again() { return std::exchange(again_, false) || !work_.empty(); }
  /// The state is safe. What is said meanwhile waits for the next time.
  void finish() {
    for (const auto& work : std::exchange(work_, {})) work();
  }

 private:
  std::vector<std::function<void()>> work_;
  bool again_ = false;
};

}  // namespace actor::broker
