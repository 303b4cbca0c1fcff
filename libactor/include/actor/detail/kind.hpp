#pragma once

// What kind of thing a field is: one classification that encoding, schemas and checks share, so that they cannot
// disagree. The walk over a type's parts works on types alone. Compile time only; any thread.

#include <actor/detail/fields.hpp>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace actor::detail {

enum class Kind : std::uint8_t {
  Bool,  ///< also enums over bool: one byte, 0 or 1
  Number,
  Enum,
  String,
  Array,  ///< std::array and C arrays: as many elements as the type says
  Vector,
  Optional,
  Variant,
  Tuple,  ///< std::pair, std::tuple
  Map,
  Set,
  Duration,
  TimePoint,
  Struct,  ///< a plain struct, walked field by field
  Own,     ///< brings its own cereal serialize, save or load
  Refused,
};

/// Why a type cannot travel.
enum class Refusal : std::uint8_t {
  None,
  Pointer,
  View,
  SmartPointer,
  LongDouble,
  Union,
  Base,
  NotPlain,
  HalfSerialize,
  ConstField,
  EmptyElements,
};

template <class... T>
struct TypeList {};

template <class T>
struct Traits {
  static constexpr Kind kind = Kind::Refused;  // of those named here; other types are classified by kind_of
  using Parts = TypeList<>;
};

template <Kind K, class... Part>
struct Composite {
  static constexpr Kind kind = K;
  using Parts = TypeList<Part...>;
};

// clang-format off
template <> struct Traits<std::string> : Composite<Kind::String> {};
template <class T, std::size_t N> struct Traits<std::array<T, N>> : Composite<Kind::Array, T> {};
template <class T, std::size_t N> struct Traits<T[N]> : Composite<Kind::Array, T> {};
template <class T, class A> struct Traits<std::vector<T, A>> : Composite<Kind::Vector, T> {};
template <class T> struct Traits<std::optional<T>> : Composite<Kind::Optional, T> {};
template <class... T> struct Traits<std::variant<T...>> : Composite<Kind::Variant, T...> {};
template <class A, class B> struct Traits<std::pair<A, B>> : Composite<Kind::Tuple, A, B> {};
template <class... T> struct Traits<std::tuple<T...>> : Composite<Kind::Tuple, T...> {};
template <class K, class V, class... R> struct Traits<std::map<K, V, R...>> : Composite<Kind::Map, K, V> {};
template <class K, class V, class... R> struct Traits<std::multimap<K, V, R...>> : Composite<Kind::Map, K, V> {};
template <class K, class V, class... R> struct Traits<std::unordered_map<K, V, R...>> : Composite<Kind::Map, K, V> {};
template <class K, class V, class... R> struct Traits<std::unordered_multimap<K, V, R...>> : Composite<Kind::Map, K, V> {};
template <class K, class... R> struct Traits<std::set<K, R...>> : Composite<Kind::Set, K> {};
template <class K, class... R> struct Traits<std::multiset<K, R...>> : Composite<Kind::Set, K> {};
template <class K, class... R> struct Traits<std::unordered_set<K, R...>> : Composite<Kind::Set, K> {};
template <class K, class... R> struct Traits<std::unordered_multiset<K, R...>> : Composite<Kind::Set, K> {};
template <class R, class P> struct Traits<std::chrono::duration<R, P>> : Composite<Kind::Duration, R> {};
template <class C, class D> struct Traits<std::chrono::time_point<C, D>> : Composite<Kind::TimePoint, D> {};

template <class T> inline constexpr bool is_view = false;
template <class C, class R> inline constexpr bool is_view<std::basic_string_view<C, R>> = true;
template <class T, std::size_t N> inline constexpr bool is_view<std::span<T, N>> = true;
template <class T> inline constexpr bool is_view<std::reference_wrapper<T>> = true;
template <class T> inline constexpr bool is_smart_pointer = false;
template <class T, class D> inline constexpr bool is_smart_pointer<std::unique_ptr<T, D>> = true;
template <class T> inline constexpr bool is_smart_pointer<std::shared_ptr<T>> = true;
template <class T> inline constexpr bool is_smart_pointer<std::weak_ptr<T>> = true;
// clang-format on

/// Whether T brings code of its own for both ways, one way, or none; answered by archive.hpp, which knows the archives.
enum class OwnCode : std::uint8_t { None, OneWay, BothWays };
template <class T>
constexpr OwnCode own_code();

template <class T, bool IsEnum = std::is_enum_v<T>>
struct ScalarOf {
  using type = T;
};
template <class T>
struct ScalarOf<T, true> {
  using type = std::underlying_type_t<T>;
};

template <class T>
constexpr Kind kind_of() {
  if constexpr (std::is_same_v<typename ScalarOf<T>::type, bool>) {
    return Kind::Bool;
  } else if constexpr (std::is_same_v<T, long double>) {
    return Kind::Refused;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return Kind::Number;
  } else if constexpr (std::is_enum_v<T>) {
    return Kind::Enum;
  } else if constexpr (Traits<T>::kind != Kind::Refused) {
    return Traits<T>::kind;
  } else if constexpr (!std::is_class_v<T> || is_view<T> || is_smart_pointer<T>) {
    return Kind::Refused;
  } else if constexpr (own_code<T>() == OwnCode::BothWays) {
    return Kind::Own;
  } else if constexpr (own_code<T>() == OwnCode::None && std::is_aggregate_v<T> && !HasBase<T>) {
    return Kind::Struct;
  } else {
    return Kind::Refused;
  }
}

/// The reason for Kind::Refused, T's own parts left aside.
template <class T>
constexpr Refusal own_refusal() {
  if constexpr (kind_of<T>() != Kind::Refused) {
    return Refusal::None;
  } else if constexpr (std::is_same_v<T, long double>) {
    return Refusal::LongDouble;
  } else if constexpr (std::is_union_v<T>) {
    return Refusal::Union;
  } else if constexpr (is_view<T>) {
    return Refusal::View;
  } else if constexpr (is_smart_pointer<T>) {
    return Refusal::SmartPointer;
  } else if constexpr (!std::is_class_v<T>) {
    return Refusal::Pointer;  // pointers to data, members and functions, nullptr_t
  } else if constexpr (own_code<T>() == OwnCode::OneWay) {
    return Refusal::HalfSerialize;
  } else if constexpr (std::is_aggregate_v<T>) {
    return Refusal::Base;
  } else {
    return Refusal::NotPlain;
  }
}

template <class T, bool IsStruct = kind_of<T>() == Kind::Struct>
struct PartsOf {
  using type = typename Traits<T>::Parts;
};
template <class T>
struct PartsOf<T, true> {
  template <std::size_t... I>
  static auto list(std::index_sequence<I...>) -> TypeList<FieldType<T, I>...>;
  using type = decltype(list(std::make_index_sequence<field_count<T>>{}));
};
template <class T>
using Parts = typename PartsOf<T>::type;

/// Is one of T's fields a reference? A tuple of references to the fields would hide it; but a reference has no default.
template <class T>
constexpr bool is_struct_with_reference() {
  if constexpr (kind_of<T>() == Kind::Struct) {
    return !takes_initialisers<T>(std::index_sequence<>{});
  } else {
    return false;
  }
}

template <class T>
constexpr bool is_struct_with_const_field() {
  if constexpr (kind_of<T>() == Kind::Struct) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (false || ... || std::is_const_v<std::remove_reference_t<decltype(get_field<I>(std::declval<T&>()))>>);
    }
    (std::make_index_sequence<field_count<T>>{});
  } else {
    return false;
  }
}

/// The fewest bytes an encoded T takes. 0 for Own types, which only they know.
template <class T>
constexpr std::size_t fewest_bytes();

template <class... Part>
constexpr std::size_t sum_of_fewest_bytes(TypeList<Part...>) {
  return (std::size_t{0} + ... + fewest_bytes<Part>());
}
template <class... Part>
constexpr std::size_t least_of_fewest_bytes(TypeList<Part...>) {
  std::size_t least = ~std::size_t{0};
  ((least = fewest_bytes<Part>() < least ? fewest_bytes<Part>() : least), ...);
  return least;
}

template <class T>
inline constexpr std::size_t array_extent = std::extent_v<T>;
template <class T, std::size_t N>
inline constexpr std::size_t array_extent<std::array<T, N>> = N;

template <class T>
constexpr std::size_t fewest_bytes() {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Bool || kind == Kind::Optional) {
    return 1;
  } else if constexpr (kind == Kind::Number || kind == Kind::Enum) {
    return sizeof(T);
  } else if constexpr (kind == Kind::String || kind == Kind::Vector || kind == Kind::Map || kind == Kind::Set) {
    return 8;
  } else if constexpr (kind == Kind::Variant) {
    return 4 + least_of_fewest_bytes(Parts<T>{});
  } else if constexpr (kind == Kind::Array) {
    return array_extent<T> * sum_of_fewest_bytes(Parts<T>{});
  } else {
    return sum_of_fewest_bytes(Parts<T>{});
  }
}

/// Does a sequence hold elements that encode to nothing? A hostile count could then ask for any amount of memory.
template <class T>
constexpr bool has_empty_elements() {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Vector || kind == Kind::Set) {
    return []<class E>(TypeList<E>) { return kind_of<E>() != Kind::Own && fewest_bytes<E>() == 0; }(Parts<T>{});
  } else {
    return false;
  }
}

template <class T, class... Seen>
constexpr Refusal refusal_of();

template <class... Seen, class... Part>
constexpr Refusal refusal_of_parts(TypeList<Seen...>, TypeList<Part...>) {
  Refusal found = Refusal::None;
  for (const Refusal refusal : {Refusal::None, refusal_of<Part, Seen...>()...}) {
    if (found == Refusal::None) found = refusal;
  }
  return found;
}

/// The first reason found why T or one of its parts cannot travel. Seen: the types this one is a part of.
template <class T, class... Seen>
constexpr Refusal refusal_of() {
  if constexpr ((std::is_same_v<T, Seen> || ...)) {
    return Refusal::None;
  } else if constexpr (own_refusal<T>() != Refusal::None) {
    return own_refusal<T>();
  } else if constexpr (is_struct_with_reference<T>()) {
    return Refusal::Pointer;
  } else if constexpr (is_struct_with_const_field<T>()) {
    return Refusal::ConstField;
  } else if constexpr (constexpr Refusal found = refusal_of_parts(TypeList<T, Seen...>{}, Parts<T>{});
                       found != Refusal::None) {
    return found;
  } else {
    return has_empty_elements<T>() ? Refusal::EmptyElements : Refusal::None;
  }
}

template <Kind K, class T, class... Seen>
constexpr bool has_kind();

template <Kind K, class... Seen, class... Part>
constexpr bool parts_have_kind(TypeList<Seen...>, TypeList<Part...>) {
  return (false || ... || has_kind<K, Part, Seen...>());
}

/// Is a type of kind K among T and its parts?
template <Kind K, class T, class... Seen>
constexpr bool has_kind() {
  if constexpr ((std::is_same_v<T, Seen> || ...)) {
    return false;
  } else if constexpr (kind_of<T>() == K) {
    return true;
  } else {
    return parts_have_kind<K>(TypeList<T, Seen...>{}, Parts<T>{});
  }
}

template <class Target, class T, class... Seen>
constexpr bool leads_to();

template <class Target, class... Seen, class... Part>
constexpr bool parts_lead_to(TypeList<Seen...>, TypeList<Part...>) {
  return (false || ... || leads_to<Target, Part, Seen...>());
}

template <class Target, class T, class... Seen>
constexpr bool leads_to() {
  if constexpr (std::is_same_v<T, Target>) {
    return true;
  } else if constexpr ((std::is_same_v<T, Seen> || ...)) {
    return false;
  } else {
    return parts_lead_to<Target>(TypeList<T, Seen...>{}, Parts<T>{});
  }
}

/// A struct that holds itself, in a vector for example: only such types nest without limit.
template <class T>
inline constexpr bool is_recursive = parts_lead_to<T>(TypeList<>{}, Parts<T>{});

}  // namespace actor::detail
