#pragma once
// Sides of one case, run in turns, round after round, because the machine drifts. Spinning is measured between two
// probes of the cores' distance: two virtual cores may be neighbours now and far apart a second later. Used by the
// drivers.

#include <functional>

#include "report.hpp"

namespace bench {

/// How much to do. A state of the machine is reported from `fewest_runs` on.
struct Effort {
  std::size_t runs = 5;
  std::size_t fewest_runs = 3;
  std::size_t attempts = 15;
  std::int64_t retry_until_ns = 15'000'000'000;  // of one side, together; then it makes do with the runs it has
  std::int64_t until_ns = INT64_MAX;             // on the monotonic clock; then `fewest_runs` will do
};

/// `state`: near, between or far; "" where it does not matter; "moved" when it changed while the run was made.
struct Run {
  Outcome outcome;
  std::string state;
};

struct Side {
  std::string peer;
  std::function<Outcome()> run;
  std::vector<Run> runs = {};
  std::int64_t spent_ns = 0;
};

void measure(Mode mode, std::vector<Side>& sides, const Effort& effort);

/// One row for each state that was seen often enough; else one of all runs, "mixed".
std::vector<Row> rows_of(const Case& what, const Side& side, const Effort& effort);

/// `value` of `side` over that of `base`, run by run; in the state that both were in most often, if there was one.
Ratio ratio_of(const Side& side, const Side& base, double Outcome::*value);

}  // namespace bench
