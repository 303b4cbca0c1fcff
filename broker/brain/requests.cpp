// What tools ask, in JSON: {"command":"ps"}, {"command":"restart","actor":"cpu"}. docs/control-protocol.md lists the
// commands and their answers. An error is {"error": "..."}.

#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "brain/brain.hpp"

namespace actor::broker {

using Json = nlohmann::ordered_json;

namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

std::string dump(const Json& json) {
  // Names come from other processes: what is not UTF-8 is replaced.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json failure(const std::string& text) {
  return {{"error", text}};
}

}  // namespace

/// The commands. A struct of its own so that JSON stays out of headers.
struct Requests {
  Brain& brain;
  Session& tool;

  Json run(const Json& request);
  Json ps() const;
  Json topics() const;
  Json routes() const;
  Json shutdown() const;
  Json observe() const;
  Json change(const std::string& command, const Json& request);
  Json row(const ActorEntry& entry) const;
};

std::string Brain::answer(Session& tool, const std::string& json) {
  const Json request = Json::parse(json, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
    return dump(failure("a request is a JSON object with a command, such as {\"command\":\"ps\"}"));
  try {
    return dump(Requests{*this, tool}.run(request));
  } catch (const Error& error) {
    return dump(failure(error.what()));
  }
}

Json Requests::run(const Json& request) {
  const auto command = request["command"].get<std::string>();
  if (command == "ps") return ps();
  if (command == "topics") return topics();
  if (command == "routes") return routes();
  if (command == "shutdown") return shutdown();
  if (command == "observe") return observe();
  for (const char* known : {"start", "stop", "restart", "kill"}) {
    if (command == known) return change(command, request);
  }
  return failure("unknown command '" + command +
                 "': this broker knows ps, topics, routes, observe, start, stop, restart, kill and shutdown");
}

Json Requests::ps() const {
  const Manifest& manifest = brain.options_.manifest;
  Json answer;
  answer["broker"] = {{"name", manifest.broker.name},
                      {"pid", getpid()},
                      {"manifest", manifest.file.string()},
                      {"uptime_s", seconds(Loop::Clock::now() - brain.state_.started_at)},
                      {"state", brain.state_.stage == Stage::Running ? "running" : "stopping"}};
  answer["actors"] = Json::array();
  for (const auto& [index, entry] : brain.entries_) answer["actors"].push_back(row(*entry));
  return answer;
}

Json Requests::row(const ActorEntry& entry) const {
  const Totals totals = brain.totals(entry);
  const std::uint64_t discarded = brain.exchange_.discarded(entry.index);
  Json row;
  row["name"] = entry.name;
  row["pid"] = entry.has_process() ? Json(entry.pid) : Json(nullptr);
  row["state"] = to_string(entry.life);
  row["hand_started"] = entry.section == nullptr;
  row["incarnation"] = entry.incarnation;
  row["restarts"] = entry.restarts;
  row["uptime_s"] = entry.has_process() ? Json(seconds(Loop::Clock::now() - entry.spawned_at)) : Json(nullptr);
  row["published"] = totals.published;
  row["sent"] = totals.sent;
  row["received"] = totals.received;
  row["handled"] = totals.handled;
  row["skipped"] = totals.skipped;
  // What this actor dropped itself, and what was queued for it when its subscriptions ended.
  row["dropped"] = totals.dropped + discarded;
  row["discarded"] = discarded;
  row["queued"] = brain.exchange_.queued(entry.index);
  row["staged"] = entry.memory ? entry.memory->status.staged() : 0;
  row["last_exit"] = entry.last_exit.empty() ? Json(nullptr) : Json(entry.last_exit);
  row["executable"] = entry.executable;
  row["standby"] = entry.spare.serial == 0 ? Json(nullptr) : Json(entry.spare.hello ? "ready" : "starting");
  return row;
}

Json Requests::topics() const {
  Json answer;
  answer["topics"] = Json::array();
  for (const Topic& topic : brain.topics_.all()) {
    Json row;
    row["id"] = topic.id;
    row["name"] = topic.name;
    row["overflow"] = actor::to_string(OverflowPolicy{topic.policy, std::chrono::nanoseconds(topic.deadline_ns)});
    row["capacity"] = topic.capacity;
    row["publishers"] = Json::array();
    row["subscribers"] = Json::array();
    for (const auto& [id, route] : brain.table_.routes()) {
      for (const auto& carried : route.topics) {
        if (carried.topic != topic.id) continue;
        const auto add = [](Json& list, const std::string& name) {
          if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
        };
        add(row["publishers"], brain.table_.name_of(route.publisher));
        add(row["subscribers"], brain.table_.name_of(route.reader));
      }
    }
    answer["topics"].push_back(std::move(row));
  }
  return answer;
}

Json Requests::routes() const {
  Json answer;
  answer["routes"] = Json::array();
  for (const auto& [id, route] : brain.table_.routes()) {
    Json row;
    row["id"] = id;
    row["from"] = brain.table_.name_of(route.publisher);
    row["to"] = brain.table_.name_of(route.reader);
    row["lane"] = route.lane;
    row["topics"] = Json::array();
    for (const auto& carried : route.topics) row["topics"].push_back(brain.topics_.at(carried.topic)->name);
    row["slots"] = route.slots;
    row["overwriting"] = route.overwriting;
    row["cursor"] = brain.exchange_.cursor(id);
    row["queued"] = brain.exchange_.queued_on(id);
    row["segments"] = brain.exchange_.undrained_segments(id);
    answer["routes"].push_back(std::move(row));
  }
  return answer;
}

Json Requests::shutdown() const {
  brain.begin_shutdown("asked for by a tool");
  return {{"ok", "shutting down"}};
}

Json Requests::observe() const {
  return {{"ok", "observing"}, {"actors", brain.begin_observing(tool)}};
}

Json Requests::change(const std::string& command, const Json& request) {
  if (!request.contains("actor") || !request["actor"].is_string())
    return failure("which actor? Say its name: actorctl " + command + " NAME; actorctl ps lists them");
  const auto name = request["actor"].get<std::string>();
  ActorEntry* entry = brain.find_entry(name);
  if (!entry) {
    std::string known;
    for (const auto& [index, other] : brain.entries_) known += (known.empty() ? "" : ", ") + other->name;
    return failure("there is no actor '" + name + "' here; there are: " + (known.empty() ? "none" : known));
  }
  if (brain.state_.stage != Stage::Running) return failure("the broker is shutting down");
  if (brain.keeper_gone_) return failure("the keeper process is dead: nothing can be started any more");
  if ((command == "start" || command == "restart") && !entry->section)
    return failure("'" + name + "' was started by hand: only whoever started it can start it again");
  if (command == "start") {
    if (entry->active() && entry->life != Life::Backoff)
      return failure("'" + name + "' is " + std::string(to_string(entry->life)) + " already; restart starts it afresh");
    brain.start_by_operator(*entry);
  } else if (command == "restart") {
    brain.restart_by_operator(*entry);
  } else if (command == "stop") {
    if (!entry->active()) return failure("'" + name + "' does not run: it is " + std::string(to_string(entry->life)));
    brain.stop_by_operator(*entry);
  } else {
    if (!entry->has_process())
      return failure("'" + name + "' has no process: it is " + std::string(to_string(entry->life)));
    const int signal =
        request.contains("signal") && request["signal"].is_number_integer() ? request["signal"].get<int>() : SIGKILL;
    if (signal < 1 || signal > SIGRTMAX) return failure("there is no signal " + std::to_string(signal));
    brain.log_.info("operator", name, "gets " + supervision::signal_name(signal) + " from an operator");
    brain.kill(*entry, signal, signal == SIGKILL);
  }
  return {{"ok", command + " " + name}, {"state", to_string(entry->life)}};
}

void Brain::start_by_operator(ActorEntry& entry) {
  entry.policy.forgive();
  log_.info("operator", entry.name, "started by an operator");
  spawn(entry);
}

void Brain::restart_by_operator(ActorEntry& entry) {
  entry.policy.forgive();
  log_.info("operator", entry.name, "restarted by an operator; its mailbox is kept");
  if (!entry.active() || entry.life == Life::Backoff) {
    ++entry.restarts;
    return spawn(entry);
  }
  entry.afterwards = Afterwards::StartAgain;
  if (entry.life != Life::Stopping) request_stop(entry);
}

void Brain::stop_by_operator(ActorEntry& entry) {
  log_.info("operator", entry.name, "stopped by an operator");
  drop_spare(entry);
  entry.afterwards = Afterwards::StayEnded;
  if (entry.life == Life::Ready) return drain_then_stop(entry);
  if (entry.life == Life::Backoff) {
    clear_due(entry);
    return stay_ended(entry, Life::Ended, false);
  }
  if (entry.life != Life::Stopping && entry.life != Life::Draining) request_stop(entry);
}

Totals Brain::totals(const ActorEntry& entry) const {
  return entry.memory ? entry.carried + entry.memory->status.totals() : entry.carried;
}

}  // namespace actor::broker
