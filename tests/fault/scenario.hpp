#pragma once
// What tests/fault/step kills, and how it judges what is left. One thread, no segments of its own between two runs.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace actor::fault {

struct Report {
  std::uint64_t at = 0;  // the instruction of this run
  unsigned lost = 0;
  unsigned split = 0;  // some readers have an event, others do not
  unsigned corrupted = 0;
  unsigned duplicated = 0;  // beyond the one event in flight, or not marked
  unsigned hung = 0;
  std::vector<std::string> problems;  // the first few

  void add(unsigned& counter, const std::string& what) {
    ++counter;
    if (problems.size() < 10) problems.push_back("at instruction " + std::to_string(at) + ": " + what);
  }
  bool good() const { return lost + split + corrupted + duplicated + hung == 0; }
};

struct Scenario {
  std::string name;
  /// Does the operation in a child once; after each `stride` instructions recovers from a copy of its memory, and
  /// judges. Returns how many instructions it has.
  std::function<std::uint64_t(std::uint64_t stride, Report& report)> watch;
  /// Does it in another child, kills that after `instructions`, recovers and judges. True: it was over before.
  std::function<bool(std::uint64_t instructions, Report& report)> kill;
};

std::vector<Scenario> publisher_scenarios();
std::vector<Scenario> reader_scenarios();
std::vector<Scenario> scenarios();

}  // namespace actor::fault
