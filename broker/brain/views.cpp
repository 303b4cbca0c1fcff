// What operators look at.

#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "brain/requests.hpp"
#include "wall_time.hpp"

namespace actor::broker {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

const char* name_of(OutputStream stream) {
  return stream == OutputStream::Err ? "stderr" : "stdout";
}

Json next_restart_s(const std::optional<std::chrono::nanoseconds>& left) {
  return left ? Json(seconds(*left)) : Json(nullptr);
}

Json lines_of(const Death& death) {
  Json lines = Json::array();
  for (const LastLine& line : death.last_lines)
    lines.push_back(
        {{"time", wall_time_text(line.wall_ns)}, {"stream", line.is_error ? "stderr" : "stdout"}, {"line", line.text}});
  return lines;
}

Json json_of(const Death& death) {
  Json row;
  row["at"] = wall_time_text(death.wall_ns);
  row["reason"] = death.reason;
  row["incarnation"] = death.incarnation;
  row["pid"] = death.pid;
  row["uptime_s"] = seconds(std::chrono::nanoseconds(death.uptime_ns));
  row["last_words"] = death.last_words.empty() ? Json(nullptr) : Json(death.last_words);
  row["in_hand"] = nullptr;
  if (death.had_event)
    row["in_hand"] = {{"type", death.in_hand.type},
                      {"topic", death.in_hand.topic},
                      {"sender", death.in_hand.sender},
                      {"event", death.in_hand.event},
                      {"attempt", death.in_hand.attempt}};
  row["then"] = death.then;
  row["last_lines"] = lines_of(death);
  return row;
}

/// The names in a list; the key may be missing.
std::vector<std::string> names_in(const Json& request, const char* key) {
  std::vector<std::string> names;
  if (!request.contains(key)) return names;
  for (const Json& name : request[key]) {
    if (!request[key].is_array() || !name.is_string())
      throw Error(ErrorCode::Refused, std::string("\"") + key + "\" is a list of names");
    names.push_back(name.get<std::string>());
  }
  return names;
}

/// A bit for each hook that the tool wants; all of them when it does not say.
std::uint8_t seen_in(const Json& request) {
  if (!request.contains("seen")) return 0xff;
  constexpr std::array hooks{"dispatched", "delivered", "handled", "overflow"};
  unsigned bits = 0;
  for (const std::string& name : names_in(request, "seen")) {
    const auto hook = std::find(hooks.begin(), hooks.end(), name);
    if (hook == hooks.end()) throw Error(ErrorCode::Refused, "there is nothing to see that is called " + name);
    bits |= 1U << static_cast<unsigned>(hook - hooks.begin());
  }
  return static_cast<std::uint8_t>(bits);
}

}  // namespace

Json Requests::ps() const {
  const Manifest& manifest = brain.manifest_;
  Json answer;
  answer["broker"] = {{"name", manifest.broker.name},
                      {"pid", getpid()},
                      {"manifest", manifest.file.string()},
                      {"uptime_s", seconds(Loop::Clock::now() - brain.state_.started_at)},
                      {"state", brain.state_.stage == Stage::Running ? "running" : "stopping"}};
  answer["actors"] = Json::array();
  for (const auto& [index, entry] : brain.entries_) {
    if (entry->is_known()) answer["actors"].push_back(row(*entry));
  }
  return answer;
}

/// "store (ready)"; null when it waits for nobody.
Json Requests::waits_for(const ActorEntry& entry) const {
  const bool waits = entry.is_waiting() && brain.tree_->knows(entry.name);
  const std::string whom = waits ? brain.tree_->waits_for(entry.name) : "";
  return whom.empty() ? Json(nullptr) : Json(whom);
}

Json Requests::row(const ActorEntry& entry) const {
  const Totals totals = brain.totals(entry);
  const std::uint64_t discarded = brain.exchange_.discarded(entry.index);
  Json row;
  row["name"] = entry.name;
  row["pid"] = entry.has_process() ? Json(entry.pid) : Json(nullptr);
  row["process"] = entry.process.empty() ? Json(nullptr) : Json(entry.process);
  row["state"] = to_string(entry.life);
  row["hand_started"] = entry.by_hand;
  row["waits_for"] = waits_for(entry);
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
  row["dead_lettered"] = brain.exchange_.given_up(entry.index);
  row["queued"] = brain.exchange_.queued(entry.index);
  row["staged"] = entry.memory ? entry.memory->status.staged() : 0;
  row["handling_ns"] = entry.memory ? Json(entry.memory->status.handling_ns()) : Json::array();
  row["next_restart_s"] = next_restart_s(brain.restarts_in(entry));
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

Json Requests::stalls() const {
  brain.look_for_hangs();
  Json answer;
  answer["stalls"] = Json::array();
  for (const Stall& stall : brain.stalls_.waiting()) {
    answer["stalls"].push_back(
        {{"actors", stall.actors}, {"circle", stall.circle}, {"for_s", seconds(stall.longest)}, {"text", stall.text}});
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

Json Requests::types() const {
  Json answer;
  answer["types"] = Json::array();
  for (const TypeRegistry::Type& type : brain.types_.save()) {
    std::array<char, 20> hash{};  // as text: JSON's numbers are exact up to 2^53
    std::snprintf(hash.data(), hash.size(), "%016llx", static_cast<unsigned long long>(type.hash));
    std::set<std::string> actors;
    for (const Program& user : type.users) actors.insert(user.actor);
    answer["types"].push_back(
        {{"name", type.name}, {"hash", hash.data()}, {"schema", type.schema}, {"actors", actors}});
  }
  return answer;
}

Json Requests::why(const Json& request) const {
  const ActorEntry& entry = entry_named("why", request);
  Json answer;
  answer["actor"] = entry.name;
  answer["state"] = to_string(entry.life);
  answer["pid"] = entry.has_process() ? Json(entry.pid) : Json(nullptr);
  answer["uptime_s"] = entry.has_process() ? Json(seconds(Loop::Clock::now() - entry.spawned_at)) : Json(nullptr);
  answer["restarts"] = entry.restarts;
  answer["waits_for"] = waits_for(entry);
  answer["next_restart_s"] = next_restart_s(brain.restarts_in(entry));
  answer["death_count"] = entry.deaths.count();
  answer["deaths"] = Json::array();
  for (const Death& death : entry.deaths.last()) answer["deaths"].push_back(json_of(death));
  return answer;
}

/// Of all actors, oldest first, without the lines: `why` has those.
Json Requests::deaths() const {
  std::multimap<std::int64_t, Json> by_time;
  for (const auto& [index, entry] : brain.entries_) {
    for (const Death& death : entry->deaths.last()) {
      Json row = {{"actor", entry->name}};
      row.update(json_of(death));
      row.erase("last_lines");
      by_time.emplace(death.wall_ns, std::move(row));
    }
  }
  Json answer;
  answer["deaths"] = Json::array();
  for (auto& [at, row] : by_time) answer["deaths"].push_back(std::move(row));
  return answer;
}

/// {"after": N}: the lines that came since the answer whose "last" was N. {"last": N}: no more than so many.
Json Requests::logs(const Json& request) const {
  const ActorEntry& entry = entry_named("logs", request);
  const auto number = [&](const char* key, std::uint64_t otherwise) {
    return request.contains(key) && request[key].is_number_unsigned() ? request[key].get<std::uint64_t>() : otherwise;
  };
  const auto& kept = brain.output_.kept().of(entry.process_name());
  const std::uint64_t last = kept.empty() ? 0 : kept.back().number;
  // A predecessor of this brain may have counted further: then all of these are new.
  const std::uint64_t after = number("after", 0) > last ? 0 : number("after", 0);
  const std::uint64_t first = std::max(after, last - std::min(last, number("last", last))) + 1;
  Json answer;
  answer["lines"] = Json::array();
  answer["missed"] = after != 0 && !kept.empty() && kept.front().number > first ? kept.front().number - first : 0;
  answer["last"] = last;
  for (const KeptLine& line : kept) {
    if (line.number < first) continue;
    answer["lines"].push_back({{"time", wall_time_text(line.wall_ns)},
                               {"actor", entry.process_name()},
                               {"pid", line.pid},
                               {"stream", name_of(line.stream)},
                               {"line", line.text}});
  }
  return answer;
}

/// {"topics": [...], "actors": [...], "seen": ["dispatched", "delivered", "handled", "overflow"]}: what is missing is
/// not limited.
Json Requests::observe(const Json& request) const {
  Observing wishes{{names_in(request, "topics"), seen_in(request)}, names_in(request, "actors")};
  for (const std::string& name : wishes.actors) (void)entry_named("observe", {{"actor", name}});
  return {{"ok", "observing"}, {"actors", brain.begin_observing(tool, std::move(wishes))}};
}

}  // namespace actor::broker
