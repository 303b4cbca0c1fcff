#pragma once
// The processor time of the broker that started this process, so that it counts like any other server's. Used by an
// actor of the benchmark.

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace bench {

class BrokerClock {
 public:
  /// Finds the broker's two processes; none if our parent is something else.
  BrokerClock();
  std::int64_t cpu_ns() const;

 private:
  std::vector<pid_t> pids_;
};

}  // namespace bench
