#pragma once
// Topics that travel by iceoryx: which ones, whether iceoryx can, and the RouDi that the broker runs for them, an actor
// like any other (transports/iceoryx/roudi.cpp). Pure.

#include <string_view>
#include <vector>

#include "iceoryx/pools.hpp"
#include "manifest/manifest.hpp"
#include "manifest/sound_sections.hpp"
#include "manifest/table_reader.hpp"

namespace actor::broker {

inline constexpr const char* roudi_actor = "roudi";
/// Around RouDi and all who use it: when RouDi goes, they go with it.
inline constexpr const char* iceoryx_group = "iceoryx";
/// Around those who use it: one of them goes alone.
inline constexpr const char* iceoryx_users = "iceoryx-users";

/// Does the manifest want it to?
bool travels_by_iceoryx(const Manifest& manifest, std::string_view topic);
/// Which of what its section says, or its programs, iceoryx cannot do. Empty: it can.
std::string iceoryx_cannot(const OverflowPolicy& policy, std::uint32_t capacity, bool latched, std::string_view topic);

/// What iceoryx cannot do, and its limits.
void check_iceoryx(const Manifest& manifest, const SoundSections& sound, Findings& findings);
/// Adds RouDi and the groups when a topic needs them. REQUIRES: check_iceoryx() found no error.
void add_roudi(Manifest& manifest);
/// Memory for all that can be under way at once, from the capacities and payloads of the topics.
std::vector<iceoryx::Pool> roudi_pools(const Manifest& manifest);

}  // namespace actor::broker
