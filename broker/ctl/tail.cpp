// `actorctl tail`: the events of a topic, each a line of JSON by the schema that its broker knows.

#include <actor/error.hpp>
#include <actor/json.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/field.hpp"
#include "ctl/schemas.hpp"
#include "ctl/watch.hpp"
#include "wall_time.hpp"

namespace actor::ctl {
namespace {

using Line = nlohmann::ordered_json;

/// The event's own JSON, or why there is none.
std::string event_json(const control::SeenEvent& seen, Schemas& schemas, std::string& problem) {
  if (seen.payload.size() != seen.payload_bytes) {
    problem = "only " + std::to_string(seen.payload.size()) + " of its " + std::to_string(seen.payload_bytes) +
              " bytes came here: large events are cut";
    return "null";
  }
  const TypeInfo* type = schemas.find(seen.type_hash);
  if (type == nullptr) {
    problem = "no program that runs knows its type";
    return "null";
  }
  try {
    return json_of(type->schema, seen.payload);
  } catch (const Error& error) {
    problem = error.what();
    return "null";
  }
}

std::string line_of(const control::SeenEvent& seen, bool received, Schemas& schemas) {
  Line line;
  line["time"] = broker::wall_time_text(seen.sent_wall_ns);
  line["topic"] = seen.topic;
  line["type"] = seen.type;
  line["sender"] = seen.sender;
  if (received) line["receiver"] = seen.receiver;
  line["id"] = to_string(seen.id);
  line["parent"] = seen.parent == EventId{} ? Line(nullptr) : Line(to_string(seen.parent));
  if (seen.redelivered) line["attempt"] = seen.attempt;
  if (seen.maybe_duplicate) line["maybe_duplicate"] = true;
  if (seen.latched) line["latched"] = true;
  std::string problem;
  const std::string event = event_json(seen, schemas, problem);
  if (!problem.empty()) line["problem"] = problem;
  std::string text = line.dump(-1, ' ', false, Line::error_handler_t::replace);
  text.pop_back();
  return text + ",\"event\":" + event + "}\n";
}

/// What is sent is told once for each reader, one after the other.
class OncePerEvent {
 public:
  bool is_new(const control::SeenEvent& seen) {
    const auto key = std::pair(seen.id, seen.maybe_duplicate);
    return std::exchange(last_[seen.sender], key) != key;
  }

 private:
  std::map<std::string, std::pair<EventId, bool>> last_;  // of each sender
};

/// Waiting for a topic that was mistyped would be waiting for good.
void warn_of_unknown_topic(const Command& command) {
  const Json answer = parse_answer(ask(command.broker, R"({"command":"topics"})"));
  std::string known;
  for (const Json& topic : list_at(answer, "topics")) {
    if (cell(topic, "name") == command.topic) return;
    known += (known.empty() ? "" : ", ") + cell(topic, "name");
  }
  std::fprintf(stderr, "actorctl: there is no topic %s yet, waiting for it; there are: %s\n", command.topic.c_str(),
               known.empty() ? "none" : known.c_str());
}

}  // namespace

int run_tail(const Command& command) {
  const bool all = command.topic == "*";
  if (!all) warn_of_unknown_topic(command);
  Schemas schemas(command.broker);
  schemas.fetch();
  WatchWishes wishes;
  if (!all) wishes.topics = {command.topic};
  if (!command.actor.empty()) wishes.actors = {command.actor};
  wishes.seen = {command.received ? control::SeenAs::Delivered : control::SeenAs::Dispatched};
  ActorWatch watch(command.broker, wishes);
  OncePerEvent once;
  for (std::uint64_t printed = 0;;) {
    for (const auto& [actor, what] : watch.wait()) {
      if (const auto* lost = std::get_if<control::Lost>(&what)) {
        std::fprintf(stderr, "actorctl: %s did more than could be read: %llu events are missing here\n", actor.c_str(),
                     static_cast<unsigned long long>(lost->packets));
      }
      const auto* seen = std::get_if<control::SeenEvent>(&what);
      if (seen == nullptr || (!command.received && !once.is_new(*seen))) continue;
      std::fputs(line_of(*seen, command.received, schemas).c_str(), stdout);
      if (++printed == command.count) return 0;
    }
    if (std::fflush(stdout) != 0) return 0;  // main() says what became of stdout
  }
}

}  // namespace actor::ctl
