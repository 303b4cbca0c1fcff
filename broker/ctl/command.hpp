#pragma once
// What actorctl was told on its command line. Used once, by its main().

#include <optional>
#include <string>

namespace actor::ctl {

struct Command {
  std::string verb;    ///< ps, topics, routes, shutdown, start, stop, restart, kill
  std::string actor;   ///< empty for the first four
  int signal = 0;      ///< of kill
  std::string broker;  ///< --broker; empty: the only one
  bool json = false;

  /// What goes into the Request.
  std::string request() const;
};

/// Nothing when there is nothing to do: help or version was printed (`exit_code` 0), or what is wrong (2).
std::optional<Command> parse_command(int argc, const char* const* argv, int& exit_code);

/// "KILL", "SIGKILL", "kill" or "9"; nothing for what is no signal.
std::optional<int> parse_signal(const std::string& text);

}  // namespace actor::ctl
