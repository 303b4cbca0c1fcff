#pragma once

// The walk that writes an event for people: Temperature{celsius=21.5, unit=Kelvin}. Long texts and sequences are cut,
// because it goes into log lines and test messages. Programs read JSON instead. Pure functions: any thread.

#include <actor/detail/kind.hpp>
#include <actor/id.hpp>
#include <actor/name.hpp>
#include <cstdint>
#include <iosfwd>
#include <iterator>
#include <string>
#include <string_view>

namespace actor::detail {

// What does not depend on the event's type; in src/event/text.cpp.
void append_quoted(std::string& out, std::string_view text);
void append_number(std::string& out, std::int64_t value);
void append_number(std::string& out, std::uint64_t value);
void append_number(std::string& out, double value);
void append_number(std::string& out, float value);
void append_char(std::string& out, char value);
/// `rep` ticks of num/den seconds each: "250ms", "2h", "7[1/3]s".
void append_duration(std::string& out, std::string_view rep, std::intmax_t num, std::intmax_t den);
/// In the largest unit of ns, us, ms and s that is exact.
void append_brief_duration(std::string& out, std::chrono::nanoseconds duration);
/// UTC, "2026-11-22T19:55:53.25Z".
void append_wall_time(std::string& out, std::int64_t ns_since_epoch);
/// So that headers need no <ostream>.
std::ostream& write_text(std::ostream& out, std::string_view text);
void append_streamed(std::string& out, const void* value, void (*print)(std::ostream&, const void*));

/// How many elements of a sequence are written; how many more there are is said.
inline constexpr std::size_t most_elements_in_text = 32;
void append_rest(std::string& out, std::size_t not_written);

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

template <class T>
void append_text(std::string& out, const T& value);

template <class T>
void append_scalar_text(std::string& out, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    if (const std::string_view name = enumerator_name(value); !name.empty()) {
      out += name;
    } else {
      append_scalar_text(out, static_cast<std::underlying_type_t<T>>(value));
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_same_v<T, char>) {
    append_char(out, value);
  } else if constexpr (std::is_floating_point_v<T>) {
    append_number(out, value);
  } else if constexpr (std::is_signed_v<T>) {
    append_number(out, std::int64_t{value});
  } else {
    append_number(out, std::uint64_t{value});
  }
}

template <class Sequence, class Append>
void append_elements(std::string& out, const Sequence& elements, char open, char close, Append&& append) {
  out += open;
  std::size_t written = 0;
  const std::size_t size = std::size(elements);
  for (const auto& element : elements) {
    if (written == most_elements_in_text) break;
    if (written++ != 0) out += ", ";
    append(element);
  }
  if (written < size) append_rest(out, size - written);
  out += close;
}

template <class T>
void append_fields(std::string& out, const T& value) {
  out += '{';
  std::size_t index = 0;
  for_each_field(value, [&](const auto& field) {
    if (index != 0) out += ", ";
    out += field_names<T>()[index++];
    out += '=';
    append_text(out, field);
  });
  out += '}';
}

/// With the type's name, where the place alone does not tell what it is: an event, an alternative.
template <class T>
void append_named_text(std::string& out, const T& value) {
  if constexpr (kind_of<T>() == Kind::Struct) out += type_name<T>();
  append_text(out, value);
}

template <class T>
void append_time_text(std::string& out, const T& value) {
  if constexpr (kind_of<T>() == Kind::Duration) {
    std::string ticks;
    append_scalar_text(ticks, value.count());
    append_duration(out, ticks, T::period::num, T::period::den);
  } else if constexpr (std::is_same_v<typename T::clock, std::chrono::system_clock> &&
                       std::is_integral_v<typename T::rep>) {
    using namespace std::chrono;
    append_wall_time(out, duration_cast<nanoseconds>(value.time_since_epoch()).count());
  } else {
    append_time_text(out, value.time_since_epoch());
  }
}

/// A type with code of its own: what it prints itself, else its name alone.
template <class T>
void append_own_text(std::string& out, const T& value) {
  if constexpr (Streamable<T>) {
    append_streamed(out, &value, [](std::ostream& stream, const void* at) { stream << *static_cast<const T*>(at); });
  } else {
    out += type_name<T>();
  }
}

template <class T>
void append_composite_text(std::string& out, const T& value) {
  constexpr Kind kind = kind_of<T>();
  const auto append = [&](const auto& part) { append_text(out, part); };
  if constexpr (kind == Kind::Set) {
    append_elements(out, value, '{', '}', append);
  } else if constexpr (kind == Kind::Map) {
    append_elements(out, value, '{', '}', [&](const auto& entry) {
      append_text(out, entry.first);
      out += ": ";
      append_text(out, entry.second);
    });
  } else if constexpr (kind == Kind::Tuple) {
    out += '(';
    std::size_t index = 0;
    std::apply([&](const auto&... part) { ((out += index++ == 0 ? "" : ", ", append_text(out, part)), ...); }, value);
    out += ')';
  } else {
    append_elements(out, value, '[', ']', append);
  }
}

template <class T>
void append_text(std::string& out, const T& value) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Bool || kind == Kind::Number || kind == Kind::Enum) {
    append_scalar_text(out, value);
  } else if constexpr (kind == Kind::String) {
    append_quoted(out, value);
  } else if constexpr (kind == Kind::Optional) {
    if (value) {
      append_text(out, *value);
    } else {
      out += "none";
    }
  } else if constexpr (kind == Kind::Variant) {
    if (value.valueless_by_exception()) {
      out += "valueless";
    } else {
      std::visit([&](const auto& alternative) { append_named_text(out, alternative); }, value);
    }
  } else if constexpr (kind == Kind::Duration || kind == Kind::TimePoint) {
    append_time_text(out, value);
  } else if constexpr (kind == Kind::Own) {
    append_own_text(out, value);
  } else if constexpr (std::is_same_v<T, EventId>) {
    out += to_string(value);
  } else if constexpr (kind == Kind::Struct) {
    append_fields(out, value);
  } else {
    append_composite_text(out, value);
  }
}

}  // namespace actor::detail
