#pragma once
// Raises a benchmark above what else runs on the machine. Used by the drivers, one object for the whole run.

#include <sys/resource.h>

#include <fstream>

namespace bench {

/// So that what else runs on the machine disturbs less. Best effort; all ends of all sides inherit it alike. Linux
/// weighs sessions against each other before it looks at processes, so the session is raised too, and lowered again.
class HighPriority {
 public:
  HighPriority() {
    setpriority(PRIO_PROCESS, 0, highest);
    std::ofstream("/proc/self/autogroup") << highest;
  }
  HighPriority(const HighPriority&) = delete;
  HighPriority& operator=(const HighPriority&) = delete;
  ~HighPriority() { std::ofstream("/proc/self/autogroup") << 0; }

 private:
  static constexpr int highest = -20;
};

}  // namespace bench
