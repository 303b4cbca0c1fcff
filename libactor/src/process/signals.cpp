#include <sys/signalfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <process/signals.hpp>

namespace actor {
namespace {

/// How long an orphan may take to stop: its supervisor is gone, so the kernel's alarm ends it if its handler hangs.
constexpr unsigned orphan_grace_s = 10;

/// Started by a broker: the process group is the process's own, and the broker ends it with the process. When the
/// broker is gone the process does that itself, so that no child of its own outlives it.
bool owns_its_group = false;
pid_t parent = 0;
std::atomic<bool> is_orphan = false;

void end_group(int = 0) {
  if (owns_its_group) kill(0, SIGKILL);
}

void end_orphans_group() {
  if (!is_orphan && getppid() == parent) return;  // else the keeper ends the group
  std::fflush(nullptr);
  end_group();
}

/// SIGHUP: the keeper, our parent, is gone (PR_SET_PDEATHSIG). The loop sees the hang-up of the control socket; this is
/// for a handler that never returns to the loop.
void on_parent_death(int) {
  if (owns_its_group) std::signal(SIGALRM, end_group);
  alarm(orphan_grace_s);
}

}  // namespace

Fd open_signals(bool hand_started) {
  owns_its_group = !hand_started && getpgrp() == getpid();
  parent = getppid();
  std::atexit(end_orphans_group);
  struct sigaction parent_death {};
  parent_death.sa_handler = on_parent_death;
  parent_death.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &parent_death, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  Fd fd(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw_errno("watching for signals (signalfd)");
  return fd;
}

void become_orphan() {
  is_orphan = true;
  alarm(orphan_grace_s);
}

}  // namespace actor
