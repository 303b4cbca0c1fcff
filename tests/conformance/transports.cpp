#include "conformance/inproc_world.hpp"
#include "conformance/shm_world.hpp"
#include "conformance/world.hpp"

namespace actor::conformance {

std::vector<Transport> transports() {
  return {{"inproc", make_inproc_world}, {"shm", make_shm_world}};
}

}  // namespace actor::conformance
