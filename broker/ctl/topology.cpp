#include "ctl/topology.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "ctl/field.hpp"
#include "ctl/state.hpp"

namespace actor::ctl {
namespace {

/// Each actor with its topics and who gets them.
std::string as_text(const Topology& topology, const Look& look) {
  std::string text;
  for (const Topology::Actor& actor : topology.actors) {
    text += painted(actor.name, Colour::Bold, look) + " (" + painted(actor.state, colour_of_state(actor.state), look) +
            ")\n";
    std::map<std::string, std::string> readers;
    std::size_t width = 0;
    for (const auto& [sender, topic, reader] : topology.edges) {
      if (sender != actor.name) continue;
      std::string& names = readers[topic];
      names += (names.empty() ? "" : ", ") + reader;
      width = std::max(width, width_of(topic));
    }
    for (const auto& [topic, names] : readers)
      text += "  " + topic + std::string(width - width_of(topic), ' ') + " -> " + names + "\n";
  }
  return text;
}

/// A graph's nodes go by short names of their own; labels are quoted.
struct Nodes {
  explicit Nodes(const Topology& topology) {
    for (const auto& actor : topology.actors) actors.emplace(actor.name, "a" + std::to_string(actors.size()));
    for (const auto& topic : topology.topics) topics.emplace(topic, "t" + std::to_string(topics.size()));
    for (const auto& [sender, topic, reader] : topology.edges) {
      edges.insert({actors[sender], topics[topic]});
      edges.insert({topics[topic], actors[reader]});
    }
  }
  std::map<std::string, std::string> actors, topics;
  std::set<std::pair<std::string, std::string>> edges;
};

std::string replaced(std::string text, char what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, 1, by);
  return text;
}

std::string as_mermaid(const Topology& topology) {
  const Nodes nodes(topology);
  const auto quoted = [](const std::string& text) { return '"' + replaced(text, '"', "#quot;") + '"'; };
  std::string out = "flowchart LR\n";
  for (const auto& [name, node] : nodes.actors) out += "  " + node + "[" + quoted(name) + "]\n";
  for (const auto& [name, node] : nodes.topics) out += "  " + node + "([" + quoted(name) + "])\n";
  for (const auto& [from, to] : nodes.edges) out += "  " + from + " --> " + to + "\n";
  return out;
}

std::string as_dot(const Topology& topology) {
  const Nodes nodes(topology);
  const auto quoted = [](const std::string& text) {
    return '"' + replaced(replaced(text, '\\', "\\\\"), '"', "\\\"") + '"';
  };
  std::string out = "digraph topology {\n  rankdir=LR;\n";
  for (const auto& [name, node] : nodes.actors) out += "  " + node + " [shape=box, label=" + quoted(name) + "];\n";
  for (const auto& [name, node] : nodes.topics) out += "  " + node + " [shape=oval, label=" + quoted(name) + "];\n";
  for (const auto& [from, to] : nodes.edges) out += "  " + from + " -> " + to + ";\n";
  return out + "}\n";
}

std::string as_json(const Topology& topology) {
  nlohmann::ordered_json out;
  out["actors"] = Json::array();
  for (const auto& actor : topology.actors) out["actors"].push_back({{"name", actor.name}, {"state", actor.state}});
  out["topics"] = topology.topics;
  out["edges"] = Json::array();
  for (const auto& [sender, topic, reader] : topology.edges)
    out["edges"].push_back({{"from", sender}, {"topic", topic}, {"to", reader}});
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Topology read_topology(const std::string& ps, const std::string& topics, const std::string& routes) {
  Topology topology;
  const Json actors = parse_answer(ps);
  for (const Json& actor : list_at(actors, "actors"))
    topology.actors.push_back({cell(actor, "name"), cell(actor, "state")});
  const Json known = parse_answer(topics);
  for (const Json& topic : list_at(known, "topics")) topology.topics.insert(cell(topic, "name"));
  const Json pairs = parse_answer(routes);
  const auto is_known = [&](const std::string& name) {
    return std::any_of(topology.actors.begin(), topology.actors.end(),
                       [&](const Topology::Actor& actor) { return actor.name == name; });
  };
  for (const Json& route : list_at(pairs, "routes")) {
    const std::string from = cell(route, "from");
    const std::string to = cell(route, "to");
    // They came one after the other: who was started by hand meanwhile is in the one and not in the other.
    for (const std::string& name : {from, to}) {
      if (!is_known(name)) topology.actors.push_back({name, "joining"});
    }
    for (const Json& topic : member(route, "topics")) {
      const std::string name = topic.is_string() ? harmless(topic.get<std::string>()) : "?";
      topology.topics.insert(name);
      topology.edges.insert({from, name, to});
    }
  }
  return topology;
}

std::string draw(const Topology& topology, const std::string& format, const Look& look) {
  if (format == "mermaid") return as_mermaid(topology);
  if (format == "dot") return as_dot(topology);
  if (format == "json") return as_json(topology);
  return as_text(topology, look);
}

}  // namespace actor::ctl
