#pragma once
// All that can be said of a manifest before it is run: what actor-broker refuses to start, and what `check` tells.
// Reads the file and looks for the programs; no global state.

#include <string>
#include <vector>

#include "manifest/manifest.hpp"

namespace actor::broker {

struct Checked {
  std::optional<Manifest> manifest;  ///< set exactly when there are no errors
  std::vector<ManifestError> errors;
  std::vector<ManifestError> warnings;

  /// A line for each warning and error.
  std::string complaints() const;
  /// "station.toml: OK: ...". REQUIRES: there is a manifest.
  std::string summary() const;
};

Checked check_manifest(const std::filesystem::path& file);

}  // namespace actor::broker
