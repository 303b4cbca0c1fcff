// The benchmark: libactor between processes, beside the machine's floors and Boost's message_queue, all in one run.
// Every side of a case is run in turn, round after round, because the machine drifts; the table gives medians.
// `tests/bench/run` builds and starts it.

#include <iostream>
#include <stdexcept>

#include "broker_run.hpp"
#include "children.hpp"
#include "floors.hpp"
#include "options.hpp"
#include "peers/boost_mq.hpp"
#include "priority.hpp"
#include "rounds.hpp"

namespace bench {
namespace {

struct Options {
  std::string json;
  std::string only;
  bool quick = false;
};

std::uint64_t events_of(Kind kind, Mode mode, std::uint64_t size) {
  const bool spin = mode == Mode::Spin;
  if (kind == Kind::Latency) {
    if (size <= 1u << 10) return spin ? 100'000 : 10'000;
    return size <= 64u << 10 ? (spin ? 20'000 : 5'000) : 1'000;
  }
  if (size <= 64) return 2'000'000;
  if (size <= 1u << 10) return 500'000;
  return size <= 64u << 10 ? 20'000 : 2'000;
}

/// What may wait between a writer and a reader: about as many bytes for each size, but never fewer than 4 events.
std::uint64_t capacity_of(std::uint64_t size) {
  return std::max<std::uint64_t>(4, std::min<std::uint64_t>(1024, (512u << 10) / size));
}

/// So that there is a tenth to leave out.
constexpr std::uint64_t fewest_events = 20;

std::vector<Case> all_cases(std::uint64_t divisor) {
  std::vector<Case> cases;
  const auto add = [&](Kind kind, Mode mode, unsigned writers, unsigned readers, std::uint64_t size, Read read) {
    const std::uint64_t events = events_of(kind, mode, size) / divisor / writers;
    cases.push_back({kind, mode, writers, readers, size, read, std::max(fewest_events, events), capacity_of(size)});
  };
  constexpr std::uint64_t sizes[] = {64, 1u << 10, 64u << 10, 1u << 20};
  for (const Mode mode : {Mode::Spin, Mode::Sleep, Mode::SleepOneCore}) {
    if (mode == Mode::Spin && cores().size() < 2) continue;
    for (const std::uint64_t size : sizes) add(Kind::Latency, mode, 1, 1, size, Read::All);
  }
  for (const Mode mode : {Mode::Spin, Mode::Sleep}) {
    if (mode == Mode::Spin && cores().size() < 2) continue;
    for (const std::uint64_t size : sizes) {
      add(Kind::Throughput, mode, 1, 1, size, Read::All);
      if (size >= 64u << 10) add(Kind::Throughput, mode, 1, 1, size, Read::Head);
    }
  }
  for (const std::uint64_t size : sizes) {
    add(Kind::Throughput, Mode::Sleep, 1, 4, size, Read::All);
    if (size >= 64u << 10) add(Kind::Throughput, Mode::Sleep, 1, 4, size, Read::Head);
    add(Kind::Throughput, Mode::Sleep, 4, 1, size, Read::All);
  }
  return cases;
}

std::vector<Side> sides_of(const Case& what) {
  std::vector<Side> sides;
  sides.push_back({"libactor-shm", [=] { return run_through_broker(what); }});
  sides.push_back({"boost-mq", [=] { return run_over(open_boost_queue, what); }});
  if (what.kind == Kind::Latency && what.size == 64) {
    sides.push_back({"floor", [=] {
                       return what.mode == Mode::Spin ? cache_line_ping_pong(what.events)
                                                      : eventfd_ping_pong(what.mode, what.events);
                     }});
  }
  if (what.kind == Kind::Throughput && what.mode == Mode::Spin && what.size >= 64u << 10)
    sides.push_back({"floor", [=] { return memory_floor(what.size, what.read); }});
  return sides;
}

void run(const Options& options) {
  Effort effort;
  if (options.quick) effort = {1, 1, 2, 1'000'000'000};
  const HighPriority priority;
  if (cores().size() < 2) std::cout << "one core only: the spinning cases are left out\n";
  std::vector<Row> rows;
  for (const Case& what : all_cases(options.quick ? 100 : 1)) {
    if (name_of(what).find(options.only) == std::string::npos) continue;
    std::vector<Side> sides = sides_of(what);
    measure(what.mode, sides, effort);
    for (const Side& side : sides) {
      for (Row& row : rows_of(what, side, effort)) {
        print(row, std::cout);
        rows.push_back(std::move(row));
      }
    }
  }
  if (rows.empty()) throw std::runtime_error("no case has \"" + options.only + "\" in its name; see --help");
  if (!options.json.empty()) save(options.json, [&](std::ostream& out) { write_json(rows, out); });
  print_targets(rows, std::cout);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Options options;
  return drive(argc, argv,
               {text_option("--json", "FILE", options.json), flag("--quick", options.quick),
                text_option("--only", "NAME", options.only)},
               "NAME is a part of BENCH/MODE/SHAPE/SIZE/READ, such as latency/spin or throughput/sleep/1-4/64/all\n",
               [&] { run(options); });
}
