// `actorctl topology`: what the broker says of actors, topics and routes, drawn.

#include <unistd.h>

#include <cstdio>

#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/topology.hpp"

namespace actor::ctl {

int run_topology(const Command& command) {
  Connection connection(command.broker);
  const std::string ps = *connection.ask(R"({"command":"ps"})");
  const std::string topics = *connection.ask(R"({"command":"topics"})");
  const std::string routes = *connection.ask(R"({"command":"routes"})");
  const std::string format = command.json ? "json" : command.format;
  std::fputs(draw(read_topology(ps, topics, routes), format, look_of(STDOUT_FILENO)).c_str(), stdout);
  return 0;
}

}  // namespace actor::ctl
