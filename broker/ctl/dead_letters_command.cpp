// `actorctl dead-letters list`: a long list comes in parts.

#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/dead_letters.hpp"

namespace actor::ctl {

int run_list_dead_letters(const Command& command) {
  Connection connection(command.broker, Connection::HangUp::IsTriedAgain);
  Json request = Json::parse(command.request());
  Json whole;
  for (bool more = true; more;) {
    Json part = parse_answer(*connection.ask(request.dump()));
    const Json& letters = list_at(part, "dead_letters");
    more = member(part, "cut") == true && !letters.empty();
    if (more) request["after"] = natural(letters.back(), "id");
    if (whole.is_null()) {
      whole = std::move(part);
    } else {
      for (const Json& letter : letters) whole["dead_letters"].push_back(letter);
      whole["cut"] = false;
    }
  }
  const std::string text = command.json ? whole.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                                        : show_dead_letters(whole, look_of(STDOUT_FILENO));
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace actor::ctl
