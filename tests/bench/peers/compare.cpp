// The comparison: libactor beside what one would use instead, each peer in the same cases, in turns, in one run.
// `tests/bench/compare` builds and starts it.

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include "../children.hpp"
#include "../floors.hpp"
#include "../priority.hpp"
#include "../rounds.hpp"
#include "link.hpp"
#include "tables.hpp"

namespace bench {
namespace {

struct Options {
  std::string json;
  std::string only;
  std::string peers;
  bool quick = false;
};

constexpr std::uint64_t kib = 1u << 10;
constexpr std::uint64_t mib = 1u << 20;

/// Their number of events is found by a pilot run of each side: see sized().
std::vector<Case> all_cases() {
  std::vector<Case> cases;
  const auto add = [&](Kind kind, Mode mode, unsigned writers, unsigned readers, std::uint64_t size,
                       Data data = Data::Bytes) {
    if (is_on_two_cores(mode) && cores().size() < 2) return;
    const std::uint64_t capacity = std::max<std::uint64_t>(4, std::min<std::uint64_t>(1024, 512 * kib / size));
    cases.push_back({kind, mode, writers, readers, size, Read::All, 0, capacity, data});
  };
  const auto add_data = [&](Kind kind, Mode mode) {
    add(kind, mode, 1, 1, 64, Data::Text);
    add(kind, mode, 1, 1, float_count * sizeof(float), Data::Floats);
  };
  constexpr std::uint64_t sizes[] = {64, kib, 64 * kib, mib};
  // Who sleeps is woken on the core where he is, or where the other is, which is up to twenty times faster, and the
  // kernel's choice: both are measured, not the choice.
  for (const Mode mode : {Mode::Spin, Mode::SleepTwoCores, Mode::SleepOneCore}) {
    for (const std::uint64_t size : sizes) add(Kind::Latency, mode, 1, 1, size);
    add_data(Kind::Latency, mode);
  }
  add(Kind::Latency, Mode::Paced, 1, 1, 64);
  for (const Mode mode : {Mode::Spin, Mode::Sleep}) {
    for (const std::uint64_t size : sizes) add(Kind::Throughput, mode, 1, 1, size);
    add_data(Kind::Throughput, mode);
  }
  for (const auto& [writers, readers] : {std::pair(1u, 4u), std::pair(4u, 1u), std::pair(4u, 4u)}) {
    for (const std::uint64_t size : {std::uint64_t{64}, kib, 64 * kib})
      add(Kind::Throughput, Mode::Sleep, writers, readers, size);
  }
  return cases;
}

Case with_events(Case what, double events) {
  constexpr double fewest = 40;
  constexpr double most = 4'000'000;
  what.events = static_cast<std::uint64_t>(std::clamp(events, fewest, most));
  return what;
}

/// As many events as take `seconds`, as far as a short run can tell.
Case sized(const Peer& peer, const Case& what, double seconds) {
  if (what.mode == Mode::Paced) return with_events(what, seconds * 1e9 / pace_ns);
  const bool small = what.size <= kib;
  const Case pilot = with_events(what, what.kind == Kind::Latency ? (small ? 300 : 40) : (small ? 3000 : 100));
  const Outcome outcome = peer.run(pilot);
  const double each = what.kind == Kind::Latency ? 2e-9 * outcome.p50_ns : what.readers / outcome.per_s;
  return with_events(what, seconds / each / what.writers);
}

Case quick(const Case& what) {
  return with_events(what, what.kind == Kind::Latency ? 100 : 400);
}

bool is_wanted(const Options& options, const char* peer) {
  return options.peers.empty() || ("," + options.peers + ",").find(std::string(",") + peer + ",") != std::string::npos;
}

class Comparison {
 public:
  explicit Comparison(const Options& options) : options_(options) {
    for (Peer& peer : all_peers()) {
      if (!is_wanted(options, peer.name)) continue;
      if (peer.missing.empty()) {
        peers_.push_back(std::move(peer));
      } else {
        note(std::string(peer.name) + ": " + peer.missing);
      }
    }
    if (options.quick) effort_ = {1, 1, 2, 1'000'000'000};
  }

  void measure_case(const Case& what) {
    std::vector<Side> sides;
    for (const Peer& peer : peers_) {
      if (peer.can(what)) add_side(sides, peer, what);
    }
    add_floor(sides, what);
    try_to_measure(what, sides);
    for (const Side& side : sides) {
      for (Row& row : rows_of(what, side, effort_)) {
        const auto value = what.kind == Kind::Latency ? &Outcome::p50_ns : &Outcome::per_s;
        if (sides.front().peer == "libactor-shm" && &side != &sides.front())
          row.ratio = ratio_of(side, sides.front(), value);
        print(row, std::cout);
        rows_.push_back(std::move(row));
      }
    }
  }

  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void note(const std::string& what) {
    std::cout << "left out: " << what << std::endl;
    notes_.push_back(what);
  }
  /// A peer that fails in one case is still measured in the others.
  void failed(const std::string& peer, const Case& what, const std::exception& error) {
    note(peer + " in " + name_of(what) + ": " + error.what());
  }
  void add_side(std::vector<Side>& sides, const Peer& peer, const Case& what) {
    constexpr double run_s = 0.15;
    try {
      const Case whole = options_.quick ? quick(what) : sized(peer, what, run_s);
      sides.push_back({peer.name, [&peer, whole] { return peer.run(whole); }});
    } catch (const std::exception& error) {
      failed(peer.name, what, error);
    }
  }
  void add_floor(std::vector<Side>& sides, const Case& what) {
    if (!is_wanted(options_, "floor") || what.data != Data::Bytes) return;
    constexpr std::uint64_t round_trips = 20'000;
    const std::uint64_t events = options_.quick ? 100 : round_trips;
    if (what.kind == Kind::Latency && what.size == 64 && what.mode == Mode::Spin)
      sides.push_back({"floor", [=] { return cache_line_ping_pong(events); }});
    else if (what.kind == Kind::Latency && what.size == 64 && what.mode != Mode::Paced)
      sides.push_back({"floor", [=] { return eventfd_ping_pong(what.mode, events); }});
    else if (what.kind == Kind::Throughput && what.mode == Mode::Spin && what.size >= 64 * kib)
      sides.push_back({"floor", [=] { return memory_floor(what.size, what.read); }});
  }
  void try_to_measure(const Case& what, std::vector<Side>& sides) {
    std::vector<std::string> broken;
    for (Side& side : sides) {
      side.run = [&, name = side.peer, run = side.run]() -> Outcome {
        if (std::find(broken.begin(), broken.end(), name) != broken.end()) return {};
        try {
          return run();
        } catch (const std::exception& error) {
          failed(name, what, error);
          broken.push_back(name);
          return {};
        }
      };
    }
    measure(what.mode, sides, effort_);
    std::erase_if(sides,
                  [&](const Side& side) { return std::find(broken.begin(), broken.end(), side.peer) != broken.end(); });
  }

  const Options& options_;
  Effort effort_{5, 3, 8, 3'000'000'000};
  std::vector<Peer> peers_;
  std::vector<Row> rows_;
  std::vector<std::string> notes_;
};

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    std::string* value = word == "--json"    ? &options.json
                         : word == "--only"  ? &options.only
                         : word == "--peers" ? &options.peers
                                             : nullptr;
    if (word == "--quick") {
      options.quick = true;
    } else if (value && i + 1 < argc) {
      *value = argv[++i];
    } else {
      std::cerr
          << "usage: " << argv[0]
          << " --json FILE [--quick] [--only NAME] [--peers NAME,...]\n"
             "Writes FILE, and beside it FILE's name with .md, -latency.svg and -throughput.svg.\n"
             "--only takes a part of BENCH/MODE/SHAPE/SIZE/READ, such as latency/spin or throughput/sleep/1-4/64/all\n";
      return false;
    }
  }
  return true;
}

template <class Write>
void save(const std::filesystem::path& path, Write&& write) {
  std::ofstream file(path);
  write(file);
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string() + ": " + std::strerror(errno));
}

void save_all(const std::string& json, const Comparison& comparison) {
  const std::filesystem::path path(json);
  const auto beside = [&](const char* end) { return path.parent_path() / (path.stem().string() + end); };
  save(path, [&](std::ostream& out) { write_json(comparison.rows(), out); });
  save(beside(".md"), [&](std::ostream& out) { write_markdown(comparison.rows(), comparison.notes(), out); });
  save(beside("-latency.svg"), [&](std::ostream& out) { write_latency_plot(comparison.rows(), out); });
  save(beside("-throughput.svg"), [&](std::ostream& out) { write_throughput_plot(comparison.rows(), out); });
}

int run(const Options& options) {
  const HighPriority priority;
  const std::int64_t start = monotonic_ns();
  Comparison comparison(options);
  if (cores().size() < 2) std::cout << "one core only: the cases for two are left out\n";
  for (const Case& what : all_cases()) {
    const bool left_out = options.quick && (what.size == kib || what.size == mib || what.writers != what.readers);
    if (left_out) continue;
    if (name_of(what).find(options.only) != std::string::npos) comparison.measure_case(what);
  }
  if (comparison.rows().empty()) throw std::runtime_error("nothing was measured; see --help");
  if (!options.json.empty()) save_all(options.json, comparison);
  print_targets(comparison.rows(), std::cout);
  std::cout << "took " << (monotonic_ns() - start) / 1'000'000'000 << " s\n";
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Options options;
  if (!bench::parse(argc, argv, options)) return 2;
  try {
    return bench::run(options);
  } catch (const std::exception& error) {
    std::cerr << "compare: " << error.what() << '\n';
    return 1;
  }
}
