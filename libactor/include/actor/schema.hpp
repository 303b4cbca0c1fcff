#pragma once

// The schema of a type: a text of its fields, put together at compile time, the same from GCC and Clang. Its hash, with
// the type's name, is compared when two programs meet, so that mismatched binaries refuse each other; and the text is
// enough for a tool to print an event without the application's code. Compile time only; any thread. The grammar:
//
//   bool char i8..i64 u8..u64 f32 f64 string          vector<T> array<T,N> optional<T> variant<A,B> pair<A,B>
//   tuple<A,B> enum Name:u8{A=0,B=1}                             map<K,V> unordered_map<K,V> set<K> ... multimap<K,V>
//   ... {field:T,...}    a struct; ^1 is the struct that   duration<i64,1/1000> (rep, seconds a tick)
//                    encloses this one, ^2 the next    time_point<system,duration<...>>
//   opaque Name      brings its own cereal code        raw(24,8){...}: travels as it lies in memory (size, alignment)

#include <actor/archive.hpp>
#include <actor/name.hpp>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace actor {
namespace detail {

/// Does an event of this type travel as it lies in memory? Only what has one layout on all compilers of a platform:
/// numbers, bools, enums, durations, time points, arrays and plain structs of those.

template <class T>
constexpr bool is_raw() {
  constexpr Kind kind = kind_of<T>();
  if constexpr (!std::is_trivially_copyable_v<T>) {
    return false;
  } else if constexpr (kind == Kind::Bool || kind == Kind::Number || kind == Kind::Enum) {
    return true;
  } else if constexpr (kind == Kind::Array || kind == Kind::Duration || kind == Kind::TimePoint ||
                       kind == Kind::Struct) {
    return []<class... Part>(TypeList<Part...>) { return (is_raw<Part>() && ...); }(Parts<T>{});
  } else {
    return false;
  }
}

template <class T>
constexpr void put_number_name(TextSink& out) {
  if constexpr (std::is_same_v<T, char> || std::is_same_v<T, bool>) {
    out.put(std::is_same_v<T, char> ? "char" : "bool");
  } else {
    out.put(std::is_floating_point_v<T> ? "f" : (std::is_signed_v<T> ? "i" : "u"));
    out.put_unsigned(sizeof(T) * 8);
  }
}

template <class E>
constexpr void put_enum(TextSink& out) {
  out.put("enum ");
  out.put(type_name<E>());
  out.put(":");
  put_number_name<std::underlying_type_t<E>>(out);
  out.put("{");
  for (std::size_t i = 0; i < enumerators<E>().size(); ++i) {
    if (i != 0) out.put(",");
    out.put(enumerator_names<E>()[i]);
    out.put("=");
    out.put_number(static_cast<std::int64_t>(enumerators<E>()[i]));
  }
  out.put("}");
}

template <class T, class... Open>
constexpr void put_schema(TextSink& out);

template <class... Open, class... Part>
constexpr void put_parts(TextSink& out, TypeList<Open...>, TypeList<Part...>) {
  bool first = true;
  ((out.put(first ? "" : ","), put_schema<Part, Open...>(out), first = false), ...);
}

/// "map" for std::map<...>. SUBTLE: no string_view::find() on static text: under -fsanitize=undefined GCC 12 does not
/// take its pointer comparison for a constant expression.
template <class T>
constexpr std::string_view template_name() {
  constexpr std::string_view text = type_name<T>();
  std::size_t size = 0;
  while (size < text.size() && text[size] != '<') ++size;
  return text.substr(0, size);
}

template <class Clock>
constexpr std::string_view clock_name() {
  if constexpr (std::is_same_v<Clock, std::chrono::system_clock>) {
    return "system";
  } else if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    return "steady";
  } else {
    return type_name<Clock>();
  }
}

template <class T, class... Open>
constexpr void put_struct(TextSink& out) {
  // The first of Open is the innermost: ^1 says "the struct around this field's".
  std::size_t level = 0;
  std::size_t found = 0;
  ((++level, found = (found == 0 && std::is_same_v<T, Open>) ? level : found), ...);
  if constexpr ((std::is_same_v<T, Open> || ...)) {
    out.put("^");
    out.put_unsigned(found);
  } else {
    out.put("{");
    [&]<class... Part>(TypeList<Part...>) {
      std::size_t index = 0;
      ((out.put(index == 0 ? "" : ","), out.put(field_names<T>()[index++]), out.put(":"),
        put_schema<Part, T, Open...>(out)),
       ...);
    }(Parts<T>{});
    out.put("}");
  }
}

template <class T, class... Open>
constexpr void put_schema(TextSink& out) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (std::is_enum_v<T>) {
    put_enum<T>(out);
  } else if constexpr (kind == Kind::Bool) {
    out.put("bool");
  } else if constexpr (kind == Kind::Number) {
    put_number_name<T>(out);
  } else if constexpr (kind == Kind::String) {
    out.put("string");
  } else if constexpr (kind == Kind::Array) {
    out.put("array<");
    put_parts(out, TypeList<Open...>{}, Parts<T>{});
    out.put(",");
    out.put_unsigned(array_extent<T>);
    out.put(">");
  } else if constexpr (kind == Kind::Duration) {
    out.put("duration<");
    put_schema<typename T::rep>(out);
    out.put(",");
    out.put_number(T::period::num);
    out.put("/");
    out.put_number(T::period::den);
    out.put(">");
  } else if constexpr (kind == Kind::TimePoint) {
    out.put("time_point<");
    out.put(clock_name<typename T::clock>());
    out.put(",");
    put_schema<typename T::duration>(out);
    out.put(">");
  } else if constexpr (kind == Kind::Own) {
    out.put("opaque ");
    out.put(qualified_type_name<T>());
  } else if constexpr (kind == Kind::Struct) {
    put_struct<T, Open...>(out);
  } else {
    out.put(template_name<T>());
    out.put("<");
    put_parts(out, TypeList<Open...>{}, Parts<T>{});
    out.put(">");
  }
}

template <class T>
struct SchemaText {
  static constexpr void write(TextSink& out) {
    if constexpr (is_raw<T>()) {
      out.put("raw(");
      out.put_unsigned(sizeof(T));
      out.put(",");
      out.put_unsigned(alignof(T));
      out.put(")");
    }
    put_schema<T>(out);
  }
};

/// FNV-1a, 64 bits.
constexpr std::uint64_t fnv1a(std::string_view text, std::uint64_t hash = 0xcbf29ce484222325u) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace detail

/// For example "raw(16,8){celsius:f64,at:u64}".
template <class T>
constexpr std::string_view schema_text() {
  check_encodable<T>();
  if constexpr (Encodable<T>) {
    return detail::StaticText<detail::SchemaText<T>>::view;
  } else {
    return {};
  }
}

/// The fingerprint of a wire name and a schema: FNV-1a (64 bits) over the two with a space between. It tells apart what
/// was built differently by mistake; it is no defence against forgery, nor needs it be: bytes are validated anyway.
constexpr std::uint64_t schema_hash(std::string_view name, std::string_view schema) {
  return detail::fnv1a(schema, detail::fnv1a(" ", detail::fnv1a(name)));
}

template <class T>
constexpr std::uint64_t schema_hash() {
  return schema_hash(qualified_type_name<T>(), schema_text<T>());
}

}  // namespace actor
