// Where libiceoryx-posh-dev was not found.

#include "conformance/iceoryx_world.hpp"

namespace actor::conformance {

bool has_iceoryx() {
  return false;
}
std::unique_ptr<World> make_iceoryx_world(WorldOptions) {
  return nullptr;
}

}  // namespace actor::conformance
