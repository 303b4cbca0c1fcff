#include "children.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <system_error>

namespace bench {

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

void Children::start(int core, const std::function<void()>& body) {
  std::fflush(nullptr);
  const int pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (pid > 0) {
    pids_.push_back(pid);
    return;
  }
  int status = 0;
  try {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(limit_s);
    pin_to(core);
    body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    status = 1;
  }
  _exit(status);
}

void Children::wait() {
  bool failed = false;
  while (!pids_.empty()) {
    int status = 0;
    const int pid = waitpid(pids_.back(), &status, 0);
    if (pid < 0 && errno == EINTR) continue;
    pids_.pop_back();
    failed |= status != 0;
  }
  if (failed) throw std::runtime_error("a child of the benchmark failed");
}

Children::~Children() {
  for (const int pid : pids_) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
}

std::shared_ptr<void> shared_memory(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap of shared memory");
  return {memory, [bytes](void* at) { munmap(at, bytes); }};
}

}  // namespace bench
