#pragma once

// The short name of an event, a topic or an enumerator, for people, logs and diagrams; nothing to derive or write. What
// routes is a topic's wire name, topic_name() in actor/topic.hpp. Pure functions: any thread.

#include <actor/topic.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace actor {

/// Of a type: "Temperature".
template <class T>
constexpr std::string_view label() {
  return type_name<T>();
}

/// Of an event "Temperature", also when a variant holds it; of an enumerator "Reading" (its number without a name); of
/// a self-routed topic its event's label; of DefaultTopic "default".
template <class T>
std::string label_of(const T& value) {
  if constexpr (detail::is_variant<T>) {
    return value.valueless_by_exception() ? std::string()
                                          : std::visit([](const auto& held) { return label_of(held); }, value);
  } else if constexpr (std::is_enum_v<T>) {
    const std::string_view name = enumerator_name(value);
    return name.empty() ? std::to_string(static_cast<std::underlying_type_t<T>>(value)) : std::string(name);
  } else if constexpr (detail::is_default_topic<T> || detail::is_type_topic<T> || detail::is_of<T>) {
    return topic_name(value);
  } else {
    return std::string(label<T>());
  }
}

}  // namespace actor
