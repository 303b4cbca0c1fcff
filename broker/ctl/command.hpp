#pragma once
// What actorctl was told on its command line, and the table of what it can do. Used once, by its main().

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace actor::ctl {

struct Command {
  std::string verb;    ///< ps, top, why, ...: see `actorctl --help`
  std::string broker;  ///< --broker; empty: the only one
  bool json = false;

  std::string actor;               ///< NAME, or what --actor and --as say; may be empty where it is an option
  std::string topic;               ///< of tail and send
  std::string event;               ///< of send: its JSON
  std::string type;                ///< of send: empty when the topic and the JSON tell
  std::string file;                ///< of check
  std::string format = "text";     ///< of topology: text, mermaid, dot
  std::string action;              ///< of dead-letters: list, retry, discard
  std::vector<std::uint64_t> ids;  ///< of dead-letters
  bool all = false;                ///< of dead-letters
  bool received = false;           ///< of tail: what readers get instead of what senders send
  bool follow = false;             ///< of logs
  bool once = false;               ///< of top
  std::uint64_t count = 0;         ///< of tail: events until the end, 0 = no end; of logs: lines to begin with
  double interval_s = 1;           ///< of top
  int signal = 0;                  ///< of kill

  /// What goes into the Request of those that ask one thing and show the answer.
  std::string request() const;
};

/// Nothing when there is nothing to do: help or version was printed (`exit_code` 0), or what is wrong (2).
std::optional<Command> parse_command(int argc, const char* const* argv, int& exit_code);

/// "KILL", "SIGKILL", "kill" or "9"; nothing for what is no signal.
std::optional<int> parse_signal(const std::string& text);

}  // namespace actor::ctl
