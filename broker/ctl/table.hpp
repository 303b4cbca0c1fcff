#pragma once
// Rows of text under headings, aligned: what `actorctl ps` prints. A value; any thread.

#include <string>
#include <vector>

namespace actor::ctl {

class Table {
 public:
  enum class Align { Left, Right };
  struct Column {
    std::string heading;
    Align align = Align::Left;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// REQUIRES: one cell for each column. An empty cell is shown as "-".
  void add_row(std::vector<std::string> cells);
  /// Columns are two spaces apart; no line ends in spaces. Widths count characters, not bytes.
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// How long something has been running, for people: "850ms", "12.5s", "3m05s", "2h07m", "4d03h".
std::string uptime_text(double seconds);

}  // namespace actor::ctl
