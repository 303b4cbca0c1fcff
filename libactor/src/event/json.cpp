#include <actor/detail/json.hpp>
#include <actor/error.hpp>
#include <actor/json.hpp>

namespace actor {

void append_json(std::string& out, const EventType& type, const void* event) {
  detail::JsonWriter writer(out);
  type.to_json(event, writer);
}

std::string to_json(const EventType& type, const void* event) {
  std::string text;
  append_json(text, type, event);
  return text;
}

void from_json(std::string_view json, const EventType& type, void* event) {
  try {
    detail::JsonReader reader(json);
    type.from_json(reader, event);
  } catch (const Error& error) {
    throw Error(error.code(), "reading a " + std::string(type.name) + " from JSON: " + error.what());
  }
}

}  // namespace actor
