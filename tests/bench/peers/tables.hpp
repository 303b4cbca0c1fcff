#pragma once
// The comparison for people: a document in Markdown, and plots of the same rows as SVG. Made by its driver.

#include <iosfwd>

#include "../report.hpp"

namespace bench {

/// For each exchange and way of waiting: a table of medians, with a line for each peer and a column for each size, one
/// of tails, and one of processor time. `notes`: who was left out, and why.
void write_markdown(const std::vector<Row>& rows, const std::vector<std::string>& notes, std::ostream& out);

/// Bars on a logarithmic scale, a panel for each way of waiting and size.
void write_latency_plot(const std::vector<Row>& rows, std::ostream& out);
void write_throughput_plot(const std::vector<Row>& rows, std::ostream& out);

/// Three digits and a unit: "237 ns", "28.7 µs", "15.9 M/s".
std::string time_name(double ns);
std::string rate_name(double per_s);

}  // namespace bench
