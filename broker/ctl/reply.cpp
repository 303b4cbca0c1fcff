#include "ctl/reply.hpp"

#include <nlohmann/json.hpp>

#include "ctl/deaths.hpp"
#include "ctl/field.hpp"
#include "ctl/state.hpp"
#include "ctl/table.hpp"

namespace actor::ctl {
namespace {

using Align = Table::Align;

std::string uptime_cell(const Json& actor) {
  const Json& uptime = member(actor, "uptime_s");
  return uptime.is_number() && natural(actor, "pid") != 0 ? uptime_text(uptime.get<double>()) : std::string();
}

std::string show_actors(const Json& reply, const Look& look) {
  constexpr auto right = Align::Right;
  Table table({{"NAME"},
               {"PID", right},
               {"STATE"},
               {"INC", right},
               {"RESTARTS", right},
               {"UPTIME", right},
               {"SENT", right},
               {"RECEIVED", right},
               {"HANDLED", right},
               {"QUEUED", right},
               {"DROPPED", right},
               {"DEAD", right}});
  for (const Json& actor : list_at(reply, "actors")) {
    const std::string state = cell(actor, "state");
    const std::uint64_t pid = natural(actor, "pid");
    table.add_row({cell(actor, "name"), pid == 0 ? "" : std::to_string(pid), state, cell(actor, "incarnation"),
                   cell(actor, "restarts"), uptime_cell(actor), cell(actor, "sent"), cell(actor, "received"),
                   cell(actor, "handled"), cell(actor, "queued"), cell(actor, "dropped"),
                   cell(actor, "dead_lettered")});
    table.paint(2, colour_of_state(state));
  }
  return table.text(look);
}

std::string show_topics(const Json& reply, const Look& look) {
  Table table({{"TOPIC"}, {"OVERFLOW"}, {"CAPACITY", Align::Right}, {"PUBLISHERS"}, {"SUBSCRIBERS"}});
  for (const Json& topic : list_at(reply, "topics")) {
    table.add_row({cell(topic, "name"), cell(topic, "overflow"), cell(topic, "capacity"), cell(topic, "publishers"),
                   cell(topic, "subscribers")});
  }
  return table.text(look);
}

std::string show_routes(const Json& reply, const Look& look) {
  Table table({{"ID", Align::Right},
               {"FROM"},
               {"TO"},
               {"QUEUED", Align::Right},
               {"SLOTS", Align::Right},
               {"SEGMENTS", Align::Right},
               {"TOPICS"}});
  for (const Json& route : list_at(reply, "routes")) {
    table.add_row({cell(route, "id"), cell(route, "from"), cell(route, "to"), cell(route, "queued"),
                   cell(route, "slots"), cell(route, "segments"), cell(route, "topics")});
  }
  return table.text(look);
}

std::string show_types(const Json& reply, const Look& look) {
  Table table({{"TYPE"}, {"ACTORS"}, {"SCHEMA"}});
  for (const Json& type : list_at(reply, "types"))
    table.add_row({cell(type, "name"), cell(type, "actors"), cell(type, "schema")});
  return table.text(look);
}

/// One line a stall: the broker has the words.
std::string show_stalls(const Json& reply, const Look&) {
  std::string text;
  for (const Json& stall : reply.at("stalls")) {
    text += harmless(stall.is_string()   ? stall.get<std::string>()
                     : stall.is_object() ? cell(stall, "text")
                                         : "") +
            "\n";
  }
  return text.empty() ? "nobody waits for anybody\n" : text;
}

std::string show_ok(const Json& reply, const Look&) {
  return harmless(reply.at("ok").get<std::string>()) + "\n";
}

std::string show_reload(const Json& reply, const Look& look) {
  std::string text = show_ok(reply, look);
  for (const char* what : {"added", "removed", "changed", "adjusted"}) {
    if (const std::string names = cell(reply, what); !names.empty())
      text += "  " + std::string(what) + ": " + names + "\n";
  }
  return text;
}

std::string show(const std::string& verb, const Json& reply, const Look& look) {
  if (verb == "ps") return show_actors(reply, look);
  if (verb == "topics") return show_topics(reply, look);
  if (verb == "routes") return show_routes(reply, look);
  if (verb == "types") return show_types(reply, look);
  if (verb == "why") return show_deaths_of_one(reply, look);
  if (verb == "deaths") return show_deaths_of_all(reply, look);
  if (verb == "stalls") return show_stalls(reply, look);
  if (verb == "reload") return show_reload(reply, look);
  return show_ok(reply, look);
}

}  // namespace

Answer read_reply(const std::string& verb, const std::string& json, const Look& look) {
  try {
    return {.ok = true, .text = show(verb, parse_answer(json), look), .error = {}};
  } catch (const Refusal& refusal) {
    return {.ok = false, .text = {}, .error = refusal.what()};
  } catch (const Json::exception& exception) {
    return {.ok = false,
            .text = {},
            .error = std::string("the broker's answer makes no sense (") + exception.what() +
                     "); are actorctl and actor-broker of the same version?"};
  }
}

}  // namespace actor::ctl
