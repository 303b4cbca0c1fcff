#include "ctl/dead_letters.hpp"

#include <nlohmann/json.hpp>

#include "ctl/table.hpp"

namespace actor::ctl {
namespace {

/// What is in it, on one line.
std::string payload_cell(const Json& letter) {
  const Json& payload = member(letter, "payload");
  if (payload.is_null()) return cell(letter, "payload_bytes") + " bytes";
  return harmless(payload.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::string show_dead_letters(const Json& answer, const Look& look) {
  const Json& letters = list_at(answer, "dead_letters");
  const std::uint64_t gone = natural(answer, "given_up");
  const std::string older =
      gone == 0 ? "" : cell(answer, "given_up") + " older ones are gone: there was no room for them\n";
  if (letters.empty()) return "no dead letters\n" + older;
  Table table({{"ID", Table::Align::Right},
               {"GIVEN UP"},
               {"REASON"},
               {"READER"},
               {"SENDER"},
               {"TOPIC"},
               {"TYPE"},
               {"ATTEMPTS", Table::Align::Right},
               {"EVENT"}});
  for (const Json& letter : letters) {
    table.add_row({cell(letter, "id"), cell(letter, "given_up_at"), cell(letter, "reason"), cell(letter, "reader"),
                   cell(letter, "sender"), cell(letter, "topic"), cell(letter, "type"), cell(letter, "attempts"),
                   payload_cell(letter)});
  }
  return table.text(look) + older;
}

}  // namespace actor::ctl
