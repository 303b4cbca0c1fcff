#include <getopt.h>

#include <actor/version.hpp>
#include <algorithm>
#include <cstdio>
#include <process/options.hpp>
#include <string_view>

namespace actor {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::optional<Latency> latency_called(std::string_view word) {
  if (word == "low") return Latency::Low;
  if (word == "balanced") return Latency::Balanced;
  if (word == "power-save") return Latency::PowerSave;
  return std::nullopt;
}

void print_help(const char* program, const std::vector<std::string>& classes) {
  std::printf(
      "Usage: %s [--actor CLASS] [--broker BROKER --name NAME [--subscribe TOPIC]... [--publish TOPIC]... [--latency "
      "WORD]]\n\n"
      "Runs one actor as this process. A broker starts it from its manifest (actor-broker MANIFEST), and then tells "
      "it\n"
      "everything it needs; by hand it is started beside a running broker.\n\n"
      "  --actor CLASS      which actor to run, if the program holds several: %s\n"
      "  --broker BROKER    a running broker: its name, or the path of its runtime directory\n"
      "  --name NAME        the name to run under; a broker has each name once\n"
      "  --subscribe TOPIC  receive this topic (\"*\" for all); may be repeated\n"
      "  --publish TOPIC    may send to this topic; may be repeated; default: every topic the program knows\n"
      "  --latency WORD     low, balanced or power-save: how long it looks for events before it sleeps\n"
      "  --version, --help\n\n"
      "What main() looks at before it calls actor::run<...>(), such as --in-process in the examples, is not listed "
      "here.\n",
      program, joined(classes).c_str());
}

}  // namespace

ParsedProcessOptions parse_process_options(int argc, char** argv, const std::vector<std::string>& classes,
                                           bool started_by_broker) {
  static const option known[] = {{"actor", required_argument, nullptr, 'a'},
                                 {"broker", required_argument, nullptr, 'b'},
                                 {"name", required_argument, nullptr, 'n'},
                                 {"subscribe", required_argument, nullptr, 's'},
                                 {"publish", required_argument, nullptr, 'p'},
                                 {"latency", required_argument, nullptr, 'l'},
                                 {"help", no_argument, nullptr, 'h'},
                                 {"version", no_argument, nullptr, 'v'},
                                 {nullptr, 0, nullptr, 0}};
  ProcessOptions options;
  optind = 1;
  for (int letter; (letter = getopt_long(argc, argv, "", known, nullptr)) != -1;) {
    switch (letter) {
      case 'a':
        options.actor_class = optarg;
        break;
      case 'b':
        options.broker = optarg;
        break;
      case 'n':
        options.name = optarg;
        break;
      case 's':
        options.subscribes.emplace_back(optarg);
        break;
      case 'p':
        options.publishes.emplace_back(optarg);
        break;
      case 'l':
        options.latency = latency_called(optarg);
        if (options.latency) break;
        std::fprintf(stderr, "%s: --latency is low, balanced or power-save, not %s\n", argv[0], optarg);
        return {std::nullopt, wrong_command_line};
      case 'h':
        print_help(argv[0], classes);
        return {std::nullopt, 0};
      case 'v':
        std::printf("libactor %s\n", version());
        return {std::nullopt, 0};
      default:
        std::fprintf(stderr, "%s: try --help\n", argv[0]);
        return {std::nullopt, wrong_command_line};
    }
  }
  const bool is_known = std::find(classes.begin(), classes.end(), options.actor_class) != classes.end();
  if (!options.actor_class.empty() && !is_known) {
    std::fprintf(stderr, "%s: no actor class %s in this program; it holds: %s\n", argv[0], options.actor_class.c_str(),
                 joined(classes).c_str());
    return {std::nullopt, wrong_command_line};
  }
  const char* wrong = nullptr;
  if (optind < argc) wrong = "takes no arguments other than options";
  if (options.actor_class.empty() && classes.size() > 1)
    wrong = "holds several actors: say which one with --actor CLASS";
  if (!options.broker.empty() && options.name.empty()) wrong = "needs --name NAME with --broker";
  if (options.broker.empty() && !started_by_broker)
    wrong = "was not started by a broker: run it from a manifest (actor-broker MANIFEST), or give --broker and --name";
  if (wrong) {
    std::fprintf(stderr, "%s: this program %s (see --help; it holds: %s)\n", argv[0], wrong, joined(classes).c_str());
    return {std::nullopt, wrong_command_line};
  }
  return {options, 0};
}

}  // namespace actor
