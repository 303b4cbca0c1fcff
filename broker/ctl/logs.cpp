// `actorctl logs`: the lines that the broker keeps, and with -f those that come.

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/field.hpp"
#include "ctl/terminal.hpp"

namespace actor::ctl {
namespace {

/// How often -f asks. Nobody asks when nobody looks.
constexpr useconds_t pause_us = 200'000;

void print(const Json& line, bool json, const Look& look) {
  if (json) {
    std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  const bool is_error = cell(line, "stream") == "stderr";
  const std::string text = cell(line, "time") + " " + cell(line, "actor") + "[" + cell(line, "pid") + "]" +
                           (is_error ? " ! " : " | ") + cell(line, "line");
  std::printf("%s\n", painted(text, is_error ? Colour::Red : Colour::None, look).c_str());
}

}  // namespace

int run_logs(const Command& command) {
  Connection connection(command.broker, Connection::HangUp::IsTriedAgain);
  Json request = {{"command", "logs"}, {"actor", command.actor}};
  if (command.count != 0) request["last"] = command.count;
  const Look look = look_of(STDOUT_FILENO);
  for (;; ::usleep(pause_us)) {
    const Json answer = parse_answer(*connection.ask(request.dump()));
    if (const std::uint64_t missed = natural(answer, "missed"); missed != 0)
      std::fprintf(stderr, "actorctl: %llu lines are missing here: it prints faster than they can be fetched\n",
                   static_cast<unsigned long long>(missed));
    for (const Json& line : list_at(answer, "lines")) print(line, command.json, look);
    if (std::fflush(stdout) != 0 || !command.follow) return 0;  // main() says what became of stdout
    request["after"] = natural(answer, "last");
    request.erase("last");
  }
}

}  // namespace actor::ctl
