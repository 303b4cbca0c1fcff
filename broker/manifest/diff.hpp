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
  std::vector<std::string> changed;   // to be started anew: its section differs, or that of its group or of its topics
  std::vector<ManifestError> errors;  // what no running broker can change; then none of the rest may be done
  bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

ManifestDiff diff(const Manifest& before, const Manifest& after);

}  // namespace actor::broker
