// Who answers, and what operators change.

#include "brain/requests.hpp"

#include <actor/error.hpp>
#include <csignal>
#include <nlohmann/json.hpp>

namespace actor::broker {
namespace {

std::string dump(const Json& json) {
  // Names come from other processes: what is not UTF-8 is replaced.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json failure(const std::string& text) {
  return {{"error", text}};
}

}  // namespace

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
  if (command == "types") return types();
  if (command == "why") return why(request);
  if (command == "deaths") return deaths();
  if (command == "logs") return logs(request);
  if (command == "dead-letters") return dead_letters(request);
  if (command == "observe") return observe(request);
  if (command == "stalls") return stalls();
  if (command == "shutdown") return shutdown();
  if (command == "reload") return Json::parse(brain.reload());
  for (const char* known : {"start", "stop", "restart", "reset", "kill"}) {
    if (command == known) return change(command, request);
  }
  return failure("unknown command '" + command +
                 "': this broker knows ps, topics, routes, types, stalls, why, deaths, logs, dead-letters, observe, "
                 "reload, start, stop, "
                 "restart, reset, "
                 "kill and shutdown");
}

ActorEntry& Requests::entry_named(const std::string& command, const Json& request) const {
  if (!request.contains("actor") || !request["actor"].is_string())
    throw Error(ErrorCode::NoSuchActor,
                "which actor? Say its name: actorctl " + command + " NAME; actorctl ps lists them");
  const auto name = request["actor"].get<std::string>();
  ActorEntry* entry = brain.find_entry(name);
  if (entry && entry->is_known()) return *entry;
  std::string known;
  for (const auto& [index, other] : brain.entries_) {
    if (other->is_known()) known += (known.empty() ? "" : ", ") + other->name;
  }
  throw Error(ErrorCode::NoSuchActor,
              "there is no actor '" + name + "' here; there are: " + (known.empty() ? "none" : known));
}

Json Requests::shutdown() const {
  brain.begin_shutdown("asked for by a tool");
  return {{"ok", "shutting down"}};
}

Json Requests::change(const std::string& command, const Json& request) {
  ActorEntry& entry = entry_named(command, request);
  const std::string state(to_string(entry.life));
  if (brain.state_.stage != Stage::Running) return failure("the broker is shutting down");
  if (brain.keeper_gone_) return failure("the keeper process is dead: nothing can be started any more");
  if (command != "stop" && command != "kill" && !entry.section)
    return failure("'" + entry.name + "' was started by hand: only whoever started it can start it again");
  if (command == "kill") return kill(entry, request);
  if (command == "start") {
    if (entry.active() && !entry.is_waiting())
      return failure("'" + entry.name + "' is " + state + " already; restart starts it afresh");
    brain.start_by_operator(entry);
  } else if (command == "restart") {
    brain.restart_by_operator(entry);
  } else if (command == "reset") {
    brain.reset_by_operator(entry);
  } else {
    if (!entry.active()) return failure("'" + entry.name + "' does not run: it is " + state);
    brain.stop_by_operator(entry);
  }
  return {{"ok", command + " " + entry.name}, {"state", to_string(entry.life)}};
}

Json Requests::kill(ActorEntry& entry, const Json& request) {
  if (!entry.has_process())
    return failure("'" + entry.name + "' has no process: it is " + std::string(to_string(entry.life)));
  const int signal =
      request.contains("signal") && request["signal"].is_number_integer() ? request["signal"].get<int>() : SIGKILL;
  if (signal < 1 || signal > SIGRTMAX) return failure("there is no signal " + std::to_string(signal));
  brain.log_.info("operator", entry.name, "gets " + supervision::signal_name(signal) + " from an operator");
  // What a handler of the actor's own does at a signal, it shall not do twice.
  signal == SIGKILL ? brain.kill(entry, signal, true) : brain.send_signal(entry, signal, false);
  return {{"ok", "kill " + entry.name}, {"state", to_string(entry.life)}};
}

void Brain::start_by_operator(ActorEntry& entry) {
  log_.info("operator", entry.name, "started by an operator");
  tree_->start(entry.name, Loop::Clock::now().time_since_epoch());
  carry_out();
}

void Brain::restart_by_operator(ActorEntry& entry) {
  log_.info("operator", entry.name, "restarted by an operator; its mailbox is kept");
  restart(entry);
  carry_out();
}

/// Its restarts so far count no more. It is started if that is what it waits for.
void Brain::reset_by_operator(ActorEntry& entry) {
  log_.info("operator", entry.name, "its restarts are forgiven by an operator");
  tree_->forgive(entry.name);
  if (entry.is_waiting() || entry.life == Life::Quarantined)
    tree_->start(entry.name, Loop::Clock::now().time_since_epoch());
  carry_out();
}

void Brain::stop_by_operator(ActorEntry& entry) {
  log_.info("operator", entry.name, "stopped by an operator");
  drop_spare(entry);
  if (!tree_->knows(entry.name)) return stop_for_good(entry);
  tree_->stop(entry.name, Loop::Clock::now().time_since_epoch());
  carry_out();
}

Totals Brain::totals(const ActorEntry& entry) const {
  return entry.memory ? entry.carried + entry.memory->status.totals() : entry.carried;
}

}  // namespace actor::broker
