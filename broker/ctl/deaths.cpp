#include "ctl/deaths.hpp"

#include <nlohmann/json.hpp>

#include "ctl/state.hpp"
#include "ctl/table.hpp"

namespace actor::ctl {
namespace {

std::string delay_text(double seconds) {
  return seconds <= 0 ? "at once" : "after " + uptime_text(seconds);
}

std::string event_in_hand(const Json& death) {
  const Json& event = member(death, "in_hand");
  if (!event.is_object()) return "no event";
  std::string text = cell(event, "type");
  if (const std::string topic = cell(event, "topic"); !topic.empty()) text += " on " + topic;
  if (const std::string sender = cell(event, "sender"); !sender.empty()) text += " from " + sender;
  text += ", event " + cell(event, "event");
  return text + ", attempt " + cell(event, "attempt");
}

void append_lines(std::string& text, const Json& death, const Look& look) {
  const Json& lines = member(death, "last_lines");
  if (!lines.is_array() || lines.empty()) return;
  text += "  it said last\n";
  for (const Json& line : lines) {
    const std::string mark = cell(line, "stream") == "stderr" ? " ! " : " | ";
    text += painted("    " + cell(line, "time") + mark + cell(line, "line"), Colour::Dim, look) + "\n";
  }
}

std::string report(const Json& death, const Look& look) {
  const auto line = [](const char* name, const std::string& value) {
    return value.empty() ? std::string()
                         : "  " + std::string(name) + std::string(14 - width_of(name), ' ') + value + "\n";
  };
  std::string text = painted(cell(death, "at") + "  " + cell(death, "reason"), Colour::Bold, look) + "\n";
  text += line("life", cell(death, "incarnation") + ", pid " + cell(death, "pid") + ", up " +
                           uptime_text(real(death, "uptime_s")));
  text += line("last words", cell(death, "last_words"));
  text += line("in hand", event_in_hand(death));
  text += line("then", cell(death, "then"));
  append_lines(text, death, look);
  return text;
}

}  // namespace

std::string show_deaths_of_one(const Json& answer, const Look& look) {
  const std::string state = cell(answer, "state");
  std::string text =
      painted(cell(answer, "actor"), Colour::Bold, look) + " is " + painted(state, colour_of_state(state), look);
  if (member(answer, "waits_for").is_string()) text += " for " + cell(answer, "waits_for");
  if (natural(answer, "pid") != 0)
    text += ", pid " + cell(answer, "pid") + ", up " + uptime_text(real(answer, "uptime_s"));
  if (member(answer, "next_restart_s").is_number())
    text += ", starts again " + delay_text(real(answer, "next_restart_s"));
  text += "; restarts: " + cell(answer, "restarts") + ", deaths: " + cell(answer, "death_count") + "\n";
  const Json& deaths = list_at(answer, "deaths");
  if (deaths.empty()) return text + "it has not died since the broker began\n";
  // The last first: that is the one in question.
  for (auto death = deaths.rbegin(); death != deaths.rend(); ++death) text += "\n" + report(*death, look);
  return text;
}

std::string show_deaths_of_all(const Json& answer, const Look& look) {
  const Json& deaths = list_at(answer, "deaths");
  if (deaths.empty()) return "no actor has died since the broker began\n";
  Table table({{"AT"},
               {"ACTOR"},
               {"LIFE", Table::Align::Right},
               {"UP", Table::Align::Right},
               {"REASON"},
               {"IN HAND"},
               {"THEN"}});
  for (const Json& death : deaths) {
    const Json& event = member(death, "in_hand");
    const std::string in_hand = event.is_object() ? cell(event, "type") + " from " + cell(event, "sender") : "";
    table.add_row({cell(death, "at"), cell(death, "actor"), cell(death, "incarnation"),
                   uptime_text(real(death, "uptime_s")), cell(death, "reason"), in_hand, cell(death, "then")});
  }
  return table.text(look);
}

}  // namespace actor::ctl
