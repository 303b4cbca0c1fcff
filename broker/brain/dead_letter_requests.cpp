// What tools ask about events that were given up on: {"command":"dead-letters","action":"list"}, "discard", "retry".

#include <actor/error.hpp>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "brain/requests.hpp"
#include "wall_time.hpp"

namespace actor::broker {
namespace {

/// A longer list is asked for in parts, with "after": the brain has other things to do.
constexpr std::size_t list_bytes = 4 * 1024 * 1024;
/// A payload that would fill the list by itself is not shown.
constexpr std::size_t payload_text_bytes = 16 * 1024;

Json json_of(const DeadLetterRecord& letter) {
  Json row;
  row["id"] = letter.id;
  row["event"] = to_string(letter.event);
  row["type"] = letter.type;
  row["topic"] = letter.topic;
  row["sender"] = letter.sender;
  row["reader"] = letter.reader;
  row["reason"] = letter.reason;
  row["attempts"] = letter.attempts;
  row["sent_at"] = wall_time_text(letter.sent_at_ns);
  row["given_up_at"] = wall_time_text(letter.given_up_at_ns);
  row["payload"] = nullptr;
  row["payload_bytes"] = letter.payload.size();
  if (letter.payload.size() > payload_text_bytes) return row;
  const std::string text = payload_json(letter);
  if (text.size() <= payload_text_bytes) row["payload"] = Json::parse(text, nullptr, false);
  if (row["payload"].is_discarded()) row["payload"] = nullptr;
  return row;
}

std::string actor_in(const Json& request) {
  const bool named = request.contains("actor") && request["actor"].is_string();
  return named ? request["actor"].get<std::string>() : std::string();
}

std::uint64_t number_in(const Json& request, const char* key) {
  return request.contains(key) && request[key].is_number_unsigned() ? request[key].get<std::uint64_t>() : 0;
}

/// Those that the request names: its "ids", or all, of one reader if it says so.
std::vector<std::uint64_t> chosen(const DeadLetterStore& store, const Json& request) {
  std::vector<std::uint64_t> ids;
  if (request.contains("ids") && request["ids"].is_array()) {
    for (const Json& id : request["ids"]) {
      if (id.is_number_unsigned()) ids.push_back(id.get<std::uint64_t>());
    }
  }
  const bool all = request.contains("all") && request["all"] == true;
  const std::string actor = actor_in(request);
  std::vector<std::uint64_t> found;
  store.visit_after(0, [&](const DeadLetterRecord& letter) {
    const bool wanted = all || std::find(ids.begin(), ids.end(), letter.id) != ids.end();
    if (wanted && (actor.empty() || letter.reader == actor)) found.push_back(letter.id);
    return true;
  });
  return found;
}

/// "there is no dead letter 77 for 'sink': actorctl dead-letters list has those there are"
std::string none_of(const Json& request) {
  std::string text = "there is no dead letter";
  if (request.contains("ids") && request["ids"].is_array()) {
    const char* before = " ";
    for (const Json& id : request["ids"]) text += std::exchange(before, ", ") + id.dump();
  }
  if (const std::string actor = actor_in(request); !actor.empty()) text += " for '" + actor + "'";
  return text + ": actorctl dead-letters list has those there are";
}

}  // namespace

Json Requests::dead_letters(const Json& request) {
  const auto action = request.contains("action") && request["action"].is_string() ? request["action"].get<std::string>()
                                                                                  : std::string("list");
  DeadLetterStore* store = brain.dead_letters();
  if (!store) return {{"error", "there is no place for dead letters: the broker's log says why"}};
  if (action == "list") return list_letters(*store, request);
  if (action == "discard") return discard_letters(*store, request);
  if (action == "retry") return retry_letters(*store, request);
  return {{"error", "unknown action '" + action + "' for dead-letters: this broker knows list, retry and discard"}};
}

Json Requests::list_letters(const DeadLetterStore& store, const Json& request) const {
  Json answer;
  answer["dead_letters"] = Json::array();
  const std::string actor = actor_in(request);
  std::size_t bytes = 0;
  bool cut = false;
  store.visit_after(number_in(request, "after"), [&](const DeadLetterRecord& letter) {
    if (!actor.empty() && letter.reader != actor) return true;
    Json row = json_of(letter);
    bytes += row.dump(-1, ' ', false, Json::error_handler_t::replace).size() + 1;
    cut = bytes > list_bytes;
    if (!cut) answer["dead_letters"].push_back(std::move(row));
    return !cut;
  });
  answer["cut"] = cut;
  answer["kept"] = store.size();
  answer["given_up"] = store.given_up();
  return answer;
}

Json Requests::discard_letters(DeadLetterStore& store, const Json& request) {
  const auto ids = chosen(store, request);
  if (ids.empty() && !request.contains("all")) return {{"error", none_of(request)}};
  const std::size_t count = store.remove(ids);
  if (count > 0) brain.log_.info("operator", "", std::to_string(count) + " dead letters are discarded by an operator");
  return {{"ok", "discarded " + std::to_string(count)}, {"count", count}};
}

/// What becomes of them shows later: a letter that was handled is gone from the list, one that was not has another
/// attempt.
Json Requests::retry_letters(const DeadLetterStore& store, const Json& request) {
  const auto ids = chosen(store, request);
  if (ids.empty()) return {{"error", none_of(request)}};
  std::size_t count = 0;
  std::map<std::string, std::uint64_t> refused;  // why, how many
  for (const std::uint64_t id : ids) {
    const auto letter = store.read(id);
    const std::string why = letter ? brain.retry(*letter) : "dead letter " + std::to_string(id) + " cannot be read";
    why.empty() ? ++count : ++refused[why];
  }
  std::string reasons;
  for (const auto& [why, how_many] : refused) {
    if (!reasons.empty()) reasons += "; ";
    reasons += (how_many > 1 ? std::to_string(how_many) + " times: " : "") + why;
  }
  if (count == 0) return {{"error", "not retried: " + reasons}};
  brain.log_.info("operator", "", std::to_string(count) + " dead letters are retried by an operator");
  return {{"ok", "retrying " + std::to_string(count) + (reasons.empty() ? "" : ", but not all: " + reasons)},
          {"count", count}};
}

}  // namespace actor::broker
