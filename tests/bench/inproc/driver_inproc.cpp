// The benchmark inside one process: actors under a Supervisor, through the whole public API, beside the same messages
// between threads with plain bounded queues. Each run is a child of its own, sides take turns because the machine
// drifts, and the table gives medians. It fails if an event is lost, doubled or out of order. `tests/bench/run
// --inproc` builds and starts it.

#include <functional>
#include <iostream>
#include <stdexcept>

#include "../children.hpp"
#include "../floors.hpp"
#include "../options.hpp"
#include "../priority.hpp"
#include "table.hpp"

namespace bench {
namespace {

struct Options {
  std::string json;
  std::string only;
  bool quick = false;
  std::vector<unsigned> workers = {1, 2};
};

struct Effort {
  std::size_t runs = 5;
  double run_s = 0.4;  // what a run should take; 0: as few events as possible
};

/// Whole numbers of acknowledgements, windows and tenths.
constexpr std::uint64_t granule = 1280;
constexpr std::uint64_t most_events = granule * 8192;
constexpr std::uint64_t most_timed = granule * 128;

struct Side {
  const char* peer;
  std::function<Result(const Exchange&)> run;
};
const Side both_sides[] = {{"libactor-inproc", run_actors}, {"mutex-queue", run_mutex_queues}};

std::string name_of(const Exchange& what) {
  return std::string(what.count_allocations ? "allocations" : "exchange") + "/" + std::to_string(what.workers) +
         "-worker" + (what.workers == 1 ? "/" : "s/") + what.shape.name;
}

void set_events(Exchange& what, double wanted) {
  const double granules = wanted / static_cast<double>(granule);
  what.events = granules < 1 ? granule : std::min(most_events, granule * static_cast<std::uint64_t>(granules));
  what.timed = what.shape.latency_unit ? std::min(most_timed, what.events) : 0;
}

/// In a process of its own: no run finds the memory or the threads that another has left.
Result run_once(const Exchange& what, const Side& side) {
  const auto result = shared_object<Result>();
  Children children;
  children.start(-1, [&] { *result = side.run(what); });
  try {
    children.wait();
  } catch (const std::exception& error) {
    throw std::runtime_error(name_of(what) + ", " + side.peer + ", " + std::to_string(what.total()) +
                             " events: " + error.what());
  }
  if (result->misplaced != 0 || result->sent != result->handled)
    throw std::runtime_error(name_of(what) + ", " + side.peer + ": sent " + std::to_string(result->sent) +
                             ", handled " + std::to_string(result->handled) + ", out of order " +
                             std::to_string(result->misplaced));
  return *result;
}

/// As many events as take about `run_s`: from a few on, because nobody knows how fast the machine is.
Exchange scaled(Exchange what, const Side& side, double run_s) {
  set_events(what, 0);
  for (const double share : {0.02, 0.2, 1.0}) {
    if (run_s == 0) break;
    const double per_s = run_once(what, side).per_s / what.shape.readers;
    set_events(what, per_s * run_s * share);
  }
  return what;
}

std::string state_now() {
  constexpr const char* names[] = {"near", "between", "far"};
  return names[static_cast<int>(distance_of(probe()))];
}

std::vector<Figure> measure(const Exchange& what, const Effort& effort) {
  std::vector<Exchange> scales;
  std::vector<Runs> sides;
  for (const Side& side : both_sides) {
    scales.push_back(scaled(what, side, effort.run_s));
    sides.push_back({side.peer, {}});
  }
  const bool has_state = what.workers > 1 && cores().size() > 1 && !what.count_allocations;
  std::string state = has_state ? state_now() : "";
  for (std::size_t run = 0; run < effort.runs; ++run) {
    for (std::size_t i = 0; i < sides.size(); ++i) {
      sides[i].results.push_back(run_once(scales[i], both_sides[i]));
      if (has_state && state_now() != state) state = "mixed";
    }
  }
  return figures_of(what, state, sides);
}

std::vector<Exchange> all_exchanges(const Options& options) {
  std::vector<Exchange> all;
  for (const unsigned workers : options.workers) {
    for (const Shape& shape : shapes) all.push_back({shape, workers, 0, 0, false});
    for (const Shape& shape : shapes) {
      const std::string_view name = shape.name;
      if (name == "window-128" || name == "fan-out-64") all.push_back({shape, workers, 0, 0, true});
    }
  }
  std::erase_if(all, [&](const Exchange& what) { return name_of(what).find(options.only) == std::string::npos; });
  if (all.empty()) throw std::runtime_error("no case has \"" + options.only + "\" in its name; see --help");
  return all;
}

void run(const Options& options) {
  const Effort effort = options.quick ? Effort{3, 0} : Effort{};
  const HighPriority priority;
  std::vector<Figure> figures;
  for (const Exchange& what : all_exchanges(options)) {
    for (const Figure& figure : measure(what, effort)) {
      print(figure, std::cout);
      figures.push_back(figure);
    }
  }
  if (!options.json.empty()) save(options.json, [&](std::ostream& out) { write_json(figures, out); });
  print_targets(figures, std::cout);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Options options;
  const Option workers{"--workers", "1|2|both", [&](const std::string& text) {
                         if (text == "1" || text == "2") options.workers = {static_cast<unsigned>(text.front() - '0')};
                         return text == "1" || text == "2" || text == "both";
                       }};
  std::string names = "NAME is a part of one of\n";
  for (const Exchange& what : all_exchanges({})) names += "  " + name_of(what) + "\n";
  return drive(argc, argv,
               {text_option("--json", "FILE", options.json), flag("--quick", options.quick),
                text_option("--only", "NAME", options.only), workers},
               names, [&] { run(options); });
}
