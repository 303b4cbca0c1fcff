#pragma once
// What an actor's process may do and how much of the machine it gets, as the manifest says it: plain values. orders.hpp
// turns them into numbers for this machine, cgroups.hpp into a cgroup. Callable from anywhere.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace actor::broker {

/// Absent: as the broker itself has it.
struct Limits {
  std::optional<std::uint64_t> memory_bytes = {};  // memory.max of its cgroup; without one, RLIMIT_DATA
  std::optional<std::uint32_t> open_files = {};    // RLIMIT_NOFILE
  std::optional<std::uint64_t> core_bytes = {};    // RLIMIT_CORE
  std::optional<std::uint32_t> processes = {};     // pids.max of its cgroup: processes and threads
  std::optional<std::uint32_t> cpu_percent = {};   // cpu.max of its cgroup; 100 = one core
  bool operator==(const Limits&) const = default;
};

struct Scheduling {
  enum class Kind : std::uint8_t { Other, Batch, Idle, Fifo, RoundRobin };
  Kind kind = Kind::Other;
  std::uint32_t priority = 0;  // 1 to 99 for Fifo and RoundRobin, else 0
  bool operator==(const Scheduling&) const = default;
};

enum class SystemCallFilter : std::uint8_t {
  None,
  Default,  // without the calls that change the machine or look into other processes: system_calls.hpp
};

struct Sandbox {
  Limits limits = {};
  std::optional<std::int32_t> nice = {};
  std::optional<Scheduling> scheduling = {};
  std::vector<std::uint32_t> cpus = {};  // empty: all
  std::string user = {};                 // a name or a number; empty: the broker's
  std::string group = {};                // likewise; empty: the user's own
  bool no_new_privs = true;
  std::optional<std::vector<std::string>> capabilities = {};  // those that are kept; absent: all, or none with `user`
  std::optional<std::vector<std::string>> devices =
      {};  // all that its /dev has, besides null and the like; absent: all
  SystemCallFilter system_calls = SystemCallFilter::None;
  bool operator==(const Sandbox&) const = default;
};

/// "other", "batch", "idle", "fifo:1" to "fifo:99", "rr:1" to "rr:99"; nothing for anything else.
std::optional<Scheduling> parse_scheduling(std::string_view text);

constexpr std::uint32_t max_cpus = 1024;

/// "net_raw" → 13, as in linux/capability.h; nothing for a name that is none.
std::optional<std::uint32_t> capability_number(std::string_view name);
const std::vector<std::string>& capability_names();

}  // namespace actor::broker
