#include "ctl/table.hpp"

#include <actor/error.hpp>
#include <algorithm>
#include <cstdio>

namespace actor::ctl {
namespace {

std::size_t width_of(const std::string& text) {
  // Every byte of UTF-8 but the continuing ones begins a character.
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

void Table::add_row(std::vector<std::string> cells) {
  ACTOR_ASSERT(cells.size() == columns_.size(), "a row has one cell for each column");
  for (std::string& cell : cells) {
    if (cell.empty()) cell = "-";
  }
  rows_.push_back(std::move(cells));
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  std::vector<std::string> headings;
  for (const Column& column : columns_) {
    headings.push_back(column.heading);
    widths.push_back(width_of(column.heading));
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  const auto append = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      const bool right = columns_[i].align == Align::Right;
      line.append(i == 0 ? "" : "  ").append(right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text.append(line).append("\n");
  };
  append(headings);
  for (const auto& row : rows_) append(row);
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
