#pragma once
// Why an actor should run again: one word per actor, in which everybody who has something for it sets a bit, and which
// is all zero while the actor sleeps. Whoever sets the first bit of a sleeper wakes it; nobody else pays for that.
// Owned by whoever runs the actor and shared with its peers; raise() is for any thread, take() and park() for the
// actor's own.
//
// INVARIANT: no wake-up is lost. What a bit stands for is stored before raise(), and looked for after take() or after
// park() has failed; both are read-modify-write operations on the same word.

#include <atomic>
#include <cstdint>

namespace actor {

/// How a sleeping actor is woken: its scheduler queues it, or its own thread's doorbell is rung.
class Waker {
 public:
  virtual ~Waker() = default;
  /// Any thread; once for each time that the actor went to sleep.
  virtual void wake() noexcept = 0;
};

class Signal {
 public:
  using Bits = std::uint64_t;
  /// Bits 0 to lane_bits - 1 belong to the mailbox: which of its lanes have events.
  static constexpr unsigned lane_bits = 56;
  static constexpr Bits room = Bits{1} << 56;      ///< a reader has made room for what waits in the outbox
  static constexpr Bits injected = Bits{1} << 57;  ///< there is injected work
  static constexpr Bits time = Bits{1} << 58;      ///< a timer or a deadline is due
  static constexpr Bits ready = Bits{1} << 59;     ///< a watched descriptor is ready

  explicit Signal(Waker& waker) : waker_(waker) {}
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Says that there is something to do. Any thread.
  void raise(Bits bits) noexcept {
    if (word_.fetch_or(bits) == 0) waker_.wake();
  }
  /// Takes what has been raised since the last time. The actor is awake until park() succeeds.
  Bits take() noexcept { return word_.exchange(awake) & ~awake; }
  /// From true on the actor sleeps, and another thread may already be running it: touch nothing of it any more. False:
  /// something was raised, take() it.
  bool park() noexcept {
    Bits expected = awake;
    return word_.compare_exchange_strong(expected, 0);
  }
  /// For its own thread: is there anything to take()? A glance that may miss what is being raised; park() does not.
  bool is_raised() const noexcept { return word_.load(std::memory_order_relaxed) != awake; }
  bool is_parked() const noexcept { return word_.load() == 0; }

 private:
  static constexpr Bits awake = Bits{1} << 63;

  std::atomic<Bits> word_ = awake;  // a new actor is awake: whoever made it runs it first
  Waker& waker_;
};

}  // namespace actor
