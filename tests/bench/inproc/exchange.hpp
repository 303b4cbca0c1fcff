#pragma once
// The shapes that are measured inside one process, and what one run of one side gives. Plain values, made by the driver
// and read by both sides: actors under a Supervisor, and the yardstick.

#include <array>
#include <cstdint>

namespace bench {

/// A source sends to a chain of `stages`; the last of them is `readers` sinks. Each hop builds a new message.
struct Shape {
  const char* name;
  unsigned stages;
  unsigned readers;
  std::uint64_t window;             // events in flight at most; 0: the source is held by what waits for a reader
  std::uint64_t acknowledge_every;  // events; 0: never
  const char* bound;                // what holds the source, for the table
  const char* unit;                 // of per_s
  double target_per_s;              // the targets are absolute, and of one machine: see print_targets()
  const char* latency_unit;         // null: latency is not measured
  double target_p50_ns;
};

/// What may wait between two ends, of actors and of the yardstick alike.
constexpr std::uint64_t capacity_per_reader = 128;
constexpr unsigned most_stages = 8;

inline constexpr std::array<Shape, 6> shapes = {{
    {"ping-pong", 1, 1, 1, 1, "1 in flight", "round trips/s", 5e6, "ns a round trip", 0},
    {"window-128", 1, 1, 128, 32, "128 in flight, acknowledged every 32", "events/s", 12e6, nullptr, 0},
    {"fan-out-8", 1, 8, 0, 0, "what waits, 128 for each reader", "deliveries/s", 25e6, nullptr, 0},
    {"fan-out-64", 1, 64, 0, 0, "what waits, 128 for each reader", "deliveries/s", 30e6, nullptr, 0},
    {"pipeline-8", 8, 1, 128, 32, "128 in flight, acknowledged every 32", "events/s", 2e6, nullptr, 0},
    {"token-8", 8, 1, 1, 1, "1 in flight", "passes/s, and back", 0, "ns a pass", 600},
}};

/// One run.
struct Exchange {
  Shape shape{};
  unsigned workers = 1;      // threads that carry it
  std::uint64_t events = 0;  // for the rate
  std::uint64_t timed = 0;   // after those, each timed on its own
  bool count_allocations = false;

  std::uint64_t warm_up() const { return events / 10; }
  std::uint64_t total() const { return events + timed; }
  unsigned participants() const { return shape.stages + shape.readers; }
};

/// Zero is what was not measured.
struct Result {
  double per_s = 0;
  double p50_ns = 0;
  double allocations_per_event = 0;
  double cpu_s_per_million = 0;  // of all threads together, for a million of the unit
  std::uint64_t sent = 0;        // (event, reader) pairs of the whole run, counted by the senders
  std::uint64_t handled = 0;     // the same, counted by the readers
  std::uint64_t misplaced = 0;   // events that were not the next of their sender
};

/// Actors under a Supervisor, through the public API.
Result run_actors(const Exchange& what);
/// The same messages between as many threads, each with a bounded queue: std::mutex, std::condition_variable,
/// std::deque.
Result run_mutex_queues(const Exchange& what);

}  // namespace bench
