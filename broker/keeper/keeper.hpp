#pragma once
// The keeper: the broker's process that forks, reaps and holds descriptors, and does as little else as it can, because
// its death ends the runtime. It runs the brain as its child and does what the brain asks (keeper/client.hpp). One
// thread; run_keeper() is the rest of that process's life.
//
// Why is the brain a fork and not another executable? The keeper has one thread and little memory, so a fork is a clean
// copy; and it can be repeated: a later brain starts from the same state, gets the same socket, and is told everything
// that has not been acknowledged.

#include <chrono>
#include <control/fd.hpp>
#include <functional>

namespace actor::broker {

class Pulse;  // keeper/pulse.hpp

struct KeeperOptions {
  /// How long actors get between SIGTERM and SIGKILL when the brain has left them behind, until a brain says otherwise.
  std::chrono::nanoseconds stop_timeout = std::chrono::seconds(5);
  /// Two requests to shut down closer together than this count as one: a terminal and a service manager may both pass
  /// one on.
  std::chrono::nanoseconds same_request = std::chrono::milliseconds(200);
  /// A brain that makes no progress for so long is killed; another one takes over. Zero: never.
  std::chrono::nanoseconds brain_watchdog{};
  /// Called last, when every child is gone: removes what the broker has left in the file system.
  std::function<void()> at_end;
};

/// Runs `brain` in a child process (its return value is that process's exit code; the descriptor is for KeeperClient,
/// the pulse is its own), and everything that it asks for. Returns the broker's exit code: the brain's, or 1 when it
/// was killed. Children that the brain has left behind are gone then. REQUIRES: this process has one thread, and no
/// children that anyone else waits for.
int run_keeper(const KeeperOptions& options, const std::function<int(Fd, Pulse&)>& brain);

}  // namespace actor::broker
