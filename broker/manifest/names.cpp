#include "manifest/names.hpp"

#include <algorithm>

namespace actor::broker {
namespace {

constexpr std::size_t max_actor_name = 64;
constexpr std::size_t max_topic_name = 255;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_name_character(char c) {
  return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool is_control_character(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_system_topic(std::string_view topic) {
  return topic.starts_with("$sys/");
}

std::string topic_name_problem(std::string_view topic) {
  constexpr std::string_view form = "; a topic is named \"Enum.Enumerator\", \"Type{field=value}\" or after its event";
  if (topic.empty()) return "a topic's name must not be empty" + std::string(form);
  if (topic.size() > max_topic_name)
    return "a topic's name has at most 255 bytes, this one " + std::to_string(topic.size());
  if (std::any_of(topic.begin(), topic.end(), is_control_character) || topic.front() == ' ' || topic.back() == ' ') {
    return "a topic's name has no control characters and no space at its ends" + std::string(form);
  }
  if (topic.find('*') != std::string_view::npos && topic.find('{') == std::string_view::npos) {
    return in_quotes(topic) + " is no topic: \"*\" stands alone for every topic, there are no patterns";
  }
  if (topic.front() == '$' && !is_system_topic(topic)) {
    return in_quotes(topic) + " is no topic: names with $ are the broker's own, such as \"$sys/actor\"";
  }
  return {};
}

std::string actor_name_problem(std::string_view name, std::string_view what) {
  const bool allowed = !name.empty() && name.size() <= max_actor_name &&
                       std::all_of(name.begin(), name.end(), is_name_character) && is_letter_or_digit(name.front());
  if (allowed) return {};
  std::string problem =
      in_quotes(name) + " is not " + std::string(what) +
      "; allowed: 1 to 64 characters of a-z, 0-9, \".\", \"_\" and \"-\", the first a letter or a digit";
  const std::string possible = to_actor_name(name);
  if (!possible.empty()) problem += "; for example " + in_quotes(possible);
  return problem;
}

std::string to_actor_name(std::string_view text) {
  std::string name;
  for (char c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (!is_name_character(c)) c = '-';
    if (name.empty() && !is_letter_or_digit(c)) continue;
    if (c == '-' && name.back() == '-') continue;
    if (name.size() < max_actor_name) name += c;
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 80;
  const bool cut = text.size() > longest;
  if (cut) {
    text = text.substr(0, longest);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.remove_suffix(1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xc0) text.remove_suffix(1);  // UTF-8 is cut whole
  }
  std::string quoted = "\"";
  for (const char c : text) quoted += is_control_character(c) ? '?' : c;
  return quoted + (cut ? "...\"" : "\"");
}

}  // namespace actor::broker
