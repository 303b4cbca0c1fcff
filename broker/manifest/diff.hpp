#pragma once
// What a reload has to do: the difference between the manifest that runs and the one that is to run. A pure function;
// any thread.

#include <string>
#include <vector>

#include "manifest/manifest.hpp"

namespace actor::broker {

struct ManifestDiff {
  std::vector<std::string> added;     // in the order of the new file
  std::vector<std::string> removed;   // in the order of the old one
  std::vector<std::string> changed;   // to be started anew: what its process is differs, or one of its topics
  std::vector<std::string> adjusted;  // only what the broker does about it differs, or one of its groups
  std::vector<ManifestError> errors;  // what no running broker can change; then none of the rest may be done
  bool empty() const { return added.empty() && removed.empty() && changed.empty() && adjusted.empty(); }
};

/// May a process that was started from the one run on as if it had been started from the other? Its program, rights,
/// topics and memory are the same: what differs is what the broker alone acts on.
bool fits_process(const ActorSection& before, const ActorSection& after);

ManifestDiff diff(const Manifest& before, const Manifest& after);

}  // namespace actor::broker
