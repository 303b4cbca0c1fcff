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

#include "manifest/suggestion.hpp"

namespace actor::ctl {
namespace {

constexpr const char* lesson = R"(
Examples:
  actorctl ps                     # who runs
  actorctl top                    # who is busy with what, again each second
  actorctl why alerter            # how it died lately, and what it was doing
  actorctl tail T.Reading         # its events as they are sent, one JSON object a line
  actorctl restart alerter        # end it after the event in hand, start it again; its mailbox is kept
  actorctl kill alerter -s SEGV   # what would the broker do if it crashed?
  actorctl --json ps | jq .       # for programs
  actorctl --broker attic ps      # when several brokers run

Exit codes: 0 done, 1 the answer is no, 2 wrong command line, 3 no broker to talk to.
)";

/// Where the subcommands' options go.
struct Target {
  Command& command;
  std::string& signal;
};

std::string count_problem(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_count = failure == std::errc() && end == text.data() + text.size() && number > 0;
  return is_count ? std::string() : "'" + text + "' is not a whole number from 1";
}

void takes_actor(CLI::App& app, Target target) {
  app.add_option("NAME", target.command.actor, "the actor, as the manifest names it")->required();
}
void takes_nothing(CLI::App&, Target) {}

void add_top(CLI::App& app, Target target) {
  app.add_flag("--once", target.command.once, "show one interval and end");
  app.add_option("-i,--interval", target.command.interval_s, "seconds between two looks (default: 1)")
      ->check(CLI::Range(0.05, 3600.0));
  app.footer("\nq or Ctrl-C ends it. Without a terminal it prints one table after the other.");
}
void add_topology(CLI::App& app, Target target) {
  app.add_option("--format", target.command.format, "text (default), mermaid, dot or json")
      ->check(CLI::IsMember({"text", "mermaid", "dot", "json"}));
  app.footer("\nactorctl topology --format dot | dot -Tsvg > topology.svg");
}
void add_tail(CLI::App& app, Target target) {
  app.add_option("TOPIC", target.command.topic, "its name; * for all")->required();
  app.add_option("--actor", target.command.actor, "only what this actor sends; with --received, what it gets");
  app.add_flag("--received", target.command.received, "what readers get, once for each, instead of what is sent");
  app.add_option("-n,--count", target.command.count, "end after so many events")->check(count_problem);
  app.footer(
      "\nEach line is a JSON object: time, topic, type, sender, id, parent, event. What nobody reads is not\n"
      "seen. Actors do not wait for it: "
      "what it is too slow to read is missing, and stderr says how much.");
}
void add_send(CLI::App& app, Target target) {
  app.add_option("TOPIC", target.command.topic, "where to")->required();
  app.add_option("JSON", target.command.event, "the event, as tail shows it; - reads it from stdin")->required();
  app.add_option("--type", target.command.type, "which event type, when the JSON fits several")->type_name("NAME");
  app.add_option("--as", target.command.actor, "whose event it is to be, when several actors send to the topic")
      ->type_name("ACTOR");
  app.footer("\nactorctl send StationTopic.Alert '{\"sensor\":\"cpu\",\"celsius\":91.5}' --as alerter");
}
void add_kill(CLI::App& app, Target target) {
  takes_actor(app, target);
  app.add_option("-s,--signal", target.signal, "which one: KILL (default), TERM, SEGV, ..., or its number")
      ->check([](const std::string& text) {
        return parse_signal(text) ? std::string() : "'" + text + "' is no signal: write KILL, SIGTERM, 9, ...";
      });
}
void add_logs(CLI::App& app, Target target) {
  takes_actor(app, target);
  app.add_flag("-f,--follow", target.command.follow, "go on with what it prints from now on");
  app.add_option("-n,--lines", target.command.count, "only the last so many; the broker keeps 100 of each actor")
      ->check(count_problem);
}
void add_dead_letters(CLI::App& app, Target target) {
  app.require_subcommand(1);
  for (const auto& [name, help] :
       {std::pair{"list", "what was given up on, and why"}, std::pair{"retry", "hand it to its reader again"},
        std::pair{"discard", "forget it for good"}}) {
    CLI::App* action = app.add_subcommand(name, help);
    action->footer("");
    action->add_option("--actor", target.command.actor, "only what this actor was to read");
    if (std::strcmp(name, "list") == 0) continue;
    action->add_option("ID", target.command.ids, "which, as list numbers them");
    action->add_flag("--all", target.command.all, "all of them, or all of --actor");
  }
}
void add_check(CLI::App& app, Target target) {
  app.add_option("FILE", target.command.file, "the manifest")->required();
  app.footer("\nAsks no broker: the same as actor-broker check FILE.");
}

struct Verb {
  const char* name;
  const char* help;
  void (*add)(CLI::App& app, Target target);
};

constexpr std::array verbs = {
    Verb{"ps", "one line for each actor: process, state, restarts, events", takes_nothing},
    Verb{"top", "who is busy: events per second, queues, how long handling takes, restarts", add_top},
    Verb{"topics", "one line for each topic: policy, publishers, subscribers", takes_nothing},
    Verb{"routes", "one line for each pair of publisher and subscriber: what is queued between them", takes_nothing},
    Verb{"types", "the event types that programs have told, with their schemas", takes_nothing},
    Verb{"topology", "who sends what to whom, as a picture", add_topology},
    Verb{"tail", "the events of a topic as they are sent, one JSON object a line", add_tail},
    Verb{"send", "send an event, made from JSON, in an actor's name", add_send},
    Verb{"why", "how an actor died lately: reason, event in hand, last lines, next restart", takes_actor},
    Verb{"deaths", "the last deaths of all actors, one line each", takes_nothing},
    Verb{"logs", "what an actor printed last", add_logs},
    Verb{"restart", "end an actor after the event in hand and start it again; its mailbox is kept", takes_actor},
    Verb{"stop", "end an actor's subscriptions, let it handle what it has, end it for good", takes_actor},
    Verb{"start", "start an actor that was stopped, or that the broker has given up on", takes_actor},
    Verb{"reset", "forgive an actor its restarts: budget and backoff begin anew, quarantine ends", takes_actor},
    Verb{"kill", "send a signal to an actor's process", add_kill},
    Verb{"dead-letters", "events that were given up on: list them, retry them, discard them", add_dead_letters},
    Verb{"stalls", "who waits for whom, and does not get on", takes_nothing},
    Verb{"reload", "read the manifest again and change what has changed; nothing when it is wrong", takes_nothing},
    Verb{"check", "all that is wrong with a manifest, with line and column; asks no broker", add_check},
    Verb{"shutdown", "end the whole runtime in good order", takes_nothing},
};

std::string problem_of(const Command& command) {
  if (command.verb != "dead-letters" || command.action == "list") return {};
  if (!command.ids.empty() && command.all) return "numbers and --all exclude each other";
  if (command.ids.empty() && !command.all) return "which? Give their numbers, or --all; dead-letters list shows them";
  return {};
}

/// What to say of a command line without a command, or with one that there is not. CLI11 says only that one is missing.
std::string missing_command(const CLI::App& app) {
  const CLI::App* inner = &app;
  while (!inner->get_subcommands().empty()) inner = inner->get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::App* command : inner->get_subcommands({})) names.push_back(command->get_name());
  const std::string of = inner == &app ? "" : " of " + inner->get_name();
  const std::vector<std::string> words = app.remaining(true);
  if (words.empty()) return "which command" + of + "? There are " + CLI::detail::join(names, ", ");
  const std::string& first = words.front();
  if (first.starts_with('-')) return "there is no option \"" + first + '"';
  return "there is no command \"" + first + '"' + of + broker::did_you_mean(first, names);
}

std::string failure_text(const CLI::App* app, const CLI::Error& error) {
  const bool lacks_command =
      error.get_name() == "RequiredError" && std::string(error.what()) == CLI::RequiredError::Subcommand(1).what();
  return "actorctl: " + (lacks_command ? missing_command(*app) : std::string(error.what())) +
         "\nRun with --help for more information.\n";
}

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
  if (!action.empty()) object["action"] = action;
  if (!ids.empty()) object["ids"] = ids;
  if (all) object["all"] = true;
  return object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Command> parse_command(int argc, const char* const* argv, int& exit_code) {
  Command command;
  std::string signal = "KILL";
  CLI::App app("Asks a running actor-broker, and tells it what to do.", "actorctl");
  app.footer(lesson);
  app.set_version_flag("--version", std::string("actorctl ") + version());
  app.failure_message(failure_text);
  app.require_subcommand(1);
  app.fallthrough();  // options may stand after the command as well
  app.add_option("--broker", command.broker,
                 "which one: its name, or with a slash the path of its runtime directory or socket "
                 "(default: the one broker that this user runs)");
  app.add_flag("--json", command.json, "print the answer as JSON, on one line");
  for (const Verb& verb : verbs) {
    CLI::App* subcommand = app.add_subcommand(verb.name, verb.help);
    subcommand->footer("");
    verb.add(*subcommand, {command, signal});
  }
  try {
    app.parse(argc, argv);
    const CLI::App* chosen = app.get_subcommands().front();
    command.verb = chosen->get_name();
    if (!chosen->get_subcommands().empty()) command.action = chosen->get_subcommands().front()->get_name();
    if (const std::string problem = problem_of(command); !problem.empty()) throw CLI::ValidationError(problem);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  if (command.verb == "kill") command.signal = parse_signal(signal).value_or(SIGKILL);
  if (command.format == "json") command.json = true;
  return command;
}

}  // namespace actor::ctl
