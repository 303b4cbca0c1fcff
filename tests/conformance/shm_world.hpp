#pragma once
// The shm transport as the conformance suite sees it: a broker's wiring without processes and sockets, so that one
// process, and ThreadSanitizer, sees both sides. Segments are as real as in production: sealed, and mapped read-only by
// the other side.

#include <functional>
#include <process/carrier.hpp>

#include "conformance/world.hpp"

namespace actor::conformance {

std::unique_ptr<World> make_shm_world(WorldOptions options);

/// The same with a carrier for each life of a peer, for the topics that it can carry.
struct Carriage {
  std::function<std::unique_ptr<Carrier>(const std::string& peer, std::uint32_t life)> make;
  std::function<bool(const TopicSpec&)> can_carry;
  std::uint64_t most_bytes;
  std::function<std::uint64_t()> carried;
};
std::unique_ptr<World> make_carried_world(WorldOptions options, Carriage carriage);

}  // namespace actor::conformance
