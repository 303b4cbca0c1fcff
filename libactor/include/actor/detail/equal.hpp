#pragma once

// Are two events the same, field by field? Events need no operator== for it. Compares as == does: a NaN is not equal to
// itself. Pure functions: any thread.

#include <actor/archive.hpp>
#include <algorithm>
#include <concepts>
#include <vector>

namespace actor::detail {

template <class T>
bool same_value(const T& a, const T& b);

template <class T>
bool same_encoding(const T& a, const T& b) {
  std::vector<std::byte> first(encoded_size(a));
  std::vector<std::byte> second(encoded_size(b));
  if (first.size() != second.size()) return false;
  encode(a, first);
  encode(b, second);
  return first == second;
}

template <class T, std::size_t... I>
bool same_alternatives(const T& a, const T& b, std::index_sequence<I...>) {
  return a.index() == b.index() && ((a.index() != I || same_value(*std::get_if<I>(&a), *std::get_if<I>(&b))) && ...);
}

template <class T>
bool same_unordered(const T& a, const T& b) {
  if (a.size() != b.size()) return false;
  const auto same = [](const auto& x, const auto& y) { return same_value(x, y); };
  if constexpr (requires(T c) { c.insert(*a.begin()).second; }) {  // each key once
    return std::all_of(a.begin(), a.end(), [&](const auto& element) {
      const auto other = [&] {
        if constexpr (requires {
                        element.first;
                        typename T::mapped_type;
                      }) {
          return b.find(element.first);
        } else {
          return b.find(element);
        }
      }();
      return other != b.end() && same(element, *other);
    });
  } else {
    return std::is_permutation(a.begin(), a.end(), b.begin(), same);
  }
}

template <class T>
concept Unordered = requires {
  typename T::hasher;
};

template <class T>
bool same_elements(const T& a, const T& b) {
  return std::equal(std::begin(a), std::end(a), std::begin(b), std::end(b),
                    [](const auto& x, const auto& y) { return same_value(x, y); });
}

template <class T, std::size_t... I>
bool same_fields(const T& a, const T& b, std::index_sequence<I...>) {
  return (same_value(get_field<I>(a), get_field<I>(b)) && ...);
}
template <class T, std::size_t... I>
bool same_parts(const T& a, const T& b, std::index_sequence<I...>) {
  return (same_value(std::get<I>(a), std::get<I>(b)) && ...);
}

template <class T>
bool same_value(const T& a, const T& b) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Struct) {
    return same_fields(a, b, std::make_index_sequence<field_count<T>>{});
  } else if constexpr (kind == Kind::Tuple) {
    return same_parts(a, b, std::make_index_sequence<std::tuple_size_v<T>>{});
  } else if constexpr (kind == Kind::Variant) {
    return same_alternatives(a, b, std::make_index_sequence<std::variant_size_v<T>>{});
  } else if constexpr (kind == Kind::Optional) {
    return a.has_value() == b.has_value() && (!a || same_value(*a, *b));
  } else if constexpr (Unordered<T>) {
    return same_unordered(a, b);
  } else if constexpr (kind == Kind::Array || kind == Kind::Vector || kind == Kind::Map || kind == Kind::Set) {
    return same_elements(a, b);
  } else if constexpr (kind == Kind::Own && !std::equality_comparable<T>) {
    return same_encoding(a, b);
  } else {
    return a == b;
  }
}

}  // namespace actor::detail
