#include "report.hpp"

#include <cstdio>
#include <functional>
#include <optional>
#include <ostream>

namespace bench {
namespace {

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

using Filter = std::function<bool(const Row&)>;

std::vector<const Row*> all_of(const std::vector<Row>& rows, const Filter& wanted) {
  std::vector<const Row*> found;
  for (const Row& row : rows) {
    if (wanted(row)) found.push_back(&row);
  }
  return found;
}

struct Selection {
  const char* peer;
  Kind kind;
  Mode mode;
  const char* shape;
  std::uint64_t size;
  std::optional<Read> read = {};

  bool operator()(const Row& row) const {
    return row.peer == peer && row.what.data == Data::Bytes && row.what.kind == kind && row.what.mode == mode &&
           row.what.shape() == shape && row.what.size == size && (!read || row.what.read == *read);
  }
};

struct Target {
  std::string text;
  double limit;
  bool at_most;
};

void print_target(const Target& target, double ratio, std::ostream& out) {
  const bool met = target.at_most ? ratio <= target.limit : ratio >= target.limit;
  out << bench::text("%-4s %8.3f %s %-4g %s\n", met ? "pass" : "MISS", ratio,
                     target.at_most ? "<=" : ">=", target.limit, target.text.c_str());
}

/// `ours` over `theirs`, for each pair in the same state.
void compare(const std::vector<Row>& rows, const Target& target, const Selection& ours, const Selection& theirs,
             double Outcome::*value, std::ostream& out) {
  for (const Row* our : all_of(rows, ours)) {
    for (const Row* their : all_of(rows, theirs)) {
      if (our->state != their->state || their->median.*value == 0) continue;
      Target named = target;
      if (!our->state.empty()) named.text += " (" + our->state + ")";
      print_target(named, our->median.*value / their->median.*value, out);
    }
  }
}

constexpr std::uint64_t kib = 1u << 10;
constexpr std::uint64_t mib = 1u << 20;

/// Polling or sleeping, near or far: against whatever suits the queue best.
void compare_with_best_queue(const std::vector<Row>& rows, std::ostream& out) {
  const auto is_small = [](const Row& row) {
    return row.what.kind == Kind::Throughput && row.what.shape() == "1-1" && row.what.size == 64 &&
           row.what.data == Data::Bytes;
  };
  double best = 0;
  for (const Row* row : all_of(rows, is_small)) {
    if (row->peer == "boost-mq") best = std::max(best, row->median.per_s);
  }
  if (best == 0) return;
  for (const Row* row : all_of(rows, is_small)) {
    if (row->peer != "libactor-shm") continue;
    const std::string how = to_string(row->what.mode) + (row->state.empty() ? "" : " (" + row->state + ")");
    print_target({"64 B 1-1 events/s, " + how + " / boost-mq at its best", 2, false}, row->median.per_s / best, out);
  }
}

void print_throughput_targets(const std::vector<Row>& rows, std::ostream& out) {
  compare_with_best_queue(rows, out);
  for (const Read read : {Read::All, Read::Head}) {
    compare(rows, {text("1 MiB 1-4 / 1-1, the writer's processor time, reader reads %s", to_string(read)), 1.2, true},
            {"libactor-shm", Kind::Throughput, Mode::Sleep, "1-4", mib, read},
            {"libactor-shm", Kind::Throughput, Mode::Sleep, "1-1", mib, read}, &Outcome::writer_ns, out);
  }
  for (const Read read : {Read::All, Read::Head}) {
    compare(rows, {text("1 MiB 1-1 events/s, spin / the memory's, reader reads %s", to_string(read)), 0.9, false},
            {"libactor-shm", Kind::Throughput, Mode::Spin, "1-1", mib, read},
            {"floor", Kind::Throughput, Mode::Spin, "1-1", mib, read}, &Outcome::per_s, out);
  }
}

/// What a string costs more than a plain struct, in the same rounds. Encoding and decoding follow each other on the way
/// of one event, and overlap in a stream of them.
void print_encoding_targets(const std::vector<Row>& rows, std::ostream& out) {
  constexpr double most_ns = 100;
  const auto each_ns = [](const Row& row) {
    return row.what.kind == Kind::Latency ? row.median.p50_ns : 1e9 / row.median.per_s;
  };
  const auto is_of = [](const Row& row, const char* peer) {
    return row.peer == peer && row.what.data == Data::Text && row.what.mode == Mode::Spin;
  };
  for (const Row* encoded : all_of(rows, [&](const Row& row) { return is_of(row, "libactor-shm"); })) {
    for (const Row* plain : all_of(rows, [&](const Row& row) { return is_of(row, plain_struct); })) {
      if (plain->what.kind != encoded->what.kind || plain->state != encoded->state) continue;
      print_target({text("small struct encoded and decoded, ns over a plain one, %s, spin (%s)",
                         to_string(encoded->what.kind), encoded->state.c_str()),
                    most_ns, true},
                   each_ns(*encoded) - each_ns(*plain), out);
    }
  }
}

}  // namespace

Outcome median_of(const std::vector<Outcome>& outcomes) {
  Outcome result;
  for (const auto member : {&Outcome::p50_ns, &Outcome::p99_ns, &Outcome::p999_ns, &Outcome::per_s, &Outcome::writer_ns,
                            &Outcome::cpu_s_per_million}) {
    std::vector<double> values;
    for (const Outcome& outcome : outcomes) values.push_back(outcome.*member);
    result.*member = median(values);
  }
  return result;
}

void write_json(const std::vector<Row>& rows, std::ostream& out) {
  out << "[";
  const char* between = "\n";
  for (const Row& row : rows) {
    out << between
        << text("{\"bench\":\"%s\",\"peer\":\"%s\",\"mode\":\"%s\",\"shape\":\"%s\",\"size\":%llu,\"read\":\"%s\"",
                to_string(row.what.kind), row.peer.c_str(), to_string(row.what.mode), row.what.shape().c_str(),
                static_cast<unsigned long long>(row.what.size), to_string(row.what.read));
    if (row.what.data != Data::Bytes) out << text(",\"data\":\"%s\"", to_string(row.what.data));
    if (!row.state.empty()) out << ",\"state\":\"" << row.state << '"';
    out << ",\"runs\":" << row.runs;
    const Outcome& of = row.median;
    for (const auto& [name, value] :
         {std::pair("p50_ns", of.p50_ns), std::pair("p99_ns", of.p99_ns), std::pair("p999_ns", of.p999_ns),
          std::pair("per_s", of.per_s), std::pair("writer_ns", of.writer_ns),
          std::pair("cpu_s_per_million", of.cpu_s_per_million), std::pair("ratio", row.ratio.median),
          std::pair("ratio_lowest", row.ratio.lowest), std::pair("ratio_highest", row.ratio.highest)}) {
      if (value != 0) out << text(",\"%s\":%.6g", name, value);
    }
    out << "}";
    between = ",\n";
  }
  out << "\n]\n";
}

void print(const Row& row, std::ostream& out) {
  const Outcome& of = row.median;
  out << text("%-10s %-12s %-11s %-3s %7llu %-6s %-5s runs %zu ", to_string(row.what.kind), row.peer.c_str(),
              to_string(row.what.mode), row.what.shape().c_str(), static_cast<unsigned long long>(row.what.size),
              row.what.data == Data::Bytes ? to_string(row.what.read) : to_string(row.what.data), row.state.c_str(),
              row.runs);
  if (of.p50_ns != 0) out << text(" p50 %9.0f ns  p99 %9.0f ns", of.p50_ns, of.p99_ns);
  if (of.p999_ns != 0) out << text("  p99.9 %9.0f ns", of.p999_ns);
  if (of.per_s != 0) out << text(" %12.0f /s", of.per_s);
  if (of.writer_ns != 0) out << text("  writer %8.0f ns", of.writer_ns);
  if (of.cpu_s_per_million != 0) out << text("  cpu %.3g s/M", of.cpu_s_per_million);
  out << std::endl;
}

void print_targets(const std::vector<Row>& rows, std::ostream& out) {
  out << "targets:\n";
  compare(rows, {"64 B latency, spin / cache-line ping-pong", 4, true},
          {"libactor-shm", Kind::Latency, Mode::Spin, "1-1", 64}, {"floor", Kind::Latency, Mode::Spin, "1-1", 64},
          &Outcome::p50_ns, out);
  for (const Mode mode : {Mode::Sleep, Mode::SleepOneCore}) {
    compare(rows, {text("64 B latency, %s / eventfd ping-pong", to_string(mode)), 1.2, true},
            {"libactor-shm", Kind::Latency, mode, "1-1", 64}, {"floor", Kind::Latency, mode, "1-1", 64},
            &Outcome::p50_ns, out);
  }
  print_throughput_targets(rows, out);
}

void print_comparison_targets(const std::vector<Row>& rows, std::ostream& out) {
  out << "targets:\n";
  const auto beside = [&](const char* peer, const Target& target, Kind kind, Mode mode, const char* shape,
                          std::uint64_t size) {
    const auto value = kind == Kind::Latency ? &Outcome::p50_ns : &Outcome::per_s;
    compare(rows, target, {"libactor-shm", kind, mode, shape, size}, {peer, kind, mode, shape, size}, value, out);
  };
  beside("iceoryx", {"64 B latency, spin / iceoryx, polling", 0.33, true}, Kind::Latency, Mode::Spin, "1-1", 64);
  for (const Mode mode : {Mode::SleepTwoCores, Mode::SleepOneCore}) {
    beside("floor", {text("64 B latency, %s / eventfd ping-pong", to_string(mode)), 1.15, true}, Kind::Latency, mode,
           "1-1", 64);
  }
  for (const Mode mode : {Mode::Spin, Mode::Sleep}) {
    beside("iceoryx", {text("64 B 1-1 events/s, %s / iceoryx", to_string(mode)), 10, false}, Kind::Throughput, mode,
           "1-1", 64);
    beside("boost-mq", {text("64 B 1-1 events/s, %s / boost-mq", to_string(mode)), 3, false}, Kind::Throughput, mode,
           "1-1", 64);
  }
  compare_with_best_queue(rows, out);
  beside("iceoryx", {"64 B 1-4 events/s, sleep / iceoryx", 5, false}, Kind::Throughput, Mode::Sleep, "1-4", 64);
  beside("floor", {"1 MiB 1-1 events/s, spin / the memory's", 0.9, false}, Kind::Throughput, Mode::Spin, "1-1", mib);
  for (const Mode mode : {Mode::Spin, Mode::Sleep}) {
    for (const Row* row : all_of(rows, Selection{"libactor-shm", Kind::Throughput, mode, "1-1", kib}))
      print_target({text("1 KiB 1-1, %s, in millions of events/s", to_string(mode)), 5, false},
                   row->median.per_s * 1e-6, out);
  }
  print_encoding_targets(rows, out);
}

}  // namespace bench
