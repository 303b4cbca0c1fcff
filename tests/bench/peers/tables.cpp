#include "tables.hpp"

#include <cstdio>
#include <functional>
#include <optional>
#include <ostream>

namespace bench {
namespace {

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

/// Three digits and a unit: "237 ns", "28.7 us", "15.9 M".
std::string number(double value, std::initializer_list<const char*> units) {
  for (const char* unit : units) {
    if (value < 999.5 || unit == units.end()[-1])
      return text(value < 9.995 ? "%.2f%s" : value < 99.95 ? "%.1f%s" : "%.0f%s", value, unit);
    value /= 1000;
  }
  return "";
}
std::string time_name(double ns) {
  return number(ns, {" ns", " µs", " ms"});
}
std::string rate_name(double per_s) {
  return number(per_s, {"", " k", " M"});
}

std::string group_of(const Case& what) {
  if (what.kind == Kind::Latency) {
    const char* how[] = {"both ends spinning, a core each", "sleeping", "both ends sleeping, on one core",
                         "both ends sleeping, a core each", "one event per 300 µs, a core each"};
    return std::string("One-way latency, ") + how[static_cast<int>(what.mode)] + ": p50 / p99 / p99.9";
  }
  return "Events handled per second, " + std::to_string(what.writers) + "→" + std::to_string(what.readers) +
         (what.mode == Mode::Spin ? ", spinning" : ", sleeping");
}

template <class Key>
std::vector<Key> distinct(const std::vector<Row>& rows, const std::function<Key(const Row&)>& key) {
  std::vector<Key> keys;
  for (const Row& row : rows) {
    if (std::find(keys.begin(), keys.end(), key(row)) == keys.end()) keys.push_back(key(row));
  }
  return keys;
}

std::string cell(const Row& row) {
  const Outcome& of = row.median;
  std::string value = row.what.kind == Kind::Latency
                          ? time_name(of.p50_ns) + " / " + time_name(of.p99_ns) + " / " + time_name(of.p999_ns)
                          : rate_name(of.per_s);
  if (row.ratio.median != 0)
    value += text(" (×%.2f, %.2f–%.2f)", row.ratio.median, row.ratio.lowest, row.ratio.highest);
  return row.state.empty() || row.state == "near" ? value : value + " " + row.state;
}

/// The row with most runs where a case was seen in several states of the machine.
const Row* best_row(const std::vector<Row>& rows, const std::function<bool(const Row&)>& wanted) {
  const Row* best = nullptr;
  for (const Row& row : rows) {
    if (wanted(row) && (!best || row.runs > best->runs)) best = &row;
  }
  return best;
}

void write_group(const std::vector<Row>& rows, std::ostream& out) {
  const auto columns = distinct<std::string>(rows, [](const Row& row) { return size_name(row.what); });
  const auto peers = distinct<std::string>(rows, [](const Row& row) { return row.peer; });
  out << "| |";
  for (const std::string& column : columns) out << ' ' << column << " |";
  out << " processor time, s per million |\n|---|";
  for (std::size_t i = 0; i <= columns.size(); ++i) out << "---|";
  out << '\n';
  for (const std::string& peer : peers) {
    out << "| " << peer << " |";
    std::string cpu;
    for (const std::string& column : columns) {
      const Row* row =
          best_row(rows, [&](const Row& one) { return one.peer == peer && size_name(one.what) == column; });
      out << ' ' << (row ? cell(*row) : "") << " |";
      if (row) cpu += (cpu.empty() ? "" : " · ") + text("%.3g", row->median.cpu_s_per_million);
    }
    out << ' ' << cpu << " |\n";
  }
}

}  // namespace

std::string size_name(const Case& what) {
  if (what.data != Data::Bytes) return to_string(what.data);
  if (what.size >= 1u << 20) return std::to_string(what.size >> 20) + " MiB";
  return what.size >= 1u << 10 ? std::to_string(what.size >> 10) + " KiB" : std::to_string(what.size) + " B";
}

void write_markdown(const std::vector<Row>& rows, const std::vector<std::string>& notes, std::ostream& out) {
  out << "# libactor beside what one would use instead\n\n"
         "Medians; in brackets the ratio to libactor-shm in the same round, its median and between what it was "
         "(latency: above 1 is\n"
         "slower; throughput: below 1 is slower). The state of the machine's cores is named where it is not *near*. "
         "The processor time\n"
         "is that of all ends and servers together, column by column.\n";
  for (const std::string& group : distinct<std::string>(rows, [](const Row& row) { return group_of(row.what); })) {
    std::vector<Row> of_group;
    for (const Row& row : rows) {
      if (group_of(row.what) == group) of_group.push_back(row);
    }
    out << "\n## " << group << "\n\n";
    write_group(of_group, out);
  }
  if (!notes.empty()) out << "\nLeft out:\n";
  for (const std::string& note : notes) out << "- " << note << '\n';
}

}  // namespace bench
