// actor-broker: parse, check, set up, then be the keeper of a brain (keeper/keeper.hpp says why there are two).

#include <fcntl.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <control/runtime_path.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "brain.hpp"
#include "brain/ledger.hpp"
#include "command_line.hpp"
#include "keeper/keeper.hpp"
#include "kept_lines.hpp"
#include "manifest/check.hpp"
#include "runtime_dir.hpp"
#include "service_manager.hpp"
#include "session/epoch_page.hpp"

namespace actor::broker {
namespace {

constexpr int wrong_usage = 2;

/// The manifest with what the command line says instead; nothing when it is wrong, which was printed.
std::optional<Manifest> load(const CommandLine& line) {
  Checked checked = check_manifest(line.manifest);
  std::fputs(checked.complaints().c_str(), stderr);
  if (!checked.manifest) return std::nullopt;
  if (line.log) checked.manifest->broker.log = *line.log;
  if (line.name) checked.manifest->broker.name = *line.name;
  return std::move(checked.manifest);
}

int check(const CommandLine& line) {
  const Checked checked = check_manifest(line.manifest);
  std::fputs(checked.complaints().c_str(), stderr);
  if (!checked.manifest) return wrong_usage;
  std::printf("%s\n", checked.summary().c_str());
  return EXIT_SUCCESS;
}

std::string runtime_directory_of(const Manifest& manifest) {
  if (!manifest.broker.runtime_dir) return control::runtime_directory(manifest.broker.name);
  // Like every path in the manifest: relative to the manifest's directory.
  return std::filesystem::absolute(manifest.file).parent_path() / *manifest.broker.runtime_dir;
}

/// For what outlives the broker. Where users keep such things, or, for root, where the system does.
std::filesystem::path state_directory_of(const Manifest& manifest) {
  if (manifest.broker.state_dir)
    return std::filesystem::absolute(manifest.file).parent_path() / *manifest.broker.state_dir;
  const char* const state = std::getenv("XDG_STATE_HOME");
  const char* const home = std::getenv("HOME");
  std::filesystem::path place = "/var/lib";
  if (state && *state == '/')
    place = state;
  else if (::geteuid() != 0 && home && *home == '/')
    place = std::filesystem::path(home) / ".local/state";
  return place / "actor" / manifest.broker.name;
}

int run(const CommandLine& line) {
  auto manifest = load(line);
  if (!manifest) return wrong_usage;
  const RuntimeDir directory(line.runtime_dir ? line.runtime_dir->string() : runtime_directory_of(*manifest));
  Fd listener = directory.listen();
  const KeeperOptions keeper{.stop_timeout = manifest->longest_stop_timeout(),
                             .brain_watchdog = manifest->broker.brain_watchdog,
                             .at_end = [&directory] { directory.remove(); }};
  std::filesystem::path state_dir = line.state_dir ? *line.state_dir : state_directory_of(*manifest);
  const ServiceManager service = ServiceManager::from_environment();
  Ledger ledger;
  EpochPage epochs;
  KeptLines lines;
  const BrainOptions brain{.manifest = std::move(*manifest),
                           .is_named_by_command_line = line.name.has_value(),
                           .is_log_by_command_line = line.log.has_value(),
                           .run_for = line.run_for,
                           .state_dir = std::move(state_dir),
                           .runtime_dir = directory.path(),
                           .ledger = ledger,
                           .epochs = epochs,
                           .lines = lines,
                           .service = service};
  return run_keeper(keeper, [&](Fd socket, Pulse& pulse) {
    return run_brain(KeeperClient(std::move(socket)), std::move(listener), brain, pulse);
  });
}

/// A descriptor that is opened where stdin, stdout or stderr should be would get what is meant for those.
void fill_standard_descriptors() {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  } while (fd >= 0 && fd <= 2);
  if (fd > 2) ::close(fd);
}

}  // namespace
}  // namespace actor::broker

int main(int argc, char** argv) {
  using namespace actor::broker;  // NOLINT: nothing else is in here
  fill_standard_descriptors();
  try {
    int exit_code = 0;
    const auto line = parse_command_line(argc, argv, exit_code);
    if (!line) return exit_code;
    return line->action == CommandLine::Action::Check ? check(*line) : run(*line);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "actor-broker: %s\n", exception.what());
    return EXIT_FAILURE;
  }
}
