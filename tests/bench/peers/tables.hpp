#pragma once
// The comparison for people: a document in Markdown, and plots of the same rows as SVG. Made by its driver.

#include <iosfwd>

#include "../report.hpp"

namespace bench {

/// One table for each exchange and way of waiting: a line for each peer, a column for each size. `notes`: who was left
/// out, and why.
void write_markdown(const std::vector<Row>& rows, const std::vector<std::string>& notes, std::ostream& out);

/// Bars on a logarithmic scale, a panel for each way of waiting (latency) or each size (throughput).
void write_latency_plot(const std::vector<Row>& rows, std::ostream& out);
void write_throughput_plot(const std::vector<Row>& rows, std::ostream& out);

/// "64 B", "1 KiB", "1 MiB", "text", "floats".
std::string size_name(const Case& what);

}  // namespace bench
