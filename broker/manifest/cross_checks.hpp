// What no single key can tell: whether the sections of a manifest make sense together. For a manifest without errors;
// only warnings. Internal to the manifest.
#pragma once

#include "manifest/table_reader.hpp"

namespace actor::broker {

/// Topics that nobody can publish. Not an error: an actor started by hand may publish what the manifest does not
/// mention.
void check_topics(const Manifest& manifest, Findings& findings);

/// Budgets that can never be exceeded, because the backoff spreads the restarts further than the window reaches.
void check_budgets(const Manifest& manifest, Findings& findings);

}  // namespace actor::broker
