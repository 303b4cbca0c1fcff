#include "children.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include "processes.hpp"

namespace bench {

std::string how_it_ended(int status) {
  if (WIFEXITED(status)) return "ended with status " + std::to_string(WEXITSTATUS(status));
  return "was ended by signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
}

const std::vector<int>& cores() {
  static const std::vector<int> found = [] {
    std::vector<int> usable;
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    for (int core = 0; core < CPU_SETSIZE && usable.size() < 2; ++core) {
      if (CPU_ISSET(static_cast<unsigned>(core), &set)) usable.push_back(core);
    }
    return usable;
  }();
  return found;
}

void pin_to(int core) {
  if (core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::system_error(errno, std::generic_category(), "pinning to core " + std::to_string(core));
}

/// What a child that fails says of it. Each has one of its own: none can be found ended before its words are there.
struct Children::Complaint {
  char why[500];
};

void Children::start(int core, const std::function<void()>& body) {
  const auto complaint = shared_object<Complaint>();
  std::fflush(nullptr);
  const int pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid > 0) {
    running_.push_back({pid, complaint});
    return;
  }
  int status = 0;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(limit_s);
    pin_to(core);
    body();
  } catch (const std::exception& error) {
    std::snprintf(complaint->why, sizeof complaint->why, "%s", error.what());
    status = 1;
  }
  _exit(status);
}

void Children::wait() {
  while (!running_.empty()) {
    // A server's end is left to its owner to collect.
    siginfo_t ended{};
    if (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) != 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "waiting for the children of a benchmark");
    }
    const auto ours =
        std::find_if(running_.begin(), running_.end(), [&](const Child& child) { return child.pid == ended.si_pid; });
    if (ours == running_.end())
      throw std::runtime_error(name_of(ended.si_pid) + ", which the benchmark needs, has ended before it");
    const std::string why = ours->complaint->why;
    running_.erase(ours);
    int status = 0;
    waitpid(ended.si_pid, &status, 0);
    if (status == 0) continue;
    throw std::runtime_error(why.empty() ? "one of its processes " + how_it_ended(status) : why);
  }
}

Children::~Children() {
  for (const Child& child : running_) {
    kill(child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
  }
}

std::shared_ptr<void> shared_memory(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap of shared memory");
  return {memory, [bytes](void* at) { munmap(at, bytes); }};
}

}  // namespace bench
