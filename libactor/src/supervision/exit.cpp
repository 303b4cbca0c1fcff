#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <optional>
#include <supervision/exit.hpp>

namespace actor::supervision {
namespace {

/// What outranks the exit status: the supervisor knows why it ended the process.
std::optional<Exit> own_doing(const Circumstances& circumstances) {
  using Kind = Exit::Kind;
  if (circumstances.refused) return Exit{Kind::Incompatible, 0};
  if (circumstances.corrupt) return Exit{Kind::Corrupt, 0};
  if (circumstances.overflowed) return Exit{Kind::Overflow, 0};
  if (circumstances.start_timed_out) return Exit{Kind::StartTimeout, 0};
  if (circumstances.hung) return Exit{Kind::Watchdog, 0};
  if (circumstances.stop_timed_out) return Exit{Kind::StopTimeout, 0};
  if (circumstances.companion_ended) return Exit{Kind::Companion, 0};
  return std::nullopt;
}

bool contains(const std::vector<int>& codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

std::string signal_name(int signal) {
  const char* name = sigabbrev_np(signal);
  return name ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

std::string to_string(const Exit& exit) {
  switch (exit.kind) {
    case Exit::Kind::Clean:
      return "clean";
    case Exit::Kind::Error:
      return "error(" + std::to_string(exit.code) + ")";
    case Exit::Kind::Signal:
      return "signal(" + signal_name(exit.code) + ")";
    case Exit::Kind::Oom:
      return "oom";
    case Exit::Kind::Watchdog:
      return "watchdog";
    case Exit::Kind::StartTimeout:
      return "start_timeout";
    case Exit::Kind::StopTimeout:
      return "stop_timeout";
    case Exit::Kind::Overflow:
      return "overflow";
    case Exit::Kind::Incompatible:
      return "incompatible";
    case Exit::Kind::Corrupt:
      return "corrupt";
    case Exit::Kind::Companion:
      return "companion";
    case Exit::Kind::Lost:
      return "lost";
  }
  return "unknown";
}

Exit classify(int wait_status, const Circumstances& circumstances, const ExitCodes& codes) {
  if (const auto known = own_doing(circumstances)) return *known;
  if (WIFEXITED(wait_status)) {
    const int code = WEXITSTATUS(wait_status);
    if (circumstances.process_exited) return {Exit::Kind::Error, code};
    if (code == 0 || contains(codes.success, code)) return {Exit::Kind::Clean, code};
    if (contains(codes.never_restart, code)) return {Exit::Kind::Incompatible, code};
    return {Exit::Kind::Error, code};
  }
  if (!WIFSIGNALED(wait_status)) return {Exit::Kind::Lost, 0};
  const int signal = WTERMSIG(wait_status);
  // Asked to stop before it had installed its handler: SIGTERM's default action is an ordered end too.
  if (circumstances.stop_requested && signal == SIGTERM) return {Exit::Kind::Clean, 0};
  if (circumstances.oom_seen && signal == SIGKILL) return {Exit::Kind::Oom, 0};
  return {Exit::Kind::Signal, signal};
}

Exit classify_unknown(const Circumstances& circumstances, bool said_goodbye) {
  if (const auto known = own_doing(circumstances)) return *known;
  return {said_goodbye || circumstances.stop_requested ? Exit::Kind::Clean : Exit::Kind::Lost, 0};
}

}  // namespace actor::supervision
