#include "comparison.hpp"

#include <algorithm>
#include <iostream>
#include <set>

#include "../floors.hpp"
#include "guard.hpp"

namespace bench {
namespace {

constexpr const char* ours = "libactor-shm";
constexpr std::uint64_t kib = 1u << 10;

Case with_events(Case what, double events) {
  constexpr double fewest = 40;
  constexpr double most = 4'000'000;
  what.events = static_cast<std::uint64_t>(std::clamp(events, fewest, most));
  return what;
}

Case quick(const Case& what) {
  return with_events(what, what.kind == Kind::Latency ? 100 : 400);
}

/// A line of a list: what a program has said in several. What it said last says most.
std::string in_one_line(std::string text) {
  constexpr std::size_t most_at_begin = 150;
  constexpr std::size_t most_at_end = 450;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  for (std::size_t at; (at = text.find('\n')) != std::string::npos;) text.replace(at, 1, "; ");
  if (text.size() <= most_at_begin + most_at_end) return text;
  return text.substr(0, most_at_begin) + " ... " + text.substr(text.size() - most_at_end);
}

Effort effort_of(const Thoroughness& thoroughness) {
  if (thoroughness.quick) return {1, 1, 2, 1'000'000'000};
  return {5, 3, 8, 3'000'000'000};
}

}  // namespace

Comparison::Comparison(std::vector<Peer> peers, const Thoroughness& thoroughness)
    : thoroughness_(thoroughness), effort_(effort_of(thoroughness)) {
  for (Peer& peer : peers) {
    if (peer.missing.empty())
      peers_.push_back(std::move(peer));
    else
      note(std::string(peer.name) + ": " + peer.missing);
  }
}

void Comparison::measure(const std::vector<Case>& cases) {
  const std::int64_t end_ns =
      monotonic_ns() + std::chrono::duration_cast<std::chrono::nanoseconds>(thoroughness_.time).count();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::int64_t now_ns = monotonic_ns();
    measure(cases[i], now_ns + (end_ns - now_ns) / static_cast<std::int64_t>(cases.size() - i));
  }
}

void Comparison::measure(const Case& what, std::int64_t until_ns) {
  std::vector<Side> sides;
  for (const Peer& peer : peers_) {
    if (!has_failed_too_often(peer.name) && peer.can(what)) add_side(sides, peer, what);
  }
  add_floor(sides, what);
  take_turns(what, sides, until_ns);
  for (const Side& side : sides) {
    for (Row& row : rows_of(what, side, effort_)) {
      const auto value = what.kind == Kind::Latency ? &Outcome::p50_ns : &Outcome::per_s;
      if (sides.front().peer == ours && &side != &sides.front()) row.ratio = ratio_of(side, sides.front(), value);
      print(row, std::cout);
      rows_.push_back(std::move(row));
    }
  }
}

void Comparison::note(const std::string& what) {
  std::cout << "left out: " << what << std::endl;
  notes_.push_back(what);
}

void Comparison::failed(const std::string& peer, const Case& what, const std::exception& error) {
  note(peer + " in " + name_of(what) + ": " + in_one_line(error.what()));
  if (++failures_[peer] == most_failures)
    note(peer + " in all that follow: it has failed " + std::to_string(most_failures) + " times");
}

bool Comparison::has_failed_too_often(const std::string& peer) const {
  const auto found = failures_.find(peer);
  return found != failures_.end() && found->second >= most_failures;
}

Outcome Comparison::run(const Peer& peer, const Case& what) const {
  return run_guarded([&] { return peer.run(what); }, thoroughness_.run_limit);
}

/// As many events as take a moment, as far as a short run can tell.
Case Comparison::sized(const Peer& peer, const Case& what) const {
  if (thoroughness_.quick) return quick(what);
  constexpr double seconds = 0.15;
  if (what.mode == Mode::Paced) return with_events(what, seconds * 1e9 / pace_ns);
  const bool small = what.size <= kib;
  const bool is_latency = what.kind == Kind::Latency;
  Case pilot = with_events(what, is_latency ? (small ? 300 : 40) : (small ? 3000 : 100));
  for (;;) {
    const Outcome outcome = run(peer, pilot);
    const double each = is_latency ? 2e-9 * outcome.p50_ns : what.readers * what.writers / outcome.per_s;
    const double wanted = seconds / each;
    // What is over in no time says little of what takes longer.
    constexpr double most_times = 50;
    if (is_latency || wanted <= most_times * static_cast<double>(pilot.events)) return with_events(what, wanted);
    pilot = with_events(what, most_times / 2 * static_cast<double>(pilot.events));
  }
}

void Comparison::add_side(std::vector<Side>& sides, const Peer& peer, const Case& what) {
  const auto add = [&](const char* name, const Case& of) {
    const Case whole = sized(peer, of);
    sides.push_back({name, [this, &peer, whole] { return run(peer, whole); }});
  };
  try {
    add(peer.name, what);
    if (what.data != Data::Text || peer.name != std::string(ours)) return;
    // In turns with it, so that the difference is what encoding costs, and not what the machine did meanwhile.
    Case plain = what;
    plain.data = Data::Bytes;
    add(plain_struct, plain);
  } catch (const std::exception& error) {
    failed(peer.name, what, error);
  }
}

void Comparison::add_floor(std::vector<Side>& sides, const Case& what) const {
  if (!thoroughness_.floors || what.data != Data::Bytes) return;
  constexpr std::uint64_t round_trips = 20'000;
  const std::uint64_t events = thoroughness_.quick ? 100 : round_trips;
  if (what.kind == Kind::Latency && what.size == 64 && what.mode == Mode::Spin)
    sides.push_back({"floor", [=] { return cache_line_ping_pong(events); }});
  else if (what.kind == Kind::Latency && what.size == 64 && what.mode != Mode::Paced)
    sides.push_back({"floor", [=] { return eventfd_ping_pong(what.mode, events); }});
  else if (what.kind == Kind::Throughput && what.mode == Mode::Spin && what.size >= 64 * kib)
    sides.push_back({"floor", [=] { return memory_floor(what.size, what.read); }});
}

void Comparison::take_turns(const Case& what, std::vector<Side>& sides, std::int64_t until_ns) {
  std::set<std::string> broken;
  for (Side& side : sides) {
    side.run = [&, name = side.peer, run = side.run]() -> Outcome {
      if (broken.contains(name)) return {};
      try {
        return run();
      } catch (const std::exception& error) {
        failed(name, what, error);
        broken.insert(name);
        return {};
      }
    };
  }
  Effort effort = effort_;
  effort.until_ns = until_ns;
  bench::measure(what.mode, sides, effort);
  std::erase_if(sides, [&](const Side& side) { return broken.contains(side.peer); });
}

}  // namespace bench
