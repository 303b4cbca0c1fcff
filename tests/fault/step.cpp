// Publish, receive, attach and reclaim, killed at every instruction.
//
//   step [--scenario NAME] [--stride N] [--kills N] [--allow-skip] [--list]
//
// A child process does a scenario's operation and is single-stepped through it. After each instruction (each N-th with
// --stride) the broker's part is played (final heads, successors) on a copy of the child's memory, which is what it
// would leave if it were killed there, and every reader is read to the end: all or none of the readers must have each
// event, nothing committed may be lost, nothing corrupted, and nobody hang. --kills N: that many more children are
// really killed, at instructions spread over the operation. Exit code 0: all held; 77 with --allow-skip: ptrace is not
// permitted here.

#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "fault/scenario.hpp"

namespace {

using namespace actor::fault;

struct Options {
  std::string scenario;
  std::uint64_t stride = 1;
  std::uint64_t kills = 20;
  bool allow_skip = false;
  bool list = false;
};

int usage() {
  std::fprintf(stderr, "usage: step [--scenario NAME] [--stride N] [--kills N] [--allow-skip] [--list]\n");
  return 2;
}

/// True when all held.
bool run(const Scenario& scenario, const Options& options) {
  const auto start = std::chrono::steady_clock::now();
  Report report;
  const std::uint64_t instructions = scenario.watch(options.stride, report);
  unsigned kills = 0;
  if (options.kills != 0) {
    const std::uint64_t apart = std::max<std::uint64_t>(1, instructions / options.kills);
    for (std::uint64_t at = apart / 2; !scenario.kill(at, report); at += apart) ++kills;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf(
      "step: %s: %llu instructions, %u killed, %u lost, %u split, %u corrupted, %u duplicated, %u hung (%.1f s)\n",
      scenario.name.c_str(), static_cast<unsigned long long>(instructions), kills, report.lost, report.split,
      report.corrupted, report.duplicated, report.hung, took.count());
  for (const std::string& problem : report.problems) std::printf("  %s\n", problem.c_str());
  std::fflush(stdout);
  return report.good();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--scenario" && i + 1 < argc)
      options.scenario = argv[++i];
    else if (word == "--stride" && i + 1 < argc)
      options.stride = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--kills" && i + 1 < argc)
      options.kills = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--allow-skip")
      options.allow_skip = true;
    else if (word == "--list")
      options.list = true;
    else
      return usage();
  }
  if (options.stride == 0) return usage();
  bool good = true;
  unsigned ran = 0;
  try {
    for (const Scenario& scenario : scenarios()) {
      if (options.list) std::printf("%s\n", scenario.name.c_str());
      if (options.list || (!options.scenario.empty() && scenario.name.find(options.scenario) == std::string::npos))
        continue;
      alarm(3600);  // a loop without end in this process is a hang, too
      good &= run(scenario, options);
      ++ran;
    }
  } catch (const actor::Error& error) {
    std::fprintf(stderr, "step: %s\n", error.what());
    if (!options.allow_skip || std::strstr(error.what(), "not permitted") == nullptr) return 1;
    std::printf("step: skipped, for the reason above\n");
    return 77;
  }
  if (!options.list && ran == 0) {
    std::fprintf(stderr, "step: no scenario is named like '%s'; --list shows them\n", options.scenario.c_str());
    return 2;
  }
  return good ? 0 : 1;
}
