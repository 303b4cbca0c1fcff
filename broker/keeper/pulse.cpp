#include "keeper/pulse.hpp"

#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <new>

namespace actor::broker {

Pulse::Pulse(std::chrono::nanoseconds patience)
    : patience_(patience), timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (!timer_) throw_errno("cannot start the broker: making the brain's timer");
  void* memory = ::mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("cannot start the broker: mapping the brain's pulse");
  words_ = new (memory) Words{};
}

Pulse::~Pulse() {
  ::munmap(words_, sizeof(Words));
}

void Pulse::wind(std::chrono::nanoseconds time) const {
  constexpr std::int64_t second = 1'000'000'000;
  const itimerspec once{{}, {static_cast<time_t>(time.count() / second), static_cast<long>(time.count() % second)}};
  (void)::timerfd_settime(timer_.get(), 0, &once, nullptr);
}

/// Relaxed: the word is only ever compared with what it was a good while before.
void Pulse::beat() {
  const std::uint64_t turns = words_->turns.load(std::memory_order_relaxed);
  words_->turns.store((turns | 1) + ((turns & 1) << 1), std::memory_order_relaxed);
  if (patience_.count() != 0) wind(patience_);
}

void Pulse::rest() {
  const std::uint64_t turns = words_->turns.load(std::memory_order_relaxed);
  if ((turns & 1) != 0) words_->turns.store(turns + 1, std::memory_order_relaxed);
  if (patience_.count() != 0) wind({});
}

void Pulse::take() const {
  std::uint64_t times = 0;
  (void)!::read(timer_.get(), &times, sizeof times);
}

}  // namespace actor::broker
