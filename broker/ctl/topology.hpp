#pragma once
// `actorctl topology`: who sends what to whom, from the broker's routes, drawn as text, as a Mermaid flow chart, as a
// graph for dot, or as JSON. Pure; any thread.

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "ctl/terminal.hpp"

namespace actor::ctl {

struct Topology {
  struct Actor {
    std::string name;
    std::string state;
  };
  std::vector<Actor> actors;  ///< in the broker's order
  std::set<std::string> topics;
  std::set<std::tuple<std::string, std::string, std::string>> edges;  ///< (sender, topic, reader)
};

/// From the answers to ps, topics and routes. Throws Refusal, Json::exception.
Topology read_topology(const std::string& ps, const std::string& topics, const std::string& routes);

/// `format`: text, mermaid, dot or json.
std::string draw(const Topology& topology, const std::string& format, const Look& look = {});

}  // namespace actor::ctl
