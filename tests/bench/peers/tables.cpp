#include "tables.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <ostream>
#include <set>

namespace bench {
namespace {

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

/// "0.0064", "1.42", "31.5", "237".
std::string three_digits(double value) {
  return text(value < 0.0995 ? "%.2g" : value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
}

std::string number(double value, std::initializer_list<const char*> units) {
  for (const char* unit : units) {
    if (value < 999.5 || unit == units.end()[-1]) return three_digits(value) + unit;
    value /= 1000;
  }
  return "";
}

std::string size_name(const Case& what) {
  if (what.data == Data::Text) return "string of 20";
  if (what.data == Data::Floats) return "vector of 16 384 floats";
  if (what.size >= 1u << 20) return std::to_string(what.size >> 20) + " MiB";
  return what.size >= 1u << 10 ? std::to_string(what.size >> 10) + " KiB" : std::to_string(what.size) + " B";
}

std::string group_of(const Case& what) {
  if (what.kind == Kind::Latency) {
    const char* how[] = {"both ends spin, a core each", "they sleep", "they sleep, both ends on one core",
                         "they sleep, a core each", "they sleep, a core each, one event per 300 µs"};
    return std::string("One-way latency: ") + how[static_cast<int>(what.mode)];
  }
  return "Events handled per second, " + std::to_string(what.writers) + " → " + std::to_string(what.readers) +
         (what.mode == Mode::Spin ? ": both ends spin" : ": they sleep");
}

std::vector<std::string> distinct(const std::vector<const Row*>& rows,
                                  const std::function<std::string(const Row&)>& key) {
  std::vector<std::string> keys;
  for (const Row* row : rows) {
    if (std::find(keys.begin(), keys.end(), key(*row)) == keys.end()) keys.push_back(key(*row));
  }
  return keys;
}

/// Of each peer in each case the row with most runs, where the machine was seen in several states.
std::vector<const Row*> best_rows(const std::vector<Row>& rows) {
  std::vector<const Row*> best;
  for (const Row& row : rows) {
    const auto known = std::find_if(best.begin(), best.end(), [&](const Row* one) {
      return one->peer == row.peer && name_of(one->what) == name_of(row.what);
    });
    if (known == best.end())
      best.push_back(&row);
    else if ((*known)->runs < row.runs)
      *known = &row;
  }
  return best;
}

using Cell = std::function<std::string(const Row&)>;

/// A line for each peer, a column for each size.
void write_table(const char* title, const std::vector<const Row*>& rows, const Cell& cell, std::ostream& out) {
  const auto columns = distinct(rows, [](const Row& row) { return size_name(row.what); });
  out << "\n| " << title << " |";
  for (const std::string& column : columns) out << ' ' << column << " |";
  out << "\n|---|";
  for (std::size_t i = 0; i < columns.size(); ++i) out << "---|";
  out << '\n';
  for (const std::string& peer : distinct(rows, [](const Row& row) { return row.peer; })) {
    out << "| " << peer << " |";
    for (const std::string& column : columns) {
      const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row* one) {
        return one->peer == peer && size_name(one->what) == column;
      });
      out << ' ' << (row == rows.end() ? "—" : cell(**row)) << " |";
    }
    out << '\n';
  }
}

std::string ratio_name(const Ratio& ratio) {
  if (ratio.median == 0) return "";
  const std::string median = " ×" + three_digits(ratio.median);
  if (ratio.lowest == ratio.highest) return median;
  return median + " (" + three_digits(ratio.lowest) + "–" + three_digits(ratio.highest) + ")";
}

std::string time_or_dash(double ns) {
  return ns == 0 ? "—" : time_name(ns);
}

void write_group(const std::vector<const Row*>& rows, std::ostream& out) {
  const bool is_latency = rows.front()->what.kind == Kind::Latency;
  const auto states = distinct(rows, [](const Row& row) { return row.state; });
  if (states.size() == 1 && !states.front().empty()) out << "\nThe cores were *" << states.front() << "*.\n";
  write_table(
      is_latency ? "median" : "events/s", rows,
      [&](const Row& row) {
        const std::string state = states.size() == 1 || row.state.empty() ? "" : " *" + row.state + "*";
        return (is_latency ? time_name(row.median.p50_ns) : rate_name(row.median.per_s)) + ratio_name(row.ratio) +
               state;
      },
      out);
  if (is_latency) {
    write_table(
        "p99 / p99.9", rows,
        [](const Row& row) { return time_or_dash(row.median.p99_ns) + " / " + time_or_dash(row.median.p999_ns); }, out);
  }
  write_table(
      "processor time of an event", rows,
      [](const Row& row) { return time_or_dash(row.median.cpu_s_per_million * 1e3); }, out);
}

void write_encoding(const std::vector<const Row*>& rows, std::ostream& out) {
  const char* heading =
      "\n## What encoding costs\n\nlibactor-shm: an event with a string of 20 characters beside a plain struct of 64 "
      "bytes, "
      "in the same rounds.\n\n| | plain | with a string | more |\n|---|---|---|---|\n";
  for (const Row* encoded : rows) {
    // Where they sleep, being woken costs more than encoding by orders of magnitude.
    if (encoded->peer != "libactor-shm" || encoded->what.data != Data::Text || encoded->what.mode != Mode::Spin)
      continue;
    const auto plain = std::find_if(rows.begin(), rows.end(), [&](const Row* one) {
      return one->peer == plain_struct && name_of(one->what) == name_of(encoded->what) && one->state == encoded->state;
    });
    if (plain == rows.end()) continue;
    const bool is_latency = encoded->what.kind == Kind::Latency;
    const auto each_ns = [&](const Row& row) { return is_latency ? row.median.p50_ns : 1e9 / row.median.per_s; };
    out << heading << "| " << group_of(encoded->what) << (is_latency ? "" : ", time of each") << " | "
        << time_name(each_ns(**plain)) << " | " << time_name(each_ns(*encoded)) << " | "
        << text("%.0f ns", each_ns(*encoded) - each_ns(**plain)) << " |\n";
    heading = "";
  }
}

constexpr const char* introduction = R"(# libactor beside what one would use instead

Written by `tests/bench/compare`, which measured it all in one run. Each figure is the median of the rounds, in which all peers take turns. Behind it stands, as ×, its ratio to
libactor-shm in the same round: the median of the rounds, and in brackets the lowest and the highest. Of a latency,
above ×1 is slower than libactor-shm; of events per second, below ×1. Times are in ns, µs or ms; k/s and M/s are
thousands and millions of events handled per second, by all readers together. Processor time is that of all ends,
their threads and servers, for one event handled (of a round trip: half). An event has that many bytes, or has to be
encoded: a number with a string of 20 characters, or with a vector of floats (64 KiB). Readers look at every byte.

"—" is what was not measured: a peer that cannot wait in that way (where its library decides, it does not spin), one
that failed (named at the end), and p99.9 of fewer than 1000 round trips. "floor" is what the machine can do without
any transport: a cache line handed over, an eventfd, one process that writes memory and one that reads it.
libactor-inproc and caf are inside one process, on two threads that wait as the library does by default; the others
are between processes. Where both ends spin, the cores may be *near*, *far* or in *between*, as a cache line travels;
the state is named.
)";

}  // namespace

std::string time_name(double ns) {
  return number(ns, {" ns", " µs", " ms", " s"});
}
std::string rate_name(double per_s) {
  return number(per_s, {"/s", " k/s", " M/s"});
}

void write_markdown(const std::vector<Row>& rows, const std::vector<std::string>& notes, std::ostream& out) {
  out << introduction;
  const auto best = best_rows(rows);
  std::set<std::size_t> rounds;
  for (const Row* row : best) rounds.insert(row->runs);
  if (!rounds.empty()) out << "\nRounds of each case: " << *rounds.begin() << " to " << *rounds.rbegin() << ".\n";
  for (const std::string& group : distinct(best, [](const Row& row) { return group_of(row.what); })) {
    std::vector<const Row*> of_group;
    for (const Row* row : best) {
      if (group_of(row->what) == group && row->peer != plain_struct) of_group.push_back(row);
    }
    if (of_group.empty()) continue;
    out << "\n## " << group << '\n';
    write_group(of_group, out);
  }
  write_encoding(best, out);
  if (!notes.empty()) out << "\n## Left out\n\n";
  for (const std::string& note : notes) out << "- " << note << '\n';
}

}  // namespace bench
