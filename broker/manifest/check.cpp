#include "manifest/check.hpp"

#include <actor/error.hpp>
#include <cstdlib>

namespace actor::broker {

Checked check_manifest(const std::filesystem::path& file) {
  ManifestResult result = load_manifest(file);
  if (result.manifest) {
    const char* path = std::getenv("PATH");
    result.errors = check_executables(*result.manifest, path != nullptr ? path : "");
  }
  if (!result.errors.empty()) result.manifest.reset();
  return {std::move(result.manifest), std::move(result.errors), std::move(result.warnings)};
}

std::string Checked::complaints() const {
  std::string text;
  for (const ManifestError& warning : warnings) text += format(warning) + " (warning)\n";
  for (const ManifestError& error : errors) text += format(error) + "\n";
  return text;
}

std::string Checked::summary() const {
  ACTOR_ASSERT(manifest.has_value(), "a manifest with errors is not summed up");
  return manifest->file.string() + ": OK: broker '" + manifest->broker.name + "', " +
         std::to_string(manifest->actors.size()) + " actors, " + std::to_string(manifest->topics.size()) +
         " topics with settings of their own";
}

}  // namespace actor::broker
