#pragma once
// Rows of text under headings, aligned: what `actorctl ps` prints. A value; any thread.

#include <string>
#include <vector>

#include "ctl/terminal.hpp"

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
  /// A cell of the last row. REQUIRES: there is one.
  void paint(std::size_t column, Colour colour);
  std::size_t row_count() const { return rows_.size(); }
  /// Columns are two spaces apart; no line ends in spaces. Where the width is limited, the widest texts are cut.
  std::string text(const Look& look = {}) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    std::vector<Colour> colours;
  };
  std::vector<std::size_t> widths(const Look& look) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

/// How long something has been running, for people: "850ms", "12.5s", "3m05s", "2h07m", "4d03h".
std::string uptime_text(double seconds);

}  // namespace actor::ctl
