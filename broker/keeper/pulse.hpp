#pragma once
// The brain's pulse: what it says of its own turns, so that the keeper notices one that hangs. A word that counts turns
// and a timer of the kernel's, both shared: the brain winds the timer up when a turn begins and stops it before it
// sleeps. So the keeper is woken by a turn that does not end, and by nothing else: an idle runtime has no timer that
// runs. Made by main before the keeper starts its first brain; each side calls its own functions, on its one thread.

#include <atomic>
#include <chrono>
#include <control/fd.hpp>
#include <cstdint>

namespace actor::broker {

class Pulse {
 public:
  /// `patience`: how long a turn may take before the keeper looks. Zero: for ever. Throws Error(Io).
  explicit Pulse(std::chrono::nanoseconds patience);
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  // The brain's
  /// A turn begins, and the one before it has ended.
  void beat();
  /// Nothing is to be done: it is about to sleep.
  void rest();

  // The keeper's
  /// Readable when a turn takes too long.
  int fd() const { return timer_.get(); }
  /// That was seen.
  void take() const;
  bool is_busy() const { return (words().turns.load(std::memory_order_relaxed) & 1) != 0; }
  /// Changes with each turn that begins or ends.
  std::uint64_t turns() const { return words().turns.load(std::memory_order_relaxed); }

 private:
  struct Words {
    std::atomic<std::uint64_t> turns;  // odd: in a turn
  };
  Words& words() const { return *words_; }
  void wind(std::chrono::nanoseconds time) const;

  std::chrono::nanoseconds patience_;
  Words* words_ = nullptr;
  Fd timer_;
};

}  // namespace actor::broker
