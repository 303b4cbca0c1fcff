#pragma once
// A manifest's mistakes as they are printed, one each line. Used by the tests of the manifest.

#include <string>
#include <vector>

#include "manifest/manifest.hpp"

namespace actor::broker {

inline std::vector<std::string> lines_of(const std::vector<ManifestError>& errors) {
  std::vector<std::string> lines;
  for (const ManifestError& error : errors) lines.push_back(format(error));
  return lines;
}

}  // namespace actor::broker
