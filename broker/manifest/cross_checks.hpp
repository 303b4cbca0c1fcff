// What no single key can tell: whether the sections of a manifest make sense together, those that have errors left out.
// Internal to the manifest.
#pragma once

#include "manifest/sound_sections.hpp"
#include "manifest/table_reader.hpp"

namespace actor::broker {

/// Groups and actors that do not exist, circles, and what contradicts itself: errors. Puts each group after its parent.
void check_supervision(Manifest& manifest, const SoundSections& sound, Findings& findings);

/// Actors that share a process but ask for what a process has only one of: errors.
void check_processes(const Manifest& manifest, const SoundSections& sound, Findings& findings);

/// Topics that nobody can publish. Only a warning: an actor started by hand may publish what the manifest does not
/// mention.
void check_topics(const Manifest& manifest, const SoundSections& sound, Findings& findings);

/// Budgets that can never be exceeded, because the backoff spreads the restarts further than the window reaches:
/// warnings.
void check_budgets(const Manifest& manifest, const SoundSections& sound, Findings& findings);

}  // namespace actor::broker
