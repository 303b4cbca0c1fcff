#pragma once
// Actors of a supervisor that wait for each other's mailboxes in a circle, in words. A pure function.

#include <string>
#include <supervision/wait_graph.hpp>
#include <vector>

namespace actor {

/// One line for each circle: "a waits for b on topic X (3 events), b waits for a on topic Y (1 event)".
std::vector<std::string> find_stalls(const WaitGraph& graph);

}  // namespace actor
