#pragma once
// Events that know whether they arrived whole: their size says where a payload travels (slot, tail or pool), and every
// word of one follows from its value. Plain data.

#include <actor/event.hpp>
#include <array>
#include <cstdint>
#include <variant>

namespace actor::fault {

constexpr std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 31)) * 0x7fb5d329728ea185u;
  return value ^ (value >> 27);
}

struct InSlot {
  std::uint64_t value;
  std::uint64_t check;
};
struct InTail {
  std::uint64_t value;
  std::uint64_t check;
  std::array<std::uint64_t, 6> fill;
};
struct InPool {
  std::uint64_t value;
  std::uint64_t check;
  std::array<std::uint64_t, 638> fill;
};
static_assert(sizeof(InSlot) == 16 && sizeof(InTail) == 64 && sizeof(InPool) == 5120);

using Events = std::variant<InSlot, InTail, InPool>;

template <class T>
T make_event(std::uint64_t value) {
  T event{};
  event.value = value;
  event.check = mix(value);
  if constexpr (requires { event.fill; }) {
    for (std::size_t i = 0; i < event.fill.size(); ++i) event.fill[i] = mix(value + i);
  }
  return event;
}

template <class T>
bool is_whole(const T& event) {
  if (event.check != mix(event.value)) return false;
  if constexpr (requires { event.fill; }) {
    for (std::size_t i = 0; i < event.fill.size(); ++i) {
      if (event.fill[i] != mix(event.value + i)) return false;
    }
  }
  return true;
}

}  // namespace actor::fault
