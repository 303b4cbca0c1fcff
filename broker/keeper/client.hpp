#pragma once
// The brain's side of the keeper: asks for children, hears of their ends, and puts descriptors into safe keeping. Owned
// by the brain, used on its one thread. Requests never wait for their answer: it comes as an event out of next().

#include <sys/types.h>

#include <chrono>
#include <control/fd.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sandbox/orders.hpp"
#include "session/fd_safe.hpp"
#include "session/turn.hpp"

namespace actor::broker {

struct KeeperNotice;  // keeper/wire.hpp
struct KeeperRequest;

struct SpawnSpec {
  std::string name;                                      ///< the actor's: the child's ACTOR_NAME
  std::string exec;                                      ///< a path; $PATH is not searched (find_executable() does)
  std::vector<std::string> args;                         ///< without the program's own name
  std::vector<std::pair<std::string, std::string>> env;  ///< added to the broker's environment
  std::string cwd;                                       ///< empty: the broker's own
  Orders orders = {};                                    ///< what the child does to itself before exec
  std::shared_ptr<Fd> cgroup = {};                       ///< cgroup.procs of its own; null: it stays in the broker's
};

/// The program runs: exec has succeeded. The descriptors are the brain's to keep; the keeper holds copies.
struct Spawned {
  std::uint64_t serial = 0;
  pid_t pid = -1;
  Fd pidfd;
  Fd control;  ///< the broker's end of the child's descriptor 3 (SOCK_SEQPACKET, non-blocking)
  Fd out;      ///< what the child prints (non-blocking)
  Fd err;
};

/// How far the start of a child got.
enum class SpawnStep : std::uint32_t { Request, Descriptors, Process, Directory, Exec };
std::string_view to_string(SpawnStep step);  ///< "executing the program": goes before ": No such file or directory"
/// A SandboxStep that failed is told as the SpawnStep of this number and its own.
constexpr std::uint32_t first_sandbox_step = 100;
constexpr SpawnStep spawn_step(SandboxStep step) {
  return static_cast<SpawnStep>(first_sandbox_step + static_cast<std::uint32_t>(step));
}

/// There is no such child and there was none: no Exited follows. Told again to the next brain until ack_exit().
struct SpawnFailed {
  std::uint64_t serial = 0;
  int error = 0;  ///< errno of what failed; EBADMSG: the keeper could not make sense of the request
  SpawnStep step = SpawnStep::Request;
};

/// The child was reaped, and what was left of its process group was killed. Told again to the next brain until
/// ack_exit(). Always after Spawned.
struct Exited {
  std::uint64_t serial = 0;
  pid_t pid = -1;
  int status = 0;  ///< as from waitpid()
};

/// SIGINT, SIGTERM or SIGHUP came to the keeper. Each one is told: a second one means "hurry".
struct ShutdownRequested {
  int signal = 0;
  std::uint64_t count = 0;  ///< with this one; 0: not told by the keeper
};

/// The keeper is dead. Nothing can be started any more; pidfds still tell when children end, though not how.
struct KeeperGone {};

using KeeperEvent = std::variant<Spawned, SpawnFailed, Exited, ShutdownRequested, KeeperGone>;

class KeeperClient {
 public:
  /// `socket`: what run_keeper() hands to the brain.
  explicit KeeperClient(Fd socket) : socket_(std::move(socket)) {}
  /// From now on requests are made when the turn is finished, but for store().
  void set_turn(Turn* turn) { turn_ = turn; }

  /// The first thing that a brain does: waits until the keeper has told everything that there is. What was stored goes
  /// into the safe; what became of the children is returned. When the keeper dies meanwhile, that is the last of it,
  /// and there may be more that nobody knows of.
  std::vector<KeeperEvent> await_handover(FdSafe& safe);
  /// The brain knows all that its predecessor knew.
  void say_running();
  /// A reload may have changed how long actors may take to stop: the keeper needs it when it outlives every brain.
  void set_stop_timeout(std::chrono::nanoseconds longest);

  /// A serial that names a child and is never used again.
  std::uint64_t new_serial() { return next_serial_++; }
  std::uint64_t next_serial() const { return next_serial_; }
  void set_next_serial(std::uint64_t serial) { next_serial_ = serial; }

  /// Starts a program, once for each serial. Throws Error(Io) when the request cannot be made (no memory, more than 1
  /// MiB of arguments and environment).
  void spawn(const SpawnSpec& spec, std::uint64_t serial);
  /// No effect when the child has ended. `whole_group`: its children too.
  void kill(std::uint64_t serial, int signal, bool whole_group);
  /// The exit, or the failure to start, was dealt with: the keeper forgets the child.
  void ack_exit(std::uint64_t serial);
  /// The keeper holds a copy of `fd` under `key` (another one under the same key is replaced) for the next brain.
  void store(std::uint64_t key, int fd);
  void drop(std::uint64_t key);

  /// Readable when next() has something.
  int fd() const { return socket_.get(); }
  /// The oldest event that has not been returned yet; never waits. After KeeperGone: nothing, ever.
  std::optional<KeeperEvent> next();

 private:
  void request(const KeeperRequest& request, std::vector<std::shared_ptr<Fd>> fds = {});
  std::optional<KeeperEvent> event_of(const KeeperNotice& notice, std::vector<Fd>& fds);

  Fd socket_;
  Turn* turn_ = nullptr;
  FdSafe* taking_over_ = nullptr;
  bool handed_over_ = false;
  std::uint64_t next_serial_ = 1;
  std::set<std::uint64_t> lost_;  // children whose descriptors found no room here
  bool gone_ = false;
};

}  // namespace actor::broker
