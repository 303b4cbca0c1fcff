#include "process_state.hpp"

#include <ctime>
#include <fstream>
#include <string>

namespace actor::broker {

std::optional<ProcessState> process_state(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');  // the state stands behind the program's name, which may hold anything
  clockid_t clock{};
  timespec used{};
  if (name_end == std::string::npos || name_end + 2 >= line.size() || ::clock_getcpuclockid(pid, &clock) != 0 ||
      ::clock_gettime(clock, &used) != 0)
    return std::nullopt;
  return ProcessState{line[name_end + 2], std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec)};
}

}  // namespace actor::broker
