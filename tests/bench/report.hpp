#pragma once
// The table: rows of medians, as JSON and for people, and the targets as ratios of rows. Made and read by the driver.

#include <iosfwd>

#include "measure.hpp"

namespace bench {

/// In the case of the small struct with a string: libactor-shm with a plain struct in its place.
inline constexpr const char* plain_struct = "libactor-shm-plain";

/// A value over that of libactor-shm in the same run: the median of the runs, and between what it was. 0: not compared.
struct Ratio {
  double median = 0;
  double lowest = 0;
  double highest = 0;
};

struct Row {
  Case what;
  std::string peer;   // libactor-shm, boost-mq, floor
  std::string state;  // near, between, far, or mixed: never twice the same; empty where it does not matter
  std::size_t runs;
  Outcome median;
  Ratio ratio = {};
};

Outcome median_of(const std::vector<Outcome>& outcomes);

void write_json(const std::vector<Row>& rows, std::ostream& out);
void print(const Row& row, std::ostream& out);
/// One line for each target that these rows can answer: met or missed, by which ratio.
void print_targets(const std::vector<Row>& rows, std::ostream& out);
/// Those of the comparison: beside the peers, and what encoding may cost.
void print_comparison_targets(const std::vector<Row>& rows, std::ostream& out);

}  // namespace bench
