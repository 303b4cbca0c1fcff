#pragma once
// How long this actor's events take it, as counts in its status segment that the broker reads for `actorctl top`. Owned
// by the port, the actor's thread. What a turn of the actor took is shared out evenly among the events it handled.
//
// The hot path reads no clock: a turn is timed when the actor has just slept (two looks at the clock are nothing beside
// a wake-up), and else one in 16, which then counts 16 times.

#include <bit>
#include <cstdint>
#include <ctime>
#include <shm/layout.hpp>
#include <utility>

namespace actor::shm {

/// Half octaves from 32 ns to 69 s; what is shorter or longer is in the first or last.
constexpr std::size_t handling_bucket(std::uint64_t ns) {
  constexpr int first_octave = 5;
  if (ns < (1u << first_octave)) return 0;
  const int octave = static_cast<int>(std::bit_width(ns)) - 1;
  const auto upper_half = static_cast<int>(ns >> (octave - 1) & 1);
  const auto bucket = static_cast<std::size_t>((octave - first_octave) * 2 + upper_half);
  return bucket < handling_buckets ? bucket : handling_buckets - 1;
}
/// What is in the bucket took less than this.
constexpr std::uint64_t handling_limit_ns(std::size_t bucket) {
  const std::uint64_t octave = std::uint64_t{32} << (bucket / 2);
  return bucket % 2 == 0 ? octave + octave / 2 : octave * 2;
}

class HandlingTimes {
 public:
  explicit HandlingTimes(Status& status) : status_(status) {}

  /// The turn is over: another begins, or the actor is going to sleep.
  void end_turn() {
    if (started_ns_ != 0) [[unlikely]]
      note_turn();
  }
  void new_turn() {
    end_turn();
    weight_ = std::exchange(woke_, false) ? 1 : ++turns_ % turns_between == 0 ? turns_between : 0;
  }
  /// An event is about to be handed out. Returns the time if the clock had to be read for it, else 0.
  std::int64_t before_event() {
    if (weight_ == 0 || started_ns_ != 0) [[likely]]
      return 0;
    start();
    return started_ns_;
  }
  void woke() { woke_ = true; }

 private:
  static constexpr unsigned turns_between = 16;

  static std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  std::uint64_t handled() const { return status_.counters.handled.load(std::memory_order_relaxed); }
  void start() {
    started_ns_ = now_ns();
    handled_before_ = handled();
  }
  void note_turn() {
    const std::uint64_t events = handled() - handled_before_;
    // None: the only one waits for room to send, or failed.
    if (events != 0) {
      const auto ns = static_cast<std::uint64_t>(now_ns() - started_ns_) / events;
      Word& count = status_.handling.count[handling_bucket(ns)];
      count.store(count.load(std::memory_order_relaxed) + events * weight_, std::memory_order_relaxed);
    }
    started_ns_ = 0;
  }

  Status& status_;
  std::int64_t started_ns_ = 0;  // of the turn that is timed; 0: no event yet, or it is not timed
  std::uint64_t handled_before_ = 0;
  unsigned weight_ = 0;  // of the turn, if it is timed; else 0
  bool woke_ = true;     // since the last turn
  unsigned turns_ = 0;
};

}  // namespace actor::shm
