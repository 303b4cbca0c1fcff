#pragma once
// Finds actors that wait for each other's mailboxes in a circle: none of them can ever go on. Pure functions.

#include <actor/id.hpp>
#include <map>
#include <string>
#include <supervisor/hub.hpp>
#include <vector>

namespace actor {

/// Who waits for whom.
using WaitGraph = std::map<ActorId, std::vector<Wait>>;

/// One line for each circle: "a waits for b on topic X (3 events), b waits for a on topic Y (1 event)".
std::vector<std::string> find_stalls(const WaitGraph& graph);

}  // namespace actor
