#pragma once

// Names of types, enumerators and fields, read by the compiler from its own diagnostics text (__PRETTY_FUNCTION__), so
// that users write no macro. Labels, topic names and schemas come from here. The spellings are made the same for GCC
// and Clang, because they travel: both ends of a route compare them. Compile time only; any thread.
//
// Enumerators are found from -128 to 255 (less where the underlying type holds less); others have no name.

#include <actor/detail/fields.hpp>
#include <actor/detail/static_text.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace actor {
namespace detail {

template <class T>
constexpr std::string_view type_signature() {
  return __PRETTY_FUNCTION__;
}

/// The type as this compiler spells it.
template <class T>
constexpr std::string_view compiler_spelling() {
  constexpr std::string_view probe = type_signature<double>();
  constexpr std::size_t front = probe.find("double");
  constexpr std::size_t back = probe.size() - front - std::string_view("double").size();
  std::string_view text = type_signature<T>();
  text.remove_prefix(front);
  text.remove_suffix(back);
  return text;
}

constexpr bool is_identifier_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool is_portable_spelling(std::string_view text) {
  for (const std::string_view mark : {"{anonymous}", "(", "<lambda", "<unnamed"}) {  // "(anonymous namespace)", "f()::"
    if (text.find(mark) != std::string_view::npos) return false;
  }
  return true;
}

struct Respelling {
  std::string_view from, to;
};

/// Where GCC, Clang and the two standard libraries differ. Longest first.
inline constexpr Respelling respellings[] = {
    {"long long unsigned int", "unsigned long long"},
    {"long unsigned int", "unsigned long"},
    {"short unsigned int", "unsigned short"},
    {"long long int", "long long"},
    {"short int", "short"},
    {"long int", "long"},
    {"std::__cxx11::", "std::"},
    {"std::__1::", "std::"},
};

/// One spelling for all compilers: see respellings; and no spaces but those between two words.
constexpr void put_canonical(TextSink& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    bool replaced = false;
    const bool word_starts = i == 0 || !is_identifier_char(text[i - 1]);
    for (const Respelling& spelling : respellings) {
      if (!word_starts || !text.substr(i).starts_with(spelling.from)) continue;
      const std::size_t end = i + spelling.from.size();
      if (is_identifier_char(spelling.from.back()) && end < text.size() && is_identifier_char(text[end])) continue;
      out.put(spelling.to);
      i = end;
      replaced = true;
      break;
    }
    if (replaced) continue;
    const bool between_words = text[i] == ' ' && i > 0 && is_identifier_char(text[i - 1]) && i + 1 < text.size() &&
                               is_identifier_char(text[i + 1]);
    if (text[i] != ' ' || between_words) out.put(text.substr(i, 1));
    ++i;
  }
}

/// Where the template arguments at the end of `text` begin, or its size when there are none.
constexpr std::size_t template_arguments_at(std::string_view text) {
  if (!text.ends_with('>')) return text.size();
  std::size_t depth = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == '>') ++depth;
    if (text[i] == '<' && --depth == 0) return i;
  }
  return text.size();
}

template <class T>
struct QualifiedName {
  static constexpr void write(TextSink& out) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char>) {
      out.put(std::is_signed_v<T> ? "i" : "u");  // long and long long are the same thing here
      out.put_unsigned(sizeof(T) * 8);
    } else {
      put_canonical(out, compiler_spelling<T>());
    }
  }
};

template <>
struct QualifiedName<std::string> {
  static constexpr void write(TextSink& out) { out.put("string"); }
};

// A template over types is spelled from its parts: compilers print the arguments differently.
template <template <class...> class Template, class... Args>
struct QualifiedName<Template<Args...>> {
  static constexpr void write(TextSink& out) {
    constexpr std::string_view text = compiler_spelling<Template<Args...>>();
    put_canonical(out, text.substr(0, template_arguments_at(text)));
    out.put("<");
    bool first = true;
    ((out.put(first ? "" : ","), QualifiedName<Args>::write(out), first = false), ...);
    out.put(">");
  }
};

constexpr std::string_view without_scope(std::string_view qualified) {
  const std::string_view head = qualified.substr(0, template_arguments_at(qualified));
  const std::size_t scope = head.rfind("::");
  return scope == std::string_view::npos ? qualified : qualified.substr(scope + 2);
}

/// The identifier that ends `text`, brackets after it left aside: the last name in "(& fake<T>.holder<T>::value.T::f)".
constexpr std::string_view last_identifier(std::string_view text) {
  while (!text.empty() && !is_identifier_char(text.back())) text.remove_suffix(1);
  std::size_t start = text.size();
  while (start > 0 && is_identifier_char(text[start - 1])) --start;
  return text.substr(start);
}

/// Calls visit(index, item) for each item of a list that a compiler printed, "A, B<int, 2>::C, (D)7".
template <class Visit>
constexpr void for_each_listed(std::string_view list, Visit visit) {
  std::size_t index = 0;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    const char c = i < list.size() ? list[i] : ',';
    if (c == '(' || c == '<' || c == '{') ++depth;
    if (c == ')' || c == '>' || c == '}') --depth;
    if (c != ',' || depth != 0) continue;
    visit(index++, list.substr(start, i - start));
    start = i + 2;
  }
}

/// What stands for the pack V in "... [with auto ...V = {a, b}]" (GCC) or "[V = <a, b>]" (Clang).
constexpr std::string_view listed_in(std::string_view signature) {
  const std::size_t start = signature.find("V = ") + 5;
  return signature.substr(start, signature.size() - start - 2);
}

template <auto... V>
constexpr const char* value_signature() {  // const char*: GCC explains any alias in the signature after the pack
  return __PRETTY_FUNCTION__;
}

// ---- enumerators: one instantiation prints all candidates, which keeps compile time low ----

template <class E>
struct EnumScan {
  using Underlying = std::underlying_type_t<E>;
  using Limits = std::numeric_limits<Underlying>;
  static constexpr int low = std::is_signed_v<Underlying> ? -128 : 0;
  static constexpr int high = sizeof(Underlying) == 1 ? static_cast<int>(Limits::max()) : 255;

  /// Newer Clangs refuse what an enum without a fixed underlying type cannot hold: 0 stands in, and is skipped.
  template <int Value>
  static constexpr E candidate() {
    if constexpr (requires { typename std::integral_constant<E, static_cast<E>(Value)>; }) {
      return static_cast<E>(Value);
    } else {
      return E{};
    }
  }
  template <int... Offset>
  static constexpr std::string_view print(std::integer_sequence<int, Offset...>) {
    return listed_in(value_signature<candidate<low + Offset>()...>());
  }
  template <int... Offset>
  static constexpr std::array<E, sizeof...(Offset)> list(std::integer_sequence<int, Offset...>) {
    return {candidate<low + Offset>()...};
  }
  using Offsets = std::make_integer_sequence<int, high - low + 1>;
  static constexpr auto candidates = list(Offsets{});

  /// visit(enumerator, its name). A value without a name is printed as a cast, "(E)7".
  template <class Visit>
  static constexpr void for_each_named(Visit visit) {
    for_each_listed(print(Offsets{}), [&](std::size_t index, std::string_view item) {
      const std::string_view name = last_identifier(item);
      const bool is_cast = name.empty() || (name[0] >= '0' && name[0] <= '9');
      const bool stands_in = static_cast<int>(candidates[index]) != low + static_cast<int>(index);
      if (!is_cast && !stands_in) visit(candidates[index], name);
    });
  }
};

struct Extent {
  std::uint32_t start = 0, size = 0;
};

template <class E>
struct EnumTable {
  using Scan = EnumScan<E>;
  static constexpr std::size_t count = [] {
    std::size_t found = 0;
    Scan::for_each_named([&](E, std::string_view) { ++found; });
    return found;
  }();
  struct Names {
    static constexpr void write(TextSink& out) {
      Scan::for_each_named([&](E, std::string_view name) { out.put(name); });
    }
  };
  static constexpr std::array<E, count> values = [] {
    std::array<E, count> found{};
    std::size_t next = 0;
    Scan::for_each_named([&](E value, std::string_view) { found[next++] = value; });
    return found;
  }();
  static constexpr std::array<std::string_view, count> names = [] {
    std::array<std::string_view, count> found{};
    std::size_t next = 0;
    std::size_t start = 0;
    Scan::for_each_named([&](E, std::string_view name) {
      found[next++] = StaticText<Names>::view.substr(start, name.size());
      start += name.size();
    });
    return found;
  }();
};

// ---- fields ----

/// Never defined: only addresses inside it are taken, at compile time.
template <class T>
struct Specimen {
  const T value;
};
template <class T>
extern const Specimen<T> specimen;

/// Clang before 18 refuses the address of a member as a template argument, unless it is wrapped.
template <class Pointer>
struct WrappedAddress {
  Pointer pointer;
};
template <class Pointer>
WrappedAddress(Pointer) -> WrappedAddress<Pointer>;

template <class T>
struct FieldTable {
  static constexpr std::size_t count = field_count<T>;

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif
  template <std::size_t... I>
  static constexpr std::string_view print(std::index_sequence<I...>) {
#if defined(__clang__)
    return listed_in(value_signature<WrappedAddress{&get_field<I>(specimen<T>.value)}...>());
#else
    return listed_in(value_signature<&get_field<I>(specimen<T>.value)...>());
#endif
  }
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

  template <class Visit>
  static constexpr void for_each_name(Visit visit) {
    if constexpr (count > 0) {
      for_each_listed(print(std::make_index_sequence<count>{}),
                      [&](std::size_t index, std::string_view item) { visit(index, last_identifier(item)); });
    }
  }
  struct Names {
    static constexpr void write(TextSink& out) {
      for_each_name([&](std::size_t, std::string_view name) { out.put(name); });
    }
  };
  static constexpr std::array<std::string_view, count> names = [] {
    std::array<std::string_view, count> found{};
    std::size_t start = 0;
    for_each_name([&](std::size_t index, std::string_view name) {
      found[index] = StaticText<Names>::view.substr(start, name.size());
      start += name.size();
    });
    return found;
  }();
};

}  // namespace detail

/// "weather::Temperature": the same from every compiler.
template <class T>
constexpr std::string_view qualified_type_name() {
  return detail::StaticText<detail::QualifiedName<T>>::view;
}

/// "Temperature": the label.
template <class T>
constexpr std::string_view type_name() {
  return detail::without_scope(qualified_type_name<T>());
}

/// False for what only one translation unit or function can name: it has no name that two programs could agree on.
/// (Clang spells function-local types as if they were global; there they pass.)
template <class T>
constexpr bool has_portable_name() {
  return detail::is_portable_spelling(detail::compiler_spelling<T>());
}

/// In order of value.
template <class E>
requires std::is_enum_v<E>
constexpr const auto& enumerators() {
  return detail::EnumTable<E>::values;
}

/// The names of enumerators<E>(), in the same order.
template <class E>
requires std::is_enum_v<E>
constexpr const auto& enumerator_names() {
  return detail::EnumTable<E>::names;
}

/// "" when the value has no enumerator.
template <class E>
requires std::is_enum_v<E>
constexpr std::string_view enumerator_name(E value) {
  const auto& values = enumerators<E>();
  const auto at = std::lower_bound(values.begin(), values.end(), value);
  if (at == values.end() || *at != value) return {};
  return enumerator_names<E>()[static_cast<std::size_t>(at - values.begin())];
}

/// The names of a plain struct's fields, in order of declaration.
template <class T>
requires std::is_aggregate_v<T>
constexpr const auto& field_names() {
  return detail::FieldTable<std::remove_cv_t<T>>::names;
}

}  // namespace actor
