#pragma once
// The few event types of the conformance suite. Plain data.

#include <actor/event.hpp>
#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace actor::conformance {

struct Number {
  std::uint64_t value;
};
struct Nothing {};
struct Words {
  std::string text;
  std::vector<std::uint8_t> bytes;
};
/// Known to some peers only.
struct Secret {
  std::uint64_t value;
};

using Events = std::variant<Number, Nothing, Words>;
using MoreEvents = std::variant<Secret, Number>;

inline std::span<const EventType* const> types() {
  return event_types<Events>();
}
inline std::span<const EventType* const> more_types() {
  return event_types<MoreEvents>();
}

}  // namespace actor::conformance
