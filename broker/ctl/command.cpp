#include "ctl/command.hpp"

#include <CLI/CLI.hpp>
#include <actor/version.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

namespace actor::ctl {
namespace {

constexpr const char* lesson = R"(
Examples:
  actorctl ps                     # who runs
  actorctl restart alerter        # end it after the event in hand, start it again; its mailbox is kept
  actorctl kill alerter -s SEGV   # what would the broker do if it crashed?
  actorctl --json ps | jq .       # for programs
  actorctl --broker attic ps      # when several brokers run

Exit codes: 0 done, 1 the broker said no, 2 wrong command line, 3 no broker to talk to.
)";

struct Verb {
  const char* name;
  bool takes_actor;
  const char* help;
};

constexpr std::array verbs = {
    Verb{"ps", false, "one line for each actor: process, state, restarts, events"},
    Verb{"topics", false, "one line for each topic: policy, publishers, subscribers"},
    Verb{"routes", false, "one line for each pair of publisher and subscriber: what is queued between them"},
    Verb{"restart", true, "end an actor after the event in hand and start it again; its mailbox is kept"},
    Verb{"stop", true, "end an actor's subscriptions, let it handle what it has, end it for good"},
    Verb{"start", true, "start an actor that was stopped, or that the broker has given up on"},
    Verb{"kill", true, "send a signal to an actor's process"},
    Verb{"shutdown", false, "end the whole runtime in good order"},
};

}  // namespace

std::optional<int> parse_signal(const std::string& text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure == std::errc() && end == text.data() + text.size()) {
    return number >= 1 && number < NSIG ? std::optional(number) : std::nullopt;
  }
  std::string name = text;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  if (name.starts_with("SIG")) name.erase(0, 3);
  for (int signal = 1; signal < NSIG; ++signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    if (abbreviation != nullptr && name == abbreviation) return signal;
  }
  return std::nullopt;
}

std::string Command::request() const {
  nlohmann::json object = {{"command", verb}};
  if (!actor.empty()) object["actor"] = actor;
  if (signal != 0) object["signal"] = signal;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Command> parse_command(int argc, const char* const* argv, int& exit_code) {
  Command command;
  std::string signal = "KILL";
  CLI::App app("Asks a running actor-broker, and tells it what to do.", "actorctl");
  app.footer(lesson);
  app.set_version_flag("--version", std::string("actorctl ") + version());
  app.require_subcommand(1);
  app.fallthrough();  // options may stand after the command as well
  app.add_option("--broker", command.broker,
                 "which one: its name, or with a slash the path of its runtime directory or socket "
                 "(default: the one broker that this user runs)");
  app.add_flag("--json", command.json, "print the broker's answer as JSON, on one line");
  for (const Verb& verb : verbs) {
    CLI::App* subcommand = app.add_subcommand(verb.name, verb.help);
    subcommand->footer("");
    if (verb.takes_actor)
      subcommand->add_option("NAME", command.actor, "the actor, as the manifest names it")->required();
    if (std::strcmp(verb.name, "kill") != 0) continue;
    subcommand->add_option("-s,--signal", signal, "which one: KILL (default), TERM, SEGV, ..., or its number")
        ->check([](const std::string& text) {
          return parse_signal(text) ? std::string() : "'" + text + "' is no signal: write KILL, SIGTERM, 9, ...";
        });
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  command.verb = app.get_subcommands().front()->get_name();
  if (command.verb == "kill") command.signal = parse_signal(signal).value_or(SIGKILL);
  return command;
}

}  // namespace actor::ctl
