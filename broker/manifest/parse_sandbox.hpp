// The keys of [actors.NAME] that say what its process may do and how much of the machine it gets. Internal to the
// manifest.
#pragma once

#include "manifest/table_reader.hpp"
#include "sandbox/sandbox.hpp"

namespace actor::broker {

void read_sandbox(TableReader& read, Sandbox& sandbox);

}  // namespace actor::broker
