#pragma once
// How our topics are found by other iceoryx programs, and what our chunks say of themselves. docs/iceoryx.md describes
// both for those who write such programs.

#include <cstdint>
#include <iceoryx_posh/capro/service_description.hpp>
#include <string>

namespace actor::iceoryx {

/// Where programs outside of the broker publish: no actor can have this name.
inline constexpr const char* outside_instance = "@outside";

/// {service of the broker, the actor that publishes, topic}
inline iox::capro::ServiceDescription description(const std::string& service, const std::string& instance,
                                                  const std::string& topic) {
  using iox::capro::IdString_t;
  return {IdString_t(iox::cxx::TruncateToCapacity, service), IdString_t(iox::cxx::TruncateToCapacity, instance),
          IdString_t(iox::cxx::TruncateToCapacity, topic)};
}

/// The user header of each chunk that an actor publishes.
struct ChunkNote {
  static constexpr std::uint64_t magic_value = 0x31544e4556454341;  // "ACEVENT1"
  std::uint64_t magic;
  std::uint64_t ticket;  // libactor's own
  std::uint64_t type_hash;
  std::uint64_t actor;  // with `counter`, the event's id
  std::uint64_t counter;
  std::uint64_t parent_actor;
  std::uint64_t parent_counter;
  std::int64_t monotonic_ns;
};
static_assert(sizeof(ChunkNote) == 64);

/// Payloads are aligned to this.
inline constexpr std::uint32_t payload_alignment = 64;
/// What a chunk takes beside its payload: iceoryx's header, ours, and the alignment.
inline constexpr std::uint32_t chunk_overhead = 192;

}  // namespace actor::iceoryx
