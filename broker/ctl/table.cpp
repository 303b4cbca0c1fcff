#include "ctl/table.hpp"

#include <actor/error.hpp>
#include <algorithm>
#include <cstdio>
#include <numeric>

namespace actor::ctl {
namespace {

/// No column is cut to less.
constexpr std::size_t least_width = 6;

}  // namespace

void Table::add_row(std::vector<std::string> cells) {
  ACTOR_ASSERT(cells.size() == columns_.size(), "a row has one cell for each column");
  for (std::string& cell : cells) {
    if (cell.empty()) cell = "-";
  }
  rows_.push_back({std::move(cells), std::vector<Colour>(columns_.size(), Colour::None)});
}

void Table::paint(std::size_t column, Colour colour) {
  rows_.back().colours.at(column) = colour;
}

std::vector<std::size_t> Table::widths(const Look& look) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = width_of(columns_[i].heading);
    for (const Row& row : rows_) width = std::max(width, width_of(row.cells[i]));
    widths.push_back(width);
  }
  if (look.width == 0 || columns_.empty()) return widths;
  std::size_t needed = std::accumulate(widths.begin(), widths.end(), 2 * (columns_.size() - 1));
  // A cut number would be another number: only texts are cut.
  for (; needed > look.width; --needed) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].align == Align::Right || widths[i] <= least_width) continue;
      if (widest == columns_.size() || widths[i] > widths[widest]) widest = i;
    }
    if (widest == columns_.size()) break;
    --widths[widest];
  }
  return widths;
}

std::string Table::text(const Look& look) const {
  const std::vector<std::size_t> width = widths(look);
  std::string text;
  const auto append = [&](const auto& cell_of, const auto& colour_of) {
    std::string line;
    std::size_t spaces = 0;  // owed before the next visible character
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string cell = cut_to(cell_of(i), width[i]);
      const std::size_t padding = width[i] - width_of(cell);
      const bool right = columns_[i].align == Align::Right;
      line.append((i == 0 ? 0 : 2) + spaces + (right ? padding : 0), ' ');
      line.append(painted(cell, colour_of(i), look));
      spaces = right ? 0 : padding;
    }
    text.append(line).append("\n");
  };
  append([&](std::size_t i) { return columns_[i].heading; }, [](std::size_t) { return Colour::Bold; });
  for (const Row& row : rows_)
    append([&](std::size_t i) { return row.cells[i]; }, [&](std::size_t i) { return row.colours[i]; });
  return text;
}

std::string uptime_text(double seconds) {
  char text[64];
  const auto whole = static_cast<long long>(seconds);
  if (seconds < 0) return {};
  if (seconds < 1) {
    std::snprintf(text, sizeof text, "%dms", static_cast<int>(seconds * 1000));
  } else if (whole < 60) {
    std::snprintf(text, sizeof text, "%.1fs", static_cast<double>(static_cast<long long>(seconds * 10)) / 10);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  } else if (whole < 86400) {
    std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  } else {
    std::snprintf(text, sizeof text, "%lldd%02lldh", whole / 86400, whole / 3600 % 24);
  }
  return text;
}

}  // namespace actor::ctl
