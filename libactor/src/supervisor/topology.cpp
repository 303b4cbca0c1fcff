#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <supervisor/topology.hpp>

namespace actor {
namespace {

/// Every topic that somebody has sent to or subscribes to.
std::set<std::string> topics_of(const Topology& topology) {
  std::set<std::string> topics;
  for (const auto& [actor, topic] : topology.publishers) topics.insert(topic);
  for (const ActorSpec& actor : topology.actors)
    topics.insert(actor.topics.names().begin(), actor.topics.names().end());
  return topics;
}

/// Inside a quoted Mermaid label.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') {
      out += "#quot;";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

std::string to_mermaid(const Topology& topology) {
  std::string out = "flowchart LR\n";
  std::map<std::string, std::string> actors, topics;
  for (const ActorSpec& actor : topology.actors) {
    const std::string node = "a" + std::to_string(actors.size());
    actors.emplace(actor.name, node);
    out += "  " + node + "[" + quoted(actor.name) + "]\n";
  }
  for (const std::string& topic : topics_of(topology)) {
    const std::string node = "t" + std::to_string(topics.size());
    topics.emplace(topic, node);
    out += "  " + node + "([" + quoted(topic) + "])\n";
  }
  for (const auto& [actor, topic] : topology.publishers) {
    const auto known = actors.find(std::string(actor.name()));
    if (known != actors.end()) out += "  " + known->second + " --> " + topics.at(topic) + "\n";
  }
  for (const ActorSpec& actor : topology.actors) {
    for (const auto& [topic, node] : topics) {
      if (actor.topics.includes(topic)) out += "  " + node + " --> " + actors.at(actor.name) + "\n";
    }
  }
  return out;
}

std::string to_json(const Topology& topology) {
  using Json = nlohmann::ordered_json;
  Json actors = Json::array();
  for (const ActorSpec& actor : topology.actors) {
    Json published = Json::array();
    for (const auto& [publisher, topic] : topology.publishers) {
      if (publisher.name() == actor.name) published.push_back(topic);
    }
    Json subscribed = actor.topics.is_all() ? Json::array({"*"}) : Json::array();
    for (const std::string& name : actor.topics.names()) subscribed.push_back(name);
    actors.push_back({{"name", actor.name}, {"subscribes", subscribed}, {"publishes", published}});
  }
  return Json{{"actors", actors}, {"topics", topics_of(topology)}}.dump(2);
}

}  // namespace actor
