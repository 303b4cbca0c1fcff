#pragma once
// The machine's processes, as /proc has them now. Used by the driver, to end what a run has left and to name what has
// ended, and by the benchmark's actors, to find their broker.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Process {
  pid_t pid;
  pid_t parent;
  std::string name;
};

/// Those that are gone by the time they are looked at are left out.
std::vector<Process> all_processes();
/// Its name; where there is none, its number.
std::string name_of(pid_t pid);
/// Processor time of all its threads so far, while it lives or is not waited for.
std::int64_t cpu_ns_of(pid_t pid);

}  // namespace bench
