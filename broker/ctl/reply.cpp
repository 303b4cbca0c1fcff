#include "ctl/reply.hpp"

#include <nlohmann/json.hpp>

#include "ctl/table.hpp"

namespace actor::ctl {
namespace {

using Json = nlohmann::json;
using Align = Table::Align;

/// A field as a cell: text as it is, numbers as numbers, lists with commas; empty when it is missing.
std::string cell(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (!found->is_array()) return found->dump();
  std::string text;
  for (const Json& element : *found) {
    text += (text.empty() ? "" : ", ") + (element.is_string() ? element.get<std::string>() : element.dump());
  }
  return text;
}

std::string pid_cell(const Json& actor) {
  const std::string pid = cell(actor, "pid");
  return pid == "0" ? std::string() : pid;
}

std::string uptime_cell(const Json& actor) {
  const auto found = actor.find("uptime_s");
  if (found == actor.end() || !found->is_number() || pid_cell(actor).empty()) return {};
  return uptime_text(found->get<double>());
}

/// A list of objects. Throws Json::exception for anything else.
const Json::array_t& list_at(const Json& reply, const char* key) {
  const auto& list = reply.at(key).get_ref<const Json::array_t&>();
  for (const Json& element : list) (void)element.get_ref<const Json::object_t&>();
  return list;
}

std::string show_actors(const Json& reply) {
  Table table({{"NAME"},
               {"PID", Align::Right},
               {"STATE"},
               {"INC", Align::Right},
               {"RESTARTS", Align::Right},
               {"UPTIME", Align::Right},
               {"SENT", Align::Right},
               {"RECEIVED", Align::Right},
               {"HANDLED", Align::Right},
               {"QUEUED", Align::Right},
               {"DROPPED", Align::Right}});
  for (const Json& actor : list_at(reply, "actors")) {
    table.add_row({cell(actor, "name"), pid_cell(actor), cell(actor, "state"), cell(actor, "incarnation"),
                   cell(actor, "restarts"), uptime_cell(actor), cell(actor, "sent"), cell(actor, "received"),
                   cell(actor, "handled"), cell(actor, "queued"), cell(actor, "dropped")});
  }
  return table.text();
}

std::string show_topics(const Json& reply) {
  Table table({{"TOPIC"}, {"OVERFLOW"}, {"CAPACITY", Align::Right}, {"PUBLISHERS"}, {"SUBSCRIBERS"}});
  for (const Json& topic : list_at(reply, "topics")) {
    table.add_row({cell(topic, "name"), cell(topic, "overflow"), cell(topic, "capacity"), cell(topic, "publishers"),
                   cell(topic, "subscribers")});
  }
  return table.text();
}

std::string show_routes(const Json& reply) {
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
  return table.text();
}

}  // namespace

Answer read_reply(const std::string& verb, const std::string& json) {
  try {
    const Json reply = Json::parse(json);
    (void)reply.get_ref<const Json::object_t&>();
    if (reply.contains("error")) return {.ok = false, .text = {}, .error = cell(reply, "error")};
    if (verb == "ps") return {.ok = true, .text = show_actors(reply), .error = {}};
    if (verb == "topics") return {.ok = true, .text = show_topics(reply), .error = {}};
    if (verb == "routes") return {.ok = true, .text = show_routes(reply), .error = {}};
    return {.ok = true, .text = reply.at("ok").get<std::string>() + "\n", .error = {}};
  } catch (const Json::exception& exception) {
    return {.ok = false,
            .text = {},
            .error = std::string("the broker's answer makes no sense (") + exception.what() +
                     "); are actorctl and actor-broker of the same version?"};
  }
}

}  // namespace actor::ctl
