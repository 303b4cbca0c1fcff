#include "manifest/check.hpp"

#include <actor/error.hpp>
#include <cstdlib>

#include "sandbox/cgroups.hpp"

namespace actor::broker {

namespace {

/// Limits that need what this machine does not have; a broker in a service of its own may have it.
void warn_of_missing_limits(const Manifest& manifest, std::vector<ManifestError>& warnings) {
  const Cgroups cgroups(manifest.broker.cgroup);
  for (const ActorSection& actor : manifest.actors) {
    for (const std::string& key : cgroups.missing(actor.sandbox.limits)) {
      warnings.push_back(manifest.error(key_path("actors", actor.name) + ".limits." + key,
                                        "unavailable to a broker that is started here: " + cgroups.why_missing(key)));
    }
  }
}

}  // namespace

Checked check_manifest(const std::filesystem::path& file) {
  ManifestResult result = load_manifest(file);
  if (result.manifest) {
    const char* path = std::getenv("PATH");
    result.errors = check_executables(*result.manifest, path != nullptr ? path : "");
  }
  if (!result.errors.empty()) result.manifest.reset();
  if (result.manifest) warn_of_missing_limits(*result.manifest, result.warnings);
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
