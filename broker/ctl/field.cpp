#include "ctl/field.hpp"

#include <nlohmann/json.hpp>

#include "ctl/terminal.hpp"

namespace actor::ctl {

const Json& member(const Json& object, const char* key) {
  static const Json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string cell(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) return {};
  if (value.is_string()) return harmless(value.get_ref<const std::string&>());
  if (!value.is_array()) return value.dump();
  std::string text;
  for (const Json& element : value) {
    text += (text.empty() ? "" : ", ") + (element.is_string() ? element.get<std::string>() : element.dump());
  }
  return harmless(text);
}

std::uint64_t natural(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

double real(const Json& object, const char* key) {
  const Json& value = member(object, key);
  return value.is_number() ? value.get<double>() : 0;
}

const Json& list_at(const Json& object, const char* key) {
  const Json& list = object.at(key);
  for (const Json& element : list.get_ref<const Json::array_t&>()) (void)element.get_ref<const Json::object_t&>();
  return list;
}

Json parse_answer(const std::string& json) {
  Json answer = Json::parse(json, nullptr, false);
  if (!answer.is_object())
    throw Refusal(
        "the broker's answer makes no sense (it is no JSON object); are actorctl and actor-broker of the same "
        "version?");
  if (answer.contains("error")) {
    std::string text = cell(answer, "error");
    // reload lists all that is wrong, a line each.
    if (member(answer, "errors").is_array()) {
      for (const Json& line : answer["errors"])
        text += "\n" + (line.is_string() ? line.get<std::string>() : line.dump());
    }
    throw Refusal(text);
  }
  return answer;
}

}  // namespace actor::ctl
