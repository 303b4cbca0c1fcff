#include "processes.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <optional>

#include "measure.hpp"

namespace bench {
namespace {

std::optional<Process> read_process(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  // "PID (NAME) STATE PARENT ...": the name may have anything in it.
  const auto begin = text.find('(');
  const auto end = text.rfind(')');
  if (begin == std::string::npos || end == std::string::npos) return std::nullopt;
  Process process{pid, 0, text.substr(begin + 1, end - begin - 1)};
  std::sscanf(text.c_str() + end + 1, " %*c %d", &process.parent);
  return process;
}

}  // namespace

std::vector<Process> all_processes() {
  std::vector<Process> processes;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const int pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0) continue;
    if (auto process = read_process(pid)) processes.push_back(std::move(*process));
  }
  return processes;
}

std::string name_of(pid_t pid) {
  const auto process = read_process(pid);
  return process ? process->name : "process " + std::to_string(pid);
}

std::int64_t cpu_ns_of(pid_t pid) {
  clockid_t clock;
  return clock_getcpuclockid(pid, &clock) == 0 ? clock_ns(clock) : 0;
}

}  // namespace bench
