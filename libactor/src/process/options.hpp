#pragma once
// The command line of an actor's own process. A value.

#include <actor/latency.hpp>
#include <optional>
#include <string>
#include <vector>

namespace actor {

/// EX_CONFIG: a broker does not start such a program again (never_restart_exit), it would end the same way.
inline constexpr int wrong_command_line = 78;

struct ProcessOptions {
  std::string actor_class;  ///< empty: the only one
  std::string broker;       ///< a broker's name or the path of its directory; empty: the one inherited from the broker
  std::string name;         ///< the actor's
  bool shares_process = false;  ///< with other actors: it is not this one's to end
  std::vector<std::string> subscribes;
  std::vector<std::string> publishes;
  std::optional<Latency> latency;  ///< of a hand-started actor; none: what the broker says
};

struct ParsedProcessOptions {
  std::optional<ProcessOptions> options;  ///< empty: leave with `exit_code`, having printed help or what is wrong
  int exit_code = 0;
};

/// `classes`: the labels of what the executable holds. `started_by_broker`: there is a connection already. Not
/// thread-safe (getopt).
ParsedProcessOptions parse_process_options(int argc, char** argv, const std::vector<std::string>& classes,
                                           bool started_by_broker);

}  // namespace actor
