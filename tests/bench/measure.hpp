#pragma once
// What is measured: a case is one line of the table, an outcome what one run of one side gave. Plain values, made by
// the driver, read by every side; one process, one thread.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace bench {

enum class Kind { Latency, Throughput };

/// How the ends wait for each other.
enum class Mode {
  Spin,           ///< they poll, each on a core of its own
  Sleep,          ///< they sleep at once, and run where the kernel puts them
  SleepOneCore,   ///< they sleep at once, both on one core
  SleepTwoCores,  ///< they sleep at once, each on a core of its own
  Paced,          ///< they sleep at once, each on a core of its own, with one event per pace_ns
};
inline constexpr std::int64_t pace_ns = 300'000;

/// How much of a payload the reader looks at.
enum class Read { All, Head };

/// What an event is.
enum class Data {
  Bytes,   ///< a struct that travels as it lies in memory, of Case::size bytes
  Text,    ///< a number, a double and a string of 20 characters
  Floats,  ///< a number and a vector of 16384 floats
};
inline constexpr std::size_t text_length = 20;
inline constexpr std::size_t float_count = 16384;

struct Case {
  Kind kind;
  Mode mode;
  unsigned writers;
  unsigned readers;
  std::uint64_t size;
  Read read;
  std::uint64_t events;    // round trips, or events of each writer
  std::uint64_t capacity;  // of the topic, or of the queue
  Data data = Data::Bytes;

  /// Not measured: the first tenth.
  std::uint64_t warm_up() const { return events / 10; }
  std::string shape() const { return std::to_string(writers) + "-" + std::to_string(readers); }
};

/// Zero is what was not measured.
struct Outcome {
  double p50_ns = 0;  // one way: half a round trip
  double p99_ns = 0;
  double p999_ns = 0;
  double per_s = 0;              // deliveries
  double writer_ns = 0;          // the writer's processor time for one event
  double cpu_s_per_million = 0;  // of all ends together, for a million deliveries (round trips: two each)
};

inline bool is_on_two_cores(Mode mode) {
  return mode == Mode::Spin || mode == Mode::SleepTwoCores || mode == Mode::Paced;
}

inline const char* to_string(Kind kind) {
  return kind == Kind::Latency ? "latency" : "throughput";
}
inline const char* to_string(Mode mode) {
  constexpr const char* names[] = {"spin", "sleep", "sleep-1core", "sleep-2cores", "paced"};
  return names[static_cast<int>(mode)];
}
inline const char* to_string(Read read) {
  return read == Read::All ? "all" : "head";
}

inline const char* to_string(Data data) {
  constexpr const char* names[] = {"bytes", "text", "floats"};
  return names[static_cast<int>(data)];
}

/// BENCH/MODE/SHAPE/SIZE/READ, and what the event is unless it is bytes: cases are chosen by a part of it.
inline std::string name_of(const Case& what) {
  std::string name = std::string(to_string(what.kind)) + "/" + to_string(what.mode) + "/" + what.shape() + "/" +
                     std::to_string(what.size) + "/" + to_string(what.read);
  if (what.data != Data::Bytes) name += std::string("/") + to_string(what.data);
  return name;
}

inline std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline std::int64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}
inline std::int64_t cpu_ns() {
  return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

/// The value that `share` of all values do not exceed. REQUIRES: !values.empty().
template <class Number>
Number percentile(std::vector<Number> values, double share) {
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1) + 0.5);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}
template <class Number>
Number median(std::vector<Number> values) {
  return percentile(std::move(values), 0.5);
}

/// Round trips into one-way times. Of few, the slowest is no percentile.
inline void set_latency(Outcome& outcome, const std::vector<std::int64_t>& round_trips) {
  outcome.p50_ns = static_cast<double>(percentile(round_trips, 0.5)) / 2;
  outcome.p99_ns = static_cast<double>(percentile(round_trips, 0.99)) / 2;
  constexpr std::size_t enough = 1000;
  if (round_trips.size() >= enough) outcome.p999_ns = static_cast<double>(percentile(round_trips, 0.999)) / 2;
}

/// Reads every word. The sum is given to somebody who could look at it, else the compiler would read nothing.
inline std::uint64_t sum_words(const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < size / sizeof(std::uint64_t); ++i) {
    std::uint64_t word;  // a library may hand out a payload at any address
    std::memcpy(&word, at + i * sizeof word, sizeof word);
    sum += word;
  }
  return sum;
}
/// What payloads are made of.
inline std::vector<std::uint64_t> pattern_of(std::size_t words) {
  std::vector<std::uint64_t> pattern(words);
  for (std::size_t i = 0; i < words; ++i) pattern[i] = (i + 1) * 0x9e3779b97f4a7c15;
  return pattern;
}
inline void keep(std::uint64_t value) {
  asm volatile("" : : "r"(value) : "memory");
}

}  // namespace bench
