#pragma once

// The fields of a plain struct, without a macro: how many there are, their types, references to them. Boost.PFR does
// the walking; the counting is ours, because PFR 1.81 miscounts C arrays and cannot say "this has a base class" in
// words. Compile time only: no state, any thread.

#include <array>
#include <boost/pfr/core.hpp>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace actor::detail {

/// Stands in for the initialiser of any field while counting; never evaluated.
struct AnyField {
  explicit constexpr AnyField(std::size_t) noexcept {}
  template <class T>
  operator T&() const&& noexcept;  // NOLINT: implicit on purpose
  template <class T>
  operator T&() const& noexcept;  // NOLINT
};

/// For types that cannot be copied: then only a prvalue initialises the field.
struct AnyMovedField {
  explicit constexpr AnyMovedField(std::size_t) noexcept {}
  template <class T>
  operator T() const&& noexcept;  // NOLINT
};

template <class T>
struct AnyBase {
  AnyBase() = default;
  AnyBase(const AnyBase&) = delete;  // so that a std::any does not take it for a value
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base&() const&& noexcept;  // NOLINT
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base&() const& noexcept;  // NOLINT
};

template <class T>
concept HasBase = std::is_class_v<T> && requires {
  T{AnyBase<T>{}};
};

template <class T>
using AnyFieldOf = std::conditional_t<std::is_copy_constructible_v<T>, AnyField, AnyMovedField>;

template <class T, std::size_t... I>
constexpr bool takes_initialisers(std::index_sequence<I...>) {
  return requires {
    T{AnyFieldOf<T>(I)...};
  };
}

template <class T, std::size_t... Before, std::size_t... After>
constexpr bool takes_braces_between(std::index_sequence<Before...>, std::index_sequence<After...>) {
  return requires {
    T{AnyFieldOf<T>(Before)..., {}, AnyFieldOf<T>(After)...};
  };
}

/// The most initialisers T takes; each element of a C array counts, because brace elision takes them one by one.
template <class T, std::size_t Low, std::size_t High>
constexpr std::size_t most_initialisers() {
  if constexpr (Low == High) {
    return Low;
  } else {
    constexpr std::size_t middle = Low + (High - Low + 1) / 2;
    if constexpr (takes_initialisers<T>(std::make_index_sequence<middle>{})) {
      return most_initialisers<T, middle, High>();
    } else {
      return most_initialisers<T, Low, middle - 1>();
    }
  }
}

/// A bound for the search above, found in growing steps: sizeof(T) itself may be a megabyte, and a list of so many
/// initialisers would keep the compiler busy for minutes.
template <class T, std::size_t Low, std::size_t Step>
constexpr std::size_t too_many_initialisers() {
  if constexpr (Low + Step >= sizeof(T)) {
    return sizeof(T);
  } else if constexpr (takes_initialisers<T>(std::make_index_sequence<Low + Step>{})) {
    return too_many_initialisers<T, Low + Step, Step * 2>();
  } else {
    return Low + Step;
  }
}

/// The fewest: not 0 when a field has no default (a reference).
template <class T, std::size_t From, std::size_t Limit>
constexpr std::size_t fewest_initialisers() {
  if constexpr (From >= Limit || takes_initialisers<T>(std::make_index_sequence<From>{})) {
    return From;
  } else {
    return fewest_initialisers<T, From + 1, Limit>();
  }
}

/// Does `{}` for the field at initialiser `At` leave room for all but `Width` of the initialisers from there on?
template <class T, std::size_t At, std::size_t Total, std::size_t Width>
constexpr bool braces_stand_for() {
  return takes_braces_between<T>(std::make_index_sequence<At>{}, std::make_index_sequence<Total - At - Width>{});
}

/// The least width that fits, known to be above Low and at most High.
template <class T, std::size_t At, std::size_t Total, std::size_t Low, std::size_t High>
constexpr std::size_t least_width() {
  if constexpr (High - Low <= 1) {
    return High;
  } else {
    constexpr std::size_t middle = Low + (High - Low) / 2;
    if constexpr (braces_stand_for<T, At, Total, middle>()) {
      return least_width<T, At, Total, Low, middle>();
    } else {
      return least_width<T, At, Total, middle, High>();
    }
  }
}

/// How many initialisers the field at initialiser `At` swallows: `{}` in its place leaves room for the rest exactly.
/// Whatever is wider fits too, so that a C array of thousands is found in a few steps.
template <class T, std::size_t At, std::size_t Total, std::size_t Width = 1>
constexpr std::size_t field_width() {
  constexpr std::size_t widest = Total - At;
  if constexpr (Width >= widest) {
    // `{}` never fits (an explicit default constructor): an ordinary field
    return braces_stand_for<T, At, Total, widest>() ? least_width<T, At, Total, Width / 2, widest>() : 1;
  } else if constexpr (braces_stand_for<T, At, Total, Width>()) {
    return least_width<T, At, Total, Width / 2, Width>();
  } else {
    return field_width<T, At, Total, Width * 2>();
  }
}

template <class T, std::size_t At, std::size_t Total>
constexpr std::size_t fields_from() {
  if constexpr (At >= Total) {
    return 0;
  } else {
    return 1 + fields_from<T, At + field_width<T, At, Total>(), Total>();
  }
}

template <class T>
constexpr std::size_t count_fields() {
  static_assert(std::is_aggregate_v<T> && !std::is_array_v<T> && !std::is_union_v<T>, "only plain structs have fields");
  if constexpr (std::is_empty_v<T>) {
    return 0;
  } else {
    // A field takes at least one byte, so sizeof bounds the count.
    constexpr std::size_t low = fewest_initialisers<T, 0, sizeof(T)>();
    constexpr std::size_t high = too_many_initialisers<T, low, 1>();
    constexpr std::size_t total = most_initialisers<T, low, high>();
    return fields_from<T, 0, total>();
  }
}

template <class T>
inline constexpr std::size_t field_count = count_fields<std::remove_cv_t<T>>();

/// Boost.PFR's structured binding of up to 100 fields: a tuple of references.
template <class T>
constexpr auto tie_fields(T& object) {
  if constexpr (field_count<T> == 0) {
    return boost::pfr::detail::sequence_tuple::tuple<>{};
  } else {
    return boost::pfr::detail::tie_as_tuple(object, boost::pfr::detail::size_t_<field_count<T>>{});
  }
}

template <std::size_t I, class T>
constexpr auto& get_field(T& object) {
  auto fields = tie_fields(object);
  return boost::pfr::detail::sequence_tuple::get<I>(fields);
}

template <class T, std::size_t I>
using FieldType = std::remove_cvref_t<decltype(get_field<I>(std::declval<T&>()))>;

/// Calls visit(field)... in declaration order.
template <class T, class Visit>
constexpr void for_each_field(T& object, Visit&& visit) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    [[maybe_unused]] auto fields = tie_fields(object);
    (visit(boost::pfr::detail::sequence_tuple::get<I>(fields)), ...);
  }
  (std::make_index_sequence<field_count<T>>{});
}

/// True when visit(field) is true for each field; stops at the first that is not.
template <class T, class Visit>
constexpr bool all_fields(T& object, Visit&& visit) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    [[maybe_unused]] auto fields = tie_fields(object);
    return (visit(boost::pfr::detail::sequence_tuple::get<I>(fields)) && ...);
  }
  (std::make_index_sequence<field_count<T>>{});
}

template <class T>
struct FieldTypes {
  template <std::size_t... I>
  static auto list(std::index_sequence<I...>) -> std::tuple<std::type_identity<FieldType<T, I>>...>;
  using type = decltype(list(std::make_index_sequence<field_count<T>>{}));
};

}  // namespace actor::detail
