// `actorctl send`: an event made from JSON by a schema, sent in the name of an actor whose program knows its type.

#include <actor/error.hpp>
#include <actor/json.hpp>
#include <actor/overflow_policy.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "ctl/commands.hpp"
#include "ctl/connection.hpp"
#include "ctl/field.hpp"
#include "ctl/schemas.hpp"
#include "ctl/watch.hpp"

namespace actor::ctl {
namespace {

/// After so long without an answer the user is told what is being waited for.
constexpr int patience_ms = 2000;

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

struct Target {
  OverflowPolicy policy;
  std::vector<std::string> senders;
};

/// Policy and senders of the topic, as the broker knows them.
Target target_of(const Command& command) {
  const Json answer = parse_answer(ask(command.broker, R"({"command":"topics"})"));
  std::vector<std::string> known;
  for (const Json& topic : list_at(answer, "topics")) {
    known.push_back(cell(topic, "name"));
    if (known.back() != command.topic) continue;
    Target target{OverflowPolicy::parse(cell(topic, "overflow")).value_or(OverflowPolicy()), {}};
    for (const Json& name : member(topic, "publishers")) {
      if (name.is_string()) target.senders.push_back(name.get<std::string>());
    }
    return target;
  }
  throw Refusal("there is no topic " + command.topic + "; there are: " + joined(known));
}

std::string sender_of(const Command& command, const Target& target) {
  if (!command.actor.empty()) return command.actor;
  if (target.senders.size() == 1) return target.senders.front();
  if (target.senders.empty())
    throw Refusal("nobody sends to " + command.topic + " and is read: say in whose name with --as ACTOR");
  throw Refusal("several actors may send to " + command.topic +
                ": say in whose name with --as; there are: " + joined(target.senders));
}

struct Draft {
  const TypeInfo* type = nullptr;
  std::vector<std::byte> payload;
};

/// Of the types that the sender's program knows: the one asked for, or the only one that the JSON fits, or of several
/// the one that the topic is named after.
Draft draft_of(const Command& command, const std::string& sender, const std::vector<TypeInfo>& types) {
  std::vector<Draft> drafts;
  std::vector<std::string> known;
  std::string complaint;
  for (const TypeInfo& type : types) {
    if (std::find(type.actors.begin(), type.actors.end(), sender) == type.actors.end()) continue;
    known.push_back(label_of(type.name));
    if (!command.type.empty() && command.type != type.name && command.type != label_of(type.name)) continue;
    try {
      drafts.push_back({&type, bytes_of(type.schema, command.event)});
    } catch (const Error& error) {
      complaint += "\n  " + label_of(type.name) + ": " + error.what();
    }
  }
  if (drafts.size() > 1) {
    for (Draft& draft : drafts) {
      if (label_of(draft.type->name) == command.topic || draft.type->name == command.topic) return std::move(draft);
    }
    std::vector<std::string> fitting;
    for (const Draft& draft : drafts) fitting.push_back(label_of(draft.type->name));
    throw Refusal("the JSON fits several types: say which with --type; it fits: " + joined(fitting));
  }
  if (drafts.size() == 1) return std::move(drafts.front());
  if (known.empty()) throw Refusal("no running program of an actor '" + sender + "' has told its types");
  if (complaint.empty())
    throw Refusal("'" + sender + "' knows no type " + command.type + "; it knows: " + joined(known));
  throw Refusal("the JSON is no event of '" + sender + "':" + complaint);
}

std::string read_all(std::istream& in) {
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The id that it got. Throws Refusal with the actor's own words.
EventId sent_by(ActorWatch& watch, const std::string& sender) {
  for (bool told = false;;) {
    const auto news = watch.wait(told ? -1 : patience_ms);
    for (const auto& [actor, what] : news) {
      if (const auto* sent = std::get_if<control::Sent>(&what)) return sent->id;
      if (const auto* refused = std::get_if<control::NotSent>(&what)) throw Refusal(refused->why);
    }
    if (!watch.runs(sender)) throw Refusal("'" + sender + "' ended before it sent the event");
    if (!news.empty() || told) continue;
    std::fprintf(stderr, "actorctl: %s has not come to it yet: is it busy with an event, or does it still start?\n",
                 sender.c_str());
    told = true;
  }
}

}  // namespace

int run_send(const Command& given) {
  Command command = given;
  if (command.event == "-") command.event = read_all(std::cin);
  const Target target = target_of(command);
  const std::string sender = sender_of(command, target);
  Schemas schemas(command.broker);
  schemas.fetch();
  const Draft draft = draft_of(command, sender, schemas.types());
  ActorWatch watch(command.broker, {.topics = {command.topic}, .actors = {sender}, .seen = {}});
  control::SendAs message{};
  message.request = 1;
  message.topic = command.topic;
  message.policy = static_cast<std::uint8_t>(target.policy.kind);
  message.deadline_ns = target.policy.deadline.count();
  message.type = draft.type->name;
  message.type_hash = draft.type->hash;
  message.payload = draft.payload;
  watch.send_as(sender, message);
  const std::string id = to_string(sent_by(watch, sender));
  if (command.json) {
    const Json answer = {{"id", id}, {"sender", sender}, {"topic", command.topic}, {"type", draft.type->name}};
    std::printf("%s\n", answer.dump().c_str());
  } else {
    std::printf("sent %s %s as %s\n", label_of(draft.type->name).c_str(), id.c_str(), sender.c_str());
  }
  return 0;
}

}  // namespace actor::ctl
