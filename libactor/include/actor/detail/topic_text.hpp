#pragma once

// Struct topics as text, as hash keys and compared, field by field. Pure functions: any thread.

#include <actor/detail/kind.hpp>
#include <actor/name.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace actor::detail {

/// Bare when nothing in it could be taken for punctuation, otherwise quoted: different values never get one name.
inline void append_topic_string(std::string& out, std::string_view text) {
  constexpr std::string_view bare_punctuation = "_.:/+-";
  bool bare = !text.empty();
  for (const char c : text)
    bare = bare && (is_identifier_char(c) || bare_punctuation.find(c) != std::string_view::npos);
  if (bare) {
    out += text;
    return;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

template <class T>
void append_topic_number(std::string& out, T value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  (void)error;  // 40 characters hold every 64-bit number and every shortest double
  out.append(text, end);
}

template <class T>
void append_topic_value(std::string& out, const T& value) {
  constexpr Kind kind = kind_of<T>();
  static_assert(
      kind == Kind::Bool || kind == Kind::Number || kind == Kind::Enum || kind == Kind::String ||
          kind == Kind::Optional || kind == Kind::Array || kind == Kind::Duration || kind == Kind::Struct,
      "a topic's fields are numbers, bools, enums, strings, durations, optionals, arrays or structs of those");
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, char>) {
    append_topic_string(out, {&value, 1});
  } else if constexpr (kind == Kind::Number) {
    append_topic_number(out, value);
  } else if constexpr (std::is_enum_v<T>) {
    if (const std::string_view name = enumerator_name(value); !name.empty()) {
      out += name;
    } else {
      append_topic_number(out, static_cast<std::int64_t>(value));
    }
  } else if constexpr (kind == Kind::String) {
    append_topic_string(out, value);
  } else if constexpr (kind == Kind::Duration) {
    append_topic_number(out, value.count());
  } else if constexpr (kind == Kind::Optional) {
    if (value) append_topic_value(out, *value);  // absent: nothing; an empty string is ""
  } else if constexpr (kind == Kind::Array) {
    out += '[';
    bool first = true;
    for (const auto& element : value) {
      if (!first) out += ',';
      first = false;
      append_topic_value(out, element);
    }
    out += ']';
  } else if constexpr (kind == Kind::Struct) {
    out += '{';
    std::size_t index = 0;
    for_each_field(value, [&](const auto& field) {
      if (index != 0) out += ',';
      out += field_names<T>()[index++];
      out += '=';
      append_topic_value(out, field);
    });
    out += '}';
  }
}

/// Mixes as boost::hash_combine does for 64 bits.
inline std::size_t mix(std::size_t seed, std::size_t hash) {
  return seed ^ (hash + 0x9e3779b97f4a7c15u + (seed << 6) + (seed >> 2));
}

template <class T>
std::size_t hash_topic_value(const T& value) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Struct) {
    std::size_t hash = 0;
    for_each_field(value, [&](const auto& field) { hash = mix(hash, hash_topic_value(field)); });
    return hash;
  } else if constexpr (kind == Kind::Array) {
    std::size_t hash = 0;
    for (const auto& element : value) hash = mix(hash, hash_topic_value(element));
    return hash;
  } else if constexpr (kind == Kind::Optional) {
    return value ? mix(1, hash_topic_value(*value)) : 0;
  } else if constexpr (kind == Kind::Duration) {
    return std::hash<typename T::rep>{}(value.count());
  } else {
    return std::hash<T>{}(value);
  }
}

template <class T>
bool equal_topic_values(const T& a, const T& b) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Struct) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return (equal_topic_values(get_field<I>(a), get_field<I>(b)) && ...);
    }
    (std::make_index_sequence<field_count<T>>{});
  } else if constexpr (kind == Kind::Array) {
    for (std::size_t i = 0; i < array_extent<T>; ++i) {
      if (!equal_topic_values(a[i], b[i])) return false;
    }
    return true;
  } else if constexpr (kind == Kind::Optional) {
    return a.has_value() == b.has_value() && (!a || equal_topic_values(*a, *b));
  } else {
    return a == b;
  }
}

}  // namespace actor::detail
