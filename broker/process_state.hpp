#pragma once
// What the kernel says of a process that may hang: does it sleep, is it stopped, has it had time on a processor? For
// the keeper, which looks at the brain so, and the brain, which looks at actors. Any thread.

#include <sys/types.h>

#include <chrono>
#include <optional>

namespace actor::broker {

struct ProcessState {
  char letter = 'S';                     // as in /proc/PID/stat, of its first thread
  std::chrono::nanoseconds processor{};  // that all of its threads have used

  bool is_stopped_or_traced() const { return letter == 'T' || letter == 't'; }
  /// On a processor, or waiting for one.
  bool is_runnable() const { return letter == 'R'; }
};

/// Nothing when the process is no more.
std::optional<ProcessState> process_state(pid_t pid);

}  // namespace actor::broker
