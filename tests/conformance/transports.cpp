#include "conformance/inproc_world.hpp"
#include "conformance/world.hpp"

namespace actor::conformance {

std::vector<Transport> transports() {
  return {{"inproc", make_inproc_world}};
}

}  // namespace actor::conformance
