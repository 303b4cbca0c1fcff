#pragma once
// Was a SIGKILL the work of the kernel's out-of-memory killer? Where no cgroup tells, the machine's own count of such
// kills does: it has grown. Owned by the brain.

#include <cstdint>

namespace actor::broker {

class OomWatch {
 public:
  OomWatch() : seen_(count()) {}
  /// Has the kernel counted a kill since the last call (or since the start)?
  bool take();

 private:
  static std::uint64_t count();
  std::uint64_t seen_;
};

}  // namespace actor::broker
