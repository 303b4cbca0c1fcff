#include "rounds.hpp"

#include <algorithm>
#include <map>

#include "floors.hpp"

namespace bench {
namespace {

constexpr const char* moved = "moved";

Run run_once(Mode mode, const Side& side) {
  if (mode != Mode::Spin) return {side.run(), ""};
  const Distance before = distance_of(probe());
  Outcome outcome = side.run();
  const Distance after = distance_of(probe());
  constexpr const char* names[] = {"near", "between", "far"};
  return {outcome, before == after ? names[static_cast<int>(before)] : moved};
}

std::map<std::string, std::vector<Outcome>> by_state(const Side& side) {
  std::map<std::string, std::vector<Outcome>> states;
  for (const Run& run : side.runs) {
    if (run.state != moved) states[run.state].push_back(run.outcome);
  }
  return states;
}

bool is_done(const Side& side, const Effort& effort) {
  std::size_t most = 0;
  for (const auto& [state, outcomes] : by_state(side)) most = std::max(most, outcomes.size());
  if (monotonic_ns() > effort.until_ns && side.runs.size() >= effort.fewest_runs) return true;
  return most >= effort.runs || (side.spent_ns > effort.retry_until_ns && side.runs.size() >= effort.runs);
}

}  // namespace

void measure(Mode mode, std::vector<Side>& sides, const Effort& effort) {
  for (std::size_t attempt = 0; attempt < effort.attempts; ++attempt) {
    for (Side& side : sides) {
      if (is_done(side, effort)) continue;
      const std::int64_t start = monotonic_ns();
      side.runs.push_back(run_once(mode, side));
      side.spent_ns += monotonic_ns() - start;
    }
  }
}

std::vector<Row> rows_of(const Case& what, const Side& side, const Effort& effort) {
  std::vector<Row> rows;
  for (const auto& [state, outcomes] : by_state(side)) {
    if (outcomes.size() >= effort.fewest_runs)
      rows.push_back({what, side.peer, state, outcomes.size(), median_of(outcomes)});
  }
  if (!rows.empty() || side.runs.empty()) return rows;
  std::vector<Outcome> all;
  for (const Run& run : side.runs) all.push_back(run.outcome);
  return {{what, side.peer, "mixed", all.size(), median_of(all)}};
}

Ratio ratio_of(const Side& side, const Side& base, double Outcome::*value) {
  std::map<std::string, std::vector<double>> states;
  std::vector<double> all;
  for (std::size_t i = 0; i < std::min(side.runs.size(), base.runs.size()); ++i) {
    const double theirs = side.runs[i].outcome.*value;
    const double ours = base.runs[i].outcome.*value;
    if (theirs == 0 || ours == 0) continue;
    all.push_back(theirs / ours);
    if (side.runs[i].state == base.runs[i].state && side.runs[i].state != moved)
      states[side.runs[i].state].push_back(theirs / ours);
  }
  for (const auto& [state, ratios] : states) {
    if (2 * ratios.size() > all.size())
      return {median(ratios), *std::min_element(ratios.begin(), ratios.end()),
              *std::max_element(ratios.begin(), ratios.end())};
  }
  if (all.empty()) return {};
  return {median(all), *std::min_element(all.begin(), all.end()), *std::max_element(all.begin(), all.end())};
}

}  // namespace bench
