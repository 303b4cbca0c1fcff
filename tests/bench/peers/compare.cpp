// The comparison: libactor beside what one would use instead, each peer in the same cases, in turns, in one run.
// `tests/bench/compare` builds and starts it.

#include <filesystem>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "../children.hpp"
#include "../options.hpp"
#include "../priority.hpp"
#include "comparison.hpp"
#include "tables.hpp"

namespace bench {
namespace {

struct Options {
  std::string json;
  std::string only;
  std::string peers;
  bool quick = false;
  unsigned minutes = 11;
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

bool is_wanted(const Options& options, const char* peer) {
  return options.peers.empty() || ("," + options.peers + ",").find(std::string(",") + peer + ",") != std::string::npos;
}

void save_all(const std::string& json, const Comparison& comparison) {
  const std::filesystem::path path(json);
  const auto beside = [&](const char* end) { return path.parent_path() / (path.stem().string() + end); };
  save(path, [&](std::ostream& out) { write_json(comparison.rows(), out); });
  save(beside(".md"), [&](std::ostream& out) { write_markdown(comparison.rows(), comparison.notes(), out); });
  save(beside("-latency.svg"), [&](std::ostream& out) { write_latency_plot(comparison.rows(), out); });
  save(beside("-throughput.svg"), [&](std::ostream& out) { write_throughput_plot(comparison.rows(), out); });
}

std::string names_of_peers() {
  std::string names;
  for (const Peer& peer : all_peers()) names += (names.empty() ? "" : ", ") + std::string(peer.name);
  return names;
}

std::vector<Peer> wanted_peers(const Options& options) {
  std::vector<Peer> peers = all_peers();
  std::istringstream names(options.peers);
  for (std::string name; std::getline(names, name, ',');) {
    const bool is_known = std::any_of(peers.begin(), peers.end(), [&](const Peer& peer) { return peer.name == name; });
    if (!is_known && name != "floor")
      throw std::runtime_error("--peers: there is no peer \"" + name + "\"; see --help");
  }
  std::erase_if(peers, [&](const Peer& peer) { return !is_wanted(options, peer.name); });
  return peers;
}

std::vector<Case> wanted_cases(const Options& options) {
  std::vector<Case> cases = all_cases();
  std::erase_if(cases, [&](const Case& what) {
    const bool too_long = options.quick && (what.size == kib || what.size == mib || what.writers != what.readers);
    return too_long || name_of(what).find(options.only) == std::string::npos;
  });
  if (cases.empty()) throw std::runtime_error("no case has \"" + options.only + "\" in its name; see --help");
  return cases;
}

void run(const Options& options) {
  const HighPriority priority;
  const std::int64_t start = monotonic_ns();
  const std::vector<Case> cases = wanted_cases(options);
  Thoroughness thoroughness;
  thoroughness.quick = options.quick;
  thoroughness.floors = is_wanted(options, "floor");
  thoroughness.time = std::chrono::minutes(options.minutes);
  if (cores().size() < 2) std::cout << "one core only: the cases for two are left out\n";
  Comparison comparison(wanted_peers(options), thoroughness);
  comparison.measure(cases);
  if (options.quick) std::cout << "--quick shows that everything works: its events are too few for its figures\n";
  if (comparison.rows().empty()) throw std::runtime_error("nothing was measured; what was left out is said above");
  if (!options.json.empty()) save_all(options.json, comparison);
  print_comparison_targets(comparison.rows(), std::cout);
  std::cout << "took " << (monotonic_ns() - start) / 1'000'000'000 << " s\n";
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  Options options;
  return drive(
      argc, argv,
      {text_option("--json", "FILE", options.json), flag("--quick", options.quick),
       text_option("--only", "NAME", options.only), text_option("--peers", "NAME,...", options.peers),
       number_option("--minutes", "N", options.minutes)},
      "Writes FILE, and beside it FILE's name with .md, -latency.svg and -throughput.svg. Makes fewer rounds where "
      "they\nwould take longer than N minutes (11) together. NAME of --only is a part of "
      "BENCH/MODE/SHAPE/SIZE/READ, such as\nlatency/spin or throughput/sleep/1-4/64/all. Peers: " +
          names_of_peers() + ", floor.\n",
      [&] { run(options); });
}
