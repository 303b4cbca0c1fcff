#pragma once
// The in-process transport as the conformance suite sees it.

#include "conformance/world.hpp"

namespace actor::conformance {

std::unique_ptr<World> make_inproc_world(WorldOptions options);

}  // namespace actor::conformance
