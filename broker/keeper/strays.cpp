#include "keeper/strays.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace actor::broker {
namespace {

/// From /proc/PID/stat: "PID (name) state PPID ...". A name may hold anything, so the last parenthesis counts.
pid_t parent_of(const std::filesystem::path& directory) {
  std::ifstream file(directory / "stat");
  // SUBTLE: reading fails with ESRCH when the process has vanished since; iterators over the file would throw then.
  std::string text;
  std::getline(file, text, '\0');
  const std::size_t after_name = text.rfind(')');
  if (after_name == std::string::npos || text.size() < after_name + 5) return -1;
  pid_t parent = -1;
  (void)std::from_chars(text.data() + after_name + 4, text.data() + text.size(), parent);
  return parent;
}

std::vector<pid_t> children_of_this_process() {
  std::vector<pid_t> children;
  std::error_code error;  // without /proc nothing is found
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = -1;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failure != std::errc() || end != name.data() + name.size()) continue;
    if (parent_of(entry.path()) == ::getpid()) children.push_back(pid);
  }
  return children;
}

}  // namespace

void kill_strays(int signals) {
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    const std::vector<pid_t> strays = children_of_this_process();
    if (strays.empty()) return;
    for (const pid_t stray : strays) (void)::kill(stray, SIGKILL);
    // One that died before this read has left its SIGCHLD in the queue, so the wait ends at once.
    pollfd polled{signals, POLLIN, 0};
    (void)::poll(&polled, 1, -1);
    signalfd_siginfo info = {};
    while (::read(signals, &info, sizeof info) > 0) {
    }
  }
}

}  // namespace actor::broker
