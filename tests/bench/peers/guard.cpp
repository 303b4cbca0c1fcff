#include "guard.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "../children.hpp"
#include "../processes.hpp"
#include "server.hpp"

namespace bench {
namespace {

/// What the child leaves.
struct Report {
  bool is_done;
  Outcome outcome;
  char why[2000];
};

[[noreturn]] void run_as_child(const std::function<Outcome()>& run, const ScratchDirectory& directory, Report& report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("TMPDIR", directory.file("").c_str(), 1);
  try {
    report.outcome = run();
    report.is_done = true;
  } catch (const std::exception& error) {
    std::snprintf(report.why, sizeof report.why, "%s", error.what());
  }
  _exit(0);
}

/// False: it is still there.
bool ends_within(pid_t child, std::chrono::milliseconds limit) {
  pollfd ended{static_cast<int>(syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  if (ended.fd < 0) throw std::system_error(errno, std::generic_category(), "watching a child");
  const auto until = std::chrono::steady_clock::now() + limit;
  int found = 0;
  do {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    found = poll(&ended, 1, std::max(0, static_cast<int>(left.count())));
  } while (found < 0 && errno == EINTR);
  close(ended.fd);
  return found > 0;
}

void kill_children() {
  for (const Process& process : all_processes()) {
    if (process.parent == getpid()) kill(process.pid, SIGKILL);
  }
}

/// Those of a child that ends become ours, for we are their subreaper, and end next.
void end_descendants() {
  for (siginfo_t left{}; waitid(P_ALL, 0, &left, WEXITED | WNOHANG | WNOWAIT) == 0; left = {}) {
    if (left.si_pid == 0) kill_children();
    waitpid(-1, nullptr, 0);
  }
}

}  // namespace

Outcome run_guarded(const std::function<Outcome()>& run, std::chrono::milliseconds limit) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const ScratchDirectory directory;
  const auto report = shared_object<Report>();
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) run_as_child(run, directory, *report);
  const bool is_over = ends_within(child, limit);
  int status = 0;
  if (is_over) waitpid(child, &status, 0);
  end_descendants();
  if (report->is_done) return report->outcome;
  if (report->why[0] != '\0') throw std::runtime_error(report->why);
  if (is_over) throw std::runtime_error("the process that ran it " + how_it_ended(status));
  throw std::runtime_error("it was not done after " + std::to_string(limit.count() / 1000) + " s, and was ended");
}

}  // namespace bench
