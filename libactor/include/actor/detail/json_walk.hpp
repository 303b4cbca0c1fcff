#pragma once

// The walk over an event's fields that writes it as JSON and reads it back, exactly. Functions only, no state: any
// thread.

#include <actor/archive.hpp>
#include <actor/detail/json.hpp>
#include <actor/detail/kind.hpp>
#include <actor/id.hpp>
#include <actor/name.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actor::detail {

template <class T>
inline constexpr bool is_char_sequence = false;
template <std::size_t N>
inline constexpr bool is_char_sequence<std::array<char, N>> = true;
template <std::size_t N>
inline constexpr bool is_char_sequence<char[N]> = true;
template <class A>
inline constexpr bool is_char_sequence<std::vector<char, A>> = true;

template <class T>
inline constexpr bool has_string_keys = false;
template <class V, class... R>
inline constexpr bool has_string_keys<std::map<std::string, V, R...>> = true;
template <class V, class... R>
inline constexpr bool has_string_keys<std::unordered_map<std::string, V, R...>> = true;

/// What an alternative is called; its number where two have the same name.
template <class... Alternative>
constexpr std::array<std::string_view, sizeof...(Alternative)> alternative_names(TypeList<Alternative...>) {
  std::array<std::string_view, sizeof...(Alternative)> names{type_name<Alternative>()...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = i + 1; j < names.size(); ++j) {
      if (names[i] == names[j]) return {};
    }
  }
  return names;
}

// ---- writing ----

template <class T>
void write_json(JsonWriter& out, const T& value);

template <class T>
void write_json_number(JsonWriter& out, T value) {
  if constexpr (std::is_same_v<T, char>) {
    out.character(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    out.real(value);
  } else if constexpr (std::is_signed_v<T>) {
    out.integer(value);
  } else {
    out.natural(value);
  }
}

template <class T>
void write_json_enum(JsonWriter& out, T value) {
  if (const std::string_view name = enumerator_name(value); !name.empty()) {
    out.string(name);
  } else if constexpr (std::is_same_v<std::underlying_type_t<T>, bool>) {
    out.boolean(static_cast<bool>(value));
  } else if constexpr (std::is_signed_v<std::underlying_type_t<T>>) {
    out.integer(static_cast<std::int64_t>(value));
  } else {
    out.natural(static_cast<std::uint64_t>(value));
  }
}

template <class T>
void write_json_map(JsonWriter& out, const T& value) {
  if constexpr (has_string_keys<T>) {
    bool keys_are_text = true;
    for (const auto& entry : value) keys_are_text = keys_are_text && is_utf8(entry.first);
    if (keys_are_text) {
      out.open('{');
      for (const auto& entry : value) {
        out.key(entry.first);
        write_json(out, entry.second);
      }
      out.close('}');
      return;
    }
  }
  out.open('[');
  for (const auto& entry : value) {
    out.open('[');
    write_json(out, entry.first);
    write_json(out, entry.second);
    out.close(']');
  }
  out.close(']');
}

template <class T>
void write_json_sequence(JsonWriter& out, const T& value) {
  if constexpr (is_char_sequence<T>) {
    std::string_view text(std::data(value), std::size(value));
    if constexpr (kind_of<T>() == Kind::Array) {
      while (text.ends_with('\0')) text.remove_suffix(1);
    }
    out.string(text);
  } else {
    out.open('[');
    for (const auto& element : value) write_json<std::remove_cvref_t<decltype(*std::begin(value))>>(out, element);
    out.close(']');
  }
}

template <class T>
void write_json_variant(JsonWriter& out, const T& value) {
  static constexpr auto names = alternative_names(Parts<T>{});
  if (value.valueless_by_exception()) return out.null();
  out.open('{');
  out.key(names[0].empty() ? std::string_view(std::to_string(value.index())) : names[value.index()]);
  std::visit([&](const auto& alternative) { write_json(out, alternative); }, value);
  out.close('}');
}

template <class T>
void write_json_ticks(JsonWriter& out, const T& duration) {
  std::string ticks;
  JsonWriter number(ticks);
  write_json_number(number, duration.count());
  out.duration(ticks, T::period::num, T::period::den);
}

template <class T>
void write_json_time(JsonWriter& out, const T& time) {
  using Rep = typename T::rep;
  if constexpr (std::is_same_v<typename T::clock, std::chrono::system_clock> && std::is_integral_v<Rep> &&
                std::is_signed_v<Rep>) {
    out.wall_time(time.time_since_epoch().count(), T::period::num, T::period::den);
  } else {
    write_json_ticks(out, time.time_since_epoch());
  }
}

template <class T>
void write_json_struct(JsonWriter& out, const T& value) {
  out.open('{');
  std::size_t index = 0;
  for_each_field(value, [&](const auto& field) {
    out.key(field_names<T>()[index++]);
    write_json(out, field);
  });
  out.close('}');
}

template <class T>
void write_json_own(JsonWriter& out, const T& value) {
  std::vector<std::byte> bytes(actor::encoded_size(value));
  actor::encode(value, bytes);
  out.hex(bytes);
}

template <class T>
void write_json(JsonWriter& out, const T& value) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (std::is_enum_v<T>) {
    write_json_enum(out, value);
  } else if constexpr (kind == Kind::Bool) {
    out.boolean(value);
  } else if constexpr (kind == Kind::Number) {
    write_json_number(out, value);
  } else if constexpr (kind == Kind::String) {
    out.string(value);
  } else if constexpr (kind == Kind::Optional) {
    if (!value) return out.null();
    constexpr bool wrap = kind_of<typename T::value_type>() == Kind::Optional;  // its null is not ours
    if constexpr (wrap) out.open('[');
    write_json(out, *value);
    if constexpr (wrap) out.close(']');
  } else if constexpr (kind == Kind::Variant) {
    write_json_variant(out, value);
  } else if constexpr (kind == Kind::Tuple) {
    out.open('[');
    std::apply([&](const auto&... part) { (write_json(out, part), ...); }, value);
    out.close(']');
  } else if constexpr (kind == Kind::Map) {
    write_json_map(out, value);
  } else if constexpr (kind == Kind::Duration) {
    write_json_ticks(out, value);
  } else if constexpr (kind == Kind::TimePoint) {
    write_json_time(out, value);
  } else if constexpr (std::is_same_v<T, ActorId>) {
    out.string(value.name());
  } else if constexpr (kind == Kind::Own) {
    write_json_own(out, value);
  } else if constexpr (std::is_same_v<T, EventId>) {
    out.string(to_string(value));
  } else if constexpr (kind == Kind::Struct) {
    write_json_struct(out, value);
  } else {
    write_json_sequence(out, value);
  }
}

// ---- reading ----

template <class T>
void read_json(JsonReader& in, T& value);

template <class T>
void read_json_number(JsonReader& in, T& value) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, char>) {
    value = in.character();
  } else if constexpr (std::is_floating_point_v<T>) {
    value = static_cast<T>(in.real());
  } else if constexpr (std::is_signed_v<T>) {
    value = static_cast<T>(in.integer(Limits::min(), Limits::max()));
  } else {
    value = static_cast<T>(in.natural(Limits::max()));
  }
}

template <class T>
void read_json_enum(JsonReader& in, T& value) {
  using Underlying = std::underlying_type_t<T>;
  using Limits = std::numeric_limits<Underlying>;
  if (in.is_string()) {
    value = enumerators<T>()[index_of_name(in, enumerator_names<T>())];
  } else if constexpr (std::is_same_v<Underlying, bool>) {
    value = static_cast<T>(in.boolean());
  } else if constexpr (std::is_signed_v<Underlying>) {
    value = static_cast<T>(in.integer(Limits::min(), Limits::max()));
  } else {
    value = static_cast<T>(in.natural(Limits::max()));
  }
}

template <class T>
void read_json_map(JsonReader& in, T& value) {
  value.clear();
  if constexpr (has_string_keys<T>) {
    if (in.is_object()) {
      for (const std::string& name : in.names()) {
        in.enter(name);
        read_json(in, value[name]);
        in.leave();
      }
      return;
    }
  }
  const std::size_t size = in.array();
  for (std::size_t i = 0; i < size; ++i) {
    std::pair<typename T::key_type, typename T::mapped_type> entry;
    in.enter(i);
    read_json(in, entry);
    if (!insert_last(value, std::move(entry))) in.refuse("a key that has not come before");
    in.leave();
  }
}

template <class T>
void read_json_set(JsonReader& in, T& value) {
  value.clear();
  const std::size_t size = in.array();
  for (std::size_t i = 0; i < size; ++i) {
    typename T::key_type key{};
    in.enter(i);
    read_json(in, key);
    if (!insert_last(value, std::move(key))) in.refuse("a value that has not come before");
    in.leave();
  }
}

template <class T>
void read_json_text(JsonReader& in, T& value) {
  const std::string text = in.string();
  if constexpr (kind_of<T>() == Kind::Array) {
    if (text.size() > array_extent<T>) in.refuse("at most " + std::to_string(array_extent<T>) + " characters");
    std::fill(std::begin(value), std::end(value), '\0');
    std::copy(text.begin(), text.end(), std::begin(value));
  } else {
    value.assign(text.begin(), text.end());
  }
}

template <class T>
void read_json_sequence(JsonReader& in, T& value) {
  if constexpr (is_char_sequence<T>) {
    read_json_text(in, value);
    return;
  } else if constexpr (kind_of<T>() == Kind::Array) {
    in.array_of(array_extent<T>);
  } else {
    value.resize(in.array());
  }
  if constexpr (!is_char_sequence<T>) {
    for (std::size_t i = 0; i < std::size(value); ++i) {
      in.enter(i);
      if constexpr (std::is_same_v<T, std::vector<bool>>) {
        value[i] = in.boolean();
      } else {
        read_json(in, value[i]);
      }
      in.leave();
    }
  }
}

template <class T, std::size_t... I>
void read_json_alternative(JsonReader& in, T& value, std::size_t index, std::index_sequence<I...>) {
  const auto read_one = [&]<std::size_t Index>(std::in_place_index_t<Index>) {
    read_json(in, value.template emplace<Index>());
  };
  (void)((index == I && (read_one(std::in_place_index<I>), true)) || ...);
}

template <class T>
void read_json_variant(JsonReader& in, T& value) {
  static constexpr auto names = alternative_names(Parts<T>{});
  const std::size_t index = in.alternative(names);
  in.enter_only();
  read_json_alternative(in, value, index, std::make_index_sequence<names.size()>{});
  in.leave();
}

template <class T>
void read_json_optional(JsonReader& in, T& value) {
  if (in.is_null()) return value.reset();
  constexpr bool wrapped = kind_of<typename T::value_type>() == Kind::Optional;
  if constexpr (wrapped) {
    in.array_of(1);
    in.enter(std::size_t{0});
  }
  read_json(in, value.emplace());
  if constexpr (wrapped) in.leave();
}

template <class T>
void read_json_tuple(JsonReader& in, T& value) {
  in.array_of(std::tuple_size_v<T>);
  std::size_t index = 0;
  std::apply([&](auto&... part) { ((in.enter(index++), read_json(in, part), in.leave()), ...); }, value);
}

template <class T>
void read_json_ticks(JsonReader& in, T& duration) {
  using Rep = typename T::rep;
  using Limits = std::numeric_limits<Rep>;
  const std::string ticks = in.ticks(T::period::num, T::period::den);
  if constexpr (std::is_floating_point_v<Rep>) {
    duration = T(static_cast<Rep>(ticks_as_real(in, ticks)));
  } else if constexpr (std::is_signed_v<Rep>) {
    duration = T(static_cast<Rep>(ticks_as_integer(in, ticks, Limits::min(), Limits::max())));
  } else {
    duration = T(static_cast<Rep>(ticks_as_natural(in, ticks, Limits::max())));
  }
}

template <class T>
void read_json_time(JsonReader& in, T& time) {
  using Rep = typename T::rep;
  typename T::duration since_epoch{};
  if constexpr (std::is_same_v<typename T::clock, std::chrono::system_clock> && std::is_integral_v<Rep> &&
                std::is_signed_v<Rep>) {
    const std::int64_t ticks = in.wall_time(T::period::num, T::period::den);
    if (!std::in_range<Rep>(ticks)) in.refuse("a time that the field can hold");
    since_epoch = typename T::duration(static_cast<Rep>(ticks));
  } else {
    read_json_ticks(in, since_epoch);
  }
  time = T(since_epoch);
}

template <class T>
void read_json_struct(JsonReader& in, T& value) {
  in.object_of(field_names<T>());
  std::size_t index = 0;
  for_each_field(value, [&](auto& field) {
    in.enter(field_names<T>()[index++]);
    read_json(in, field);
    in.leave();
  });
}

template <class T>
void read_json(JsonReader& in, T& value) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (std::is_enum_v<T>) {
    read_json_enum(in, value);
  } else if constexpr (kind == Kind::Bool) {
    value = in.boolean();
  } else if constexpr (kind == Kind::Number) {
    read_json_number(in, value);
  } else if constexpr (kind == Kind::String) {
    value = in.string();
  } else if constexpr (kind == Kind::Optional) {
    read_json_optional(in, value);
  } else if constexpr (kind == Kind::Variant) {
    read_json_variant(in, value);
  } else if constexpr (kind == Kind::Tuple) {
    read_json_tuple(in, value);
  } else if constexpr (kind == Kind::Map) {
    read_json_map(in, value);
  } else if constexpr (kind == Kind::Set) {
    read_json_set(in, value);
  } else if constexpr (kind == Kind::Duration) {
    read_json_ticks(in, value);
  } else if constexpr (kind == Kind::TimePoint) {
    read_json_time(in, value);
  } else if constexpr (std::is_same_v<T, ActorId>) {
    value = ActorId(in.string());
  } else if constexpr (kind == Kind::Own) {
    if (!actor::decode(in.hex(), value)) in.refuse("the encoding of a " + std::string(type_name<T>()));
  } else if constexpr (std::is_same_v<T, EventId>) {
    value = read_json_event_id(in);
  } else if constexpr (kind == Kind::Struct) {
    read_json_struct(in, value);
  } else {
    read_json_sequence(in, value);
  }
}

}  // namespace actor::detail
