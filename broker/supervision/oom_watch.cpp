#include "supervision/oom_watch.hpp"

#include <fstream>
#include <string>

namespace actor::broker {

std::uint64_t OomWatch::count() {
  std::ifstream counters("/proc/vmstat");
  std::string name;
  std::uint64_t value = 0;
  while (counters >> name >> value) {
    if (name == "oom_kill") return value;
  }
  return 0;  // a kernel without the counter: deaths are then told as what they look like
}

bool OomWatch::take() {
  const std::uint64_t now = count();
  const bool grown = now > seen_;
  seen_ = now;
  return grown;
}

}  // namespace actor::broker
