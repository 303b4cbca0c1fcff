#pragma once
// What the brain knows of a process that several actors share (`process = "sensors"` in the manifest). For each of its
// actors it is much like a hand-started one: a socket of its own, and a process that the brain did not ask for in its
// name. Owned by the brain; what a successor needs is in SharedProcessState, plain values that go into the ledger.

#include <sys/types.h>

#include <actor/loop.hpp>
#include <chrono>
#include <control/fd.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "session/session.hpp"

namespace actor::broker {

struct SharedProcessState {
  std::string name;
  std::uint64_t serial = 0;  // the keeper's name for it
  pid_t pid = 0;             // 0: the keeper was asked for it
  std::string image;         // what it was made from: process_image()
  bool closed = false;       // takes nobody any more: the manifest is another one, it was killed, or it leaves
  bool blamed = false;       // was killed for what one of its actors did
  bool ending = false;       // was told to end, as nobody is in it
  bool has_exited = false;   // what it had said is still being handled
  int exit_status = 0;       // as from waitpid()
  bool settled = false;      // its actors know
  bool swept = false;        // nothing is left in its cgroup
  std::chrono::nanoseconds stop_timeout = std::chrono::seconds(1);  // at least; else the longest of its actors
};

struct SharedProcess : SharedProcessState {
  Fd pidfd;
  std::unique_ptr<Session> session;
  TimerId timer = 0;  // while it ends

  bool is_open() const { return pid != 0 && !closed && !ending && !has_exited; }
  /// Its own: no actor, and no other process of the name, is ever in it. No actor's name has a "+".
  std::string cgroup() const { return name + '+' + std::to_string(serial); }
};

}  // namespace actor::broker
