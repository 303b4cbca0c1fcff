#pragma once
// The shm transport as the conformance suite sees it: a broker's wiring without processes and sockets, so that one
// process, and ThreadSanitizer, sees both sides. Segments are as real as in production: sealed, and mapped read-only by
// the other side.

#include "conformance/world.hpp"

namespace actor::conformance {

std::unique_ptr<World> make_shm_world(WorldOptions options);

}  // namespace actor::conformance
