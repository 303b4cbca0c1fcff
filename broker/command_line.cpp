#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <actor/version.hpp>

#include "manifest/names.hpp"
#include "manifest/suggestion.hpp"
#include "manifest/units.hpp"

namespace actor::broker {
namespace {

constexpr const char* description =
    "Starts the actors that a manifest names, watches them, and restarts what dies.\n"
    "Ctrl-C (or SIGTERM) ends them in good order: first nothing new is begun, then what was\n"
    "sent is handled, then they stop. A second Ctrl-C does not wait for what is queued.";

constexpr const char* lesson = R"(
A manifest, station.toml:
  [actors.sensor]
  exec = "./sensor"                      # a program whose main() calls actor::run<...>()

  [actors.alerter]
  exec = "./alerter"
  subscribes = ["WeatherTopic.Reading"]  # what it gets to see

Then:
  actor-broker check station.toml        # every mistake at once, with line and column
  actor-broker station.toml              # run it
  actorctl ps                            # in another terminal: who runs, and how it is doing

Exit codes: 0 ended in good order, 1 the runtime failed, 2 the command line or the manifest is wrong,
3 restarts were used up (on_exhausted).
)";

std::string duration_problem(const std::string& text) {
  if (parse_duration(text)) return {};
  return "'" + text + "' is no duration: write " + std::string(duration_syntax);
}

std::string name_problem(const std::string& name) {
  return actor_name_problem(name, "a broker's name");
}

/// A misspelt `check` is taken for the manifest, and the manifest for one too many.
std::string failure_text(const CLI::App* app, const CLI::Error& error) {
  std::string text = error.what();
  const std::vector<std::string> manifests = app->get_option("MANIFEST")->results();
  const bool is_too_many = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (is_too_many && !manifests.empty() && manifests.front().find_first_of("./") == std::string::npos) {
    const std::string meant = did_you_mean(manifests.front(), {"check"});
    if (!meant.empty()) text = "there is no command \"" + manifests.front() + '"' + meant;
  }
  return "actor-broker: " + text + "\nRun with --help for more information.\n";
}

}  // namespace

std::optional<CommandLine> parse_command_line(int argc, const char* const* argv, int& exit_code) {
  CommandLine line;
  std::string manifest;
  std::string run_for;
  std::string log;
  std::string name;
  std::string runtime_dir;
  std::string state_dir;
  CLI::App app(description, "actor-broker");
  app.footer(lesson);
  app.failure_message(failure_text);
  app.set_version_flag("--version", std::string("actor-broker ") + version());
  app.add_option("MANIFEST", manifest, "the TOML file that says what to run");
  app.add_option("--for", run_for, "end in good order after this time: 10s, 500ms, 2min")->check(duration_problem);
  app.add_option("--log", log,
                 "how log lines and the actors' output look: text or json (default: as the manifest says)")
      ->check(CLI::IsMember({"text", "json"}));
  app.add_option("--name", name, "the broker's name, to run several (default: as the manifest says)")
      ->check(name_problem);
  app.add_option("--runtime-dir", runtime_dir, "where its socket is (default: as the manifest says)");
  app.add_option("--state-dir", state_dir, "where dead letters are kept (default: as the manifest says)");
  CLI::App* check =
      app.add_subcommand("check", "reads a manifest, tells all that is wrong with it, and starts nothing");
  check->footer("");
  check->add_option("MANIFEST", manifest, "the TOML file to check")->required();
  try {
    app.parse(argc, argv);
    // Not required() above: `check` has one of its own.
    if (manifest.empty()) throw CLI::RequiredError("MANIFEST");
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  line.action = check->parsed() ? CommandLine::Action::Check : CommandLine::Action::Run;
  line.manifest = manifest;
  if (!run_for.empty()) line.run_for = parse_duration(run_for);
  if (!log.empty()) line.log = log == "json" ? LogFormat::Json : LogFormat::Text;
  if (!name.empty()) line.name = name;
  if (!runtime_dir.empty()) line.runtime_dir = std::filesystem::absolute(runtime_dir);
  if (!state_dir.empty()) line.state_dir = std::filesystem::absolute(state_dir);
  return line;
}

}  // namespace actor::broker
