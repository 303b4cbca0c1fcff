#include "manifest/check.hpp"

#include <actor/error.hpp>
#include <cstdlib>
#include <iterator>

#include "iceoryx/only_roudi.hpp"
#include "manifest/iceoryx.hpp"
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

/// There can be one RouDi on a machine. A foreign one does not go away by itself; one of ours is this broker's own,
/// when the manifest of a broker that runs is checked, or ends with its broker.
void look_for_another_roudi(const Manifest& manifest, Checked& checked) {
  if (!manifest.find_actor(roudi_actor)) return;
  const auto other = iceoryx::find_running_roudi();
  if (!other) return;
  const std::string found =
      "iceoryx's daemon runs already, " + other->described() + ", and there can be one only on a machine; ";
  if (other->is_actor) {
    checked.warnings.push_back(
        manifest.error("broker.transport",
                       found + "if that broker is not this one, stop it, or set transport = \"shm\" in one of them"));
  } else {
    checked.errors.push_back(manifest.error(
        "broker.transport", found + "stop it: this broker runs one that programs outside can use as well "
                                    "(docs/iceoryx.md). Or set transport = \"shm\""));
  }
}

}  // namespace

Checked check_manifest(const std::filesystem::path& file) {
  ManifestResult result = load_manifest(file);
  Checked checked{std::move(result.manifest), std::move(result.errors), std::move(result.warnings)};
  if (const auto& read = checked.manifest ? checked.manifest : result.wrong) {
    const char* path = std::getenv("PATH");
    auto more = check_executables(*read, path != nullptr ? path : "", checked.errors);
    checked.errors.insert(checked.errors.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
    sort_by_position(checked.errors);
  }
  if (checked.manifest) look_for_another_roudi(*checked.manifest, checked);
  if (!checked.errors.empty()) checked.manifest.reset();
  if (checked.manifest) warn_of_missing_limits(*checked.manifest, checked.warnings);
  return checked;
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
