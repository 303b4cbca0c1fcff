#pragma once
// The table of the benchmark inside one process: each figure of ours beside the yardstick's of the same run. Made and
// printed by the driver.

#include <iosfwd>
#include <string>
#include <vector>

#include "exchange.hpp"

namespace bench {

/// The runs of one side.
struct Runs {
  std::string peer;  // libactor-inproc, mutex-queue
  std::vector<Result> results;
};

/// One line: the median of one figure, with the lowest and the highest run.
struct Figure {
  const char* bench;  // throughput, latency, allocations
  const char* key;    // of the median in JSON: per_s, p50_ns, allocations_per_event
  const char* unit;
  Shape shape;
  unsigned workers;
  std::string peer;
  std::string state;  // of the cores, if there are two workers: near, between, far, or mixed
  std::size_t runs;
  double median;
  double low;
  double high;
  double cpu_s_per_million;
  std::uint64_t sent;  // of all runs
  std::uint64_t handled;
  bool less_is_better;
  double target;  // 0: none
  double ratio;   // to the yardstick's median; 0: it is the yardstick, or that is 0

  bool meets_target() const { return less_is_better ? median <= target : median >= target; }
};

/// The figures that these runs of an exchange give, side by side. The last side is the yardstick.
std::vector<Figure> figures_of(const Exchange& what, const std::string& state, const std::vector<Runs>& sides);

void write_json(const std::vector<Figure>& figures, std::ostream& out);
void print(const Figure& figure, std::ostream& out);
/// For each target the number of workers that suits it best: pass or MISS.
void print_targets(const std::vector<Figure>& figures, std::ostream& out);

}  // namespace bench
