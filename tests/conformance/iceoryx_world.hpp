#pragma once
// The iceoryx transport under conformance tests: peers whose payloads iceoryx carries, and a RouDi of the test's own.

#include "conformance/world.hpp"

namespace actor::conformance {

/// Was it built?
bool has_iceoryx();
std::unique_ptr<World> make_iceoryx_world(WorldOptions options);

}  // namespace actor::conformance
