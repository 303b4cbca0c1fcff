#include <unistd.h>

#include "manifest/iceoryx.hpp"
#include "manifest/manifest.hpp"
#include "manifest/names.hpp"
#include "manifest/sound_sections.hpp"
#include "sandbox/orders.hpp"

namespace actor::broker {
namespace {

namespace fs = std::filesystem;

enum class Usable { Yes, Missing, NotAFile, NotExecutable };

Usable examine(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) return Usable::Missing;
  if (!fs::is_regular_file(status)) return Usable::NotAFile;
  return ::access(file.c_str(), X_OK) == 0 ? Usable::Yes : Usable::NotExecutable;
}

fs::path directory_of(const Manifest& manifest) {
  return fs::absolute(manifest.file).parent_path();
}

fs::path written_path(const Manifest& manifest, const ActorSection& actor) {
  return (directory_of(manifest) / actor.exec).lexically_normal();
}

bool is_looked_up(const ActorSection& actor) {
  return actor.exec.find('/') == std::string::npos;
}

std::optional<fs::path> look_up(const std::string& program, std::string_view path) {
  while (true) {
    const std::size_t colon = path.find(':');
    const std::string_view directory = path.substr(0, colon);
    // Why not "" as the current directory, as a shell does? What a broker runs must not depend on where it was started.
    if (!directory.empty()) {
      fs::path file = fs::absolute(fs::path(directory) / program);
      if (examine(file) == Usable::Yes) return file;
    }
    if (colon == std::string_view::npos) return std::nullopt;
    path.remove_prefix(colon + 1);
  }
}

std::string problem_with(const Manifest& manifest, const ActorSection& actor, std::string_view path) {
  const std::string exec = in_quotes(actor.exec);
  const fs::path file = written_path(manifest, actor);
  if (is_looked_up(actor)) {
    std::string problem = exec + " is in no directory of PATH (" + std::string(path) + ")";
    if (examine(file) == Usable::Yes) return problem + "; did you mean \"./" + actor.exec + "\", beside the manifest?";
    return problem + "; install it, or write the path of the program";
  }
  switch (examine(file)) {
    case Usable::Missing:
      return "there is no file " + file.string() +
             "; build or install it, or correct the path (a relative one starts at " + directory_of(manifest).string() +
             ", the manifest's directory)";
    case Usable::NotAFile:
      return file.string() + " is not a file; exec names a program";
    case Usable::NotExecutable:
      return file.string() + " may not be executed by this user; check its permissions: chmod +x " + file.string();
    case Usable::Yes:
      break;
  }
  return {};
}

}  // namespace

std::optional<fs::path> find_executable(const Manifest& manifest, const ActorSection& actor, std::string_view path) {
  if (actor.exec.empty()) return std::nullopt;
  if (is_looked_up(actor)) return look_up(actor.exec, path);
  fs::path file = written_path(manifest, actor);
  if (examine(file) != Usable::Yes) return std::nullopt;
  return file;
}

std::vector<ManifestError> check_executables(const Manifest& manifest, std::string_view path,
                                             const std::vector<ManifestError>& known) {
  const SoundSections sound(known);
  std::vector<ManifestError> errors;
  for (const ActorSection& actor : manifest.actors) {
    const std::string section = key_path("actors", actor.name);
    if (!find_executable(manifest, actor, path) && actor.name == roudi_actor) {
      errors.push_back(manifest.error(
          "broker.transport",
          "iceoryx needs the program actor-roudi, which is in no directory of PATH (" + std::string(path) +
              "): install libactor's package for iceoryx, or build libactor where libiceoryx-posh-dev and libacl1-dev "
              "are installed; or set transport = \"shm\""));
    } else if (!actor.exec.empty() && !find_executable(manifest, actor, path)) {
      errors.push_back(manifest.error(section + ".exec", problem_with(manifest, actor, path)));
    }
    SandboxProblem problem;
    if (sound.has(section) && !make_orders(actor.sandbox, false, problem)) {
      errors.push_back(manifest.error(section + '.' + problem.key, problem.text));
    }
    if (!actor.cwd) continue;
    const fs::path cwd = (directory_of(manifest) / *actor.cwd).lexically_normal();
    std::error_code error;
    if (!fs::is_directory(cwd, error)) {
      errors.push_back(manifest.error(section + ".cwd",
                                      "there is no directory " + cwd.string() + "; create it or correct the path"));
    }
  }
  return errors;
}

}  // namespace actor::broker
