#pragma once
// The start of a child process: from the brain's request to exec. The keeper's; one thread.

#include <sys/resource.h>
#include <sys/types.h>

#include <control/fd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "keeper/client.hpp"
#include "keeper/wire.hpp"
#include "sandbox/orders.hpp"

namespace actor::broker {

/// What a Spawn request means, with pointers ready for execve(). Move-only: the pointers point into `blob`.
struct ChildProgram {
  std::vector<char> blob;
  const char* exec = nullptr;
  const char* cwd = nullptr;  // empty: stay
  std::vector<char*> arguments;
  std::vector<char*> environment;
  Orders orders = {};
  int cgroup = -1;  // cgroup.procs of the child's own, open for writing; -1: it stays in the keeper's

  ChildProgram() = default;
  ChildProgram(ChildProgram&&) = default;
  ChildProgram& operator=(ChildProgram&&) = default;
};

/// Reads and checks the blob of a request: its texts, then its Orders, or none (`number` says how many bytes they
/// have). Nothing when the two do not fit together.
std::optional<ChildProgram> read_program(const KeeperRequest& request, int memfd);

/// A child on its way to exec. When `exec_result` is readable, take_exec_result() tells how it went.
struct StartedChild {
  pid_t pid = -1;
  Fd pidfd;
  Fd control;
  Fd out;
  Fd err;
  Fd exec_result;
};

struct StartFailure {
  SpawnStep step = SpawnStep::Request;
  int error = 0;
};

/// Forks. `files` is the limit that the child gets back (the keeper has raised its own). On failure nothing is left.
std::optional<StartedChild> start_child(const ChildProgram& program, const rlimit& files, StartFailure& failure);

/// Why the program could not be executed; nothing when it runs (or died on the way there: its exit tells).
/// REQUIRES: exec_result is readable, or the child is dead.
std::optional<StartFailure> take_exec_result(int exec_result);

}  // namespace actor::broker
