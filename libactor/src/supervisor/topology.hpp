#pragma once
// Who sends what to whom, drawn: as a Mermaid flow chart for documents, as JSON for programs. Pure functions.

#include <actor/actor_spec.hpp>
#include <actor/id.hpp>
#include <string>
#include <utility>
#include <vector>

namespace actor {

struct Topology {
  std::vector<ActorSpec> actors;
  std::vector<std::pair<ActorId, std::string>> publishers;  ///< (actor, topic): what has been sent so far
};

std::string to_mermaid(const Topology& topology);
std::string to_json(const Topology& topology);

}  // namespace actor
