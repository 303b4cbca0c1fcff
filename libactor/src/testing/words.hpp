#pragma once
// How the messages of the test harness name things. Pure functions.

#include <actor/testing/spies.hpp>
#include <string>
#include <vector>

namespace actor::testing {

/// "1 delivery", "2 deliveries"
std::string counted(std::size_t count, std::string_view one, std::string_view many);
/// "nobody", "a", "a, b"
std::string names(const std::vector<ActorId>& actors);
std::vector<ActorId> ids(const std::vector<ActorName>& actors);
/// "running", "stopped", "unknown"
std::string state_of(const ActorSpy& spy);

}  // namespace actor::testing
