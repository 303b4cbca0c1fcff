#pragma once
// How an actor's life ended, said with exactly one word, and who may come back after which end. Pure values: used by
// the broker for processes and by the in-process supervisor for objects; any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace actor::supervision {

struct Exit {
  enum class Kind : std::uint8_t {
    Clean,         ///< exit code 0, or the end that was asked for
    Error,         ///< `code` is the exit code
    Signal,        ///< `code` is the signal's number
    Oom,           ///< the kernel's out-of-memory killer
    Watchdog,      ///< hung with work pending
    StartTimeout,  ///< did not get Ready in time
    StopTimeout,   ///< was asked to stop and did not, so it was killed
    Overflow,      ///< a topic with the policy Fail overflowed at this reader
    Incompatible,  ///< the broker refused the program, or it exited with a code that says so: it would again
    Corrupt,       ///< broke the protocol, or its memory did
    Companion,     ///< another actor of its process has ended that
    Lost,          ///< ended, but nobody could say how
  };
  Kind kind = Kind::Clean;
  int code = 0;

  bool operator==(const Exit&) const = default;
  /// What RestartClass::Transient asks for.
  bool abnormal() const { return kind != Kind::Clean; }
};

/// "clean", "error(3)", "signal(SIGSEGV)", "start_timeout", ...
std::string to_string(const Exit& exit);
/// "SIGSEGV"; "signal 77" for a number without a name.
std::string signal_name(int signal);

/// What the supervisor itself did to the process or found out about it, in the order in which it counts.
struct Circumstances {
  bool refused = false;
  bool corrupt = false;
  bool overflowed = false;
  bool start_timed_out = false;
  bool hung = false;
  bool stop_timed_out = false;
  bool stop_requested = false;
  bool companion_ended = false;  ///< its process has ended because of another actor that shared it
  bool crashed = false;          ///< in a process with others: it was its thread that has raised the deadly signal
  bool process_exited = false;   ///< the process that it shared has exited by itself: it has not
  bool oom_seen = false;         ///< the kernel has counted an out-of-memory kill since the process was last seen alive
};

/// The exit code that says "do not start me again": what a refused program exits with (EX_CONFIG of sysexits.h).
inline constexpr int never_restart_code = 78;

/// What an actor's exit codes mean, besides 0.
struct ExitCodes {
  std::vector<int> success = {};                          ///< clean, too
  std::vector<int> never_restart = {never_restart_code};  ///< a new start would end the same way: Incompatible
};

/// Classifies an exit status as from waitpid().
Exit classify(int wait_status, const Circumstances& circumstances, const ExitCodes& codes = {});
/// For a process that is not our child: only its own word (`said_goodbye`) tells.
Exit classify_unknown(const Circumstances& circumstances, bool said_goodbye);

}  // namespace actor::supervision
