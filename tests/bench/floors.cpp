#include "floors.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "children.hpp"

namespace bench {
namespace {

struct alignas(64) Line {
  std::atomic<std::uint64_t> turn;
  char rest[56];
};

void ring(int fd) {
  const std::uint64_t one = 1;
  if (write(fd, &one, sizeof one) != sizeof one) throw std::system_error(errno, std::generic_category(), "eventfd");
}
void wait_for(int fd) {
  std::uint64_t count = 0;
  if (read(fd, &count, sizeof count) != sizeof count)
    throw std::system_error(errno, std::generic_category(), "eventfd");
}

/// What the pinging child leaves: its round trips after the warm-up, and both children's processor time.
struct Samples {
  explicit Samples(std::uint64_t round_trips)
      : warm_up(round_trips / 10),
        total(round_trips),
        nanoseconds(shared_object<std::int64_t>(round_trips)),
        cpu(shared_object<std::int64_t>(2)) {}

  Outcome outcome() const {
    Outcome outcome;
    const std::int64_t* first = nanoseconds.get() + warm_up;
    set_latency(outcome, {first, first + (total - warm_up)});
    outcome.cpu_s_per_million =
        static_cast<double>(cpu.get()[0] + cpu.get()[1]) * 1e-9 / static_cast<double>(2 * total) * 1e6;
    return outcome;
  }

  std::uint64_t warm_up;
  std::uint64_t total;
  std::shared_ptr<std::int64_t> nanoseconds;
  std::shared_ptr<std::int64_t> cpu;
};

/// `ping` sends number i and returns when its answer is there; `pong` waits for number i and answers.
template <class Ping, class Pong>
Outcome ping_pong(int ping_core, int pong_core, std::uint64_t round_trips, Ping ping, Pong pong) {
  const Samples samples(round_trips);
  Children children;
  children.start(pong_core, [&] {
    for (std::uint64_t i = 1; i <= round_trips; ++i) pong(i);
    samples.cpu.get()[0] = cpu_ns();
  });
  children.start(ping_core, [&] {
    for (std::uint64_t i = 1; i <= round_trips; ++i) {
      const std::int64_t start = monotonic_ns();
      ping(i);
      samples.nanoseconds.get()[i - 1] = monotonic_ns() - start;
    }
    samples.cpu.get()[1] = cpu_ns();
  });
  children.wait();
  return samples.outcome();
}

}  // namespace

Outcome cache_line_ping_pong(std::uint64_t round_trips) {
  const auto line = shared_object<Line>();
  auto& turn = line->turn;
  return ping_pong(
      cores().front(), cores().back(), round_trips,
      [&](std::uint64_t i) {
        turn.store(2 * i - 1, std::memory_order_release);
        while (turn.load(std::memory_order_acquire) != 2 * i) {
        }
      },
      [&](std::uint64_t i) {
        while (turn.load(std::memory_order_acquire) != 2 * i - 1) {
        }
        turn.store(2 * i, std::memory_order_release);
      });
}

Outcome eventfd_ping_pong(Mode mode, std::uint64_t round_trips) {
  const int there = eventfd(0, EFD_CLOEXEC);
  const int back = eventfd(0, EFD_CLOEXEC);
  const int ping_core = is_on_two_cores(mode) || mode == Mode::SleepOneCore ? cores().front() : -1;
  const int pong_core = is_on_two_cores(mode) ? cores().back() : ping_core;
  const Outcome outcome = ping_pong(
      ping_core, pong_core, round_trips,
      [&](std::uint64_t) {
        ring(there);
        wait_for(back);
      },
      [&](std::uint64_t) {
        wait_for(there);
        ring(back);
      });
  close(there);
  close(back);
  return outcome;
}

Outcome memory_floor(std::uint64_t size, Read read) {
  return read == Read::All ? memory_exchange(size) : memory_copy(size);
}

Outcome memory_copy(std::uint64_t size) {
  constexpr std::uint64_t bytes_in_all = 1u << 30;
  const std::vector<char> from(size, 1);
  std::vector<char> to(2 * size);
  std::vector<std::int64_t> times;
  for (std::uint64_t i = 0; i < bytes_in_all / size; ++i) {
    const std::int64_t start = monotonic_ns();
    std::memcpy(to.data() + i % 2 * size, from.data(), size);
    asm volatile("" : : "r"(to.data()) : "memory");
    times.push_back(monotonic_ns() - start);
  }
  Outcome outcome;
  outcome.p50_ns = static_cast<double>(percentile(times, 0.5));
  outcome.p99_ns = static_cast<double>(percentile(times, 0.99));
  outcome.per_s = 1e9 / outcome.p50_ns;
  return outcome;
}

Outcome memory_exchange(std::uint64_t size) {
  constexpr std::uint64_t bytes_in_all = 1u << 30;
  constexpr std::uint64_t buffers = 4;
  const std::uint64_t total = bytes_in_all / size;
  struct Cursors {
    Line written;
    Line read;
  };
  const auto cursors = shared_object<Cursors>();
  const auto memory = shared_object<char>(buffers * size);
  const auto elapsed = shared_object<std::int64_t>();
  Children children;
  children.start(cores().back(), [&] {
    std::int64_t start = 0;
    for (std::uint64_t i = 0; i < total; ++i) {
      while (cursors->written.turn.load(std::memory_order_acquire) == i) {
      }
      keep(sum_words(memory.get() + i % buffers * size, size));
      cursors->read.turn.store(i + 1, std::memory_order_release);
      if (i == total / 10) start = monotonic_ns();
    }
    *elapsed = monotonic_ns() - start;
  });
  children.start(cores().front(), [&] {
    const std::vector<char> from(size, 1);
    for (std::uint64_t i = 0; i < total; ++i) {
      while (i - cursors->read.turn.load(std::memory_order_acquire) == buffers) {
      }
      std::memcpy(memory.get() + i % buffers * size, from.data(), size);
      cursors->written.turn.store(i + 1, std::memory_order_release);
    }
  });
  children.wait();
  Outcome outcome;
  outcome.per_s = static_cast<double>(total - total / 10 - 1) * 1e9 / static_cast<double>(*elapsed);
  return outcome;
}

Distance distance_of(const Outcome& cache_line) {
  constexpr double near_ns = 100;
  constexpr double far_ns = 140;
  if (cache_line.p50_ns <= near_ns) return Distance::Near;
  return cache_line.p50_ns >= far_ns ? Distance::Far : Distance::Between;
}

Outcome probe() {
  constexpr std::uint64_t round_trips = 10'000;
  return cache_line_ping_pong(round_trips);
}

}  // namespace bench
