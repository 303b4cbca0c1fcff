#include "conformance/iceoryx_world.hpp"
#include "conformance/inproc_world.hpp"
#include "conformance/shm_world.hpp"
#include "conformance/world.hpp"

namespace actor::conformance {

std::vector<Transport> transports() {
  std::vector<Transport> all = {{"inproc", make_inproc_world}, {"shm", make_shm_world}};
  if (has_iceoryx()) all.push_back({"iceoryx", make_iceoryx_world});
  return all;
}

}  // namespace actor::conformance
