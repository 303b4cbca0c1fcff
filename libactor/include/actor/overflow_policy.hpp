#pragma once

// What happens to an event that finds its topic's quota at one subscriber used up. A topic has one policy; the manifest
// may override it. A value: any thread.

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace actor {

struct OverflowPolicy {
  enum class Kind : std::uint8_t {
    Fail,        ///< the subscriber that does not keep up is stopped
    Drop,        ///< this subscriber misses the new event
    DropOldest,  ///< this subscriber misses the oldest that waits
    Block,       ///< the sender takes no next event until there is room
  };
  Kind kind = Kind::Fail;
  /// Block only: after this long the late subscriber misses the event. 0: wait for as long as it takes.
  std::chrono::nanoseconds deadline{0};

  static constexpr OverflowPolicy fail() { return {Kind::Fail, {}}; }
  static constexpr OverflowPolicy drop() { return {Kind::Drop, {}}; }
  static constexpr OverflowPolicy drop_oldest() { return {Kind::DropOldest, {}}; }
  static constexpr OverflowPolicy block() { return {Kind::Block, {}}; }
  static constexpr OverflowPolicy block_for(std::chrono::nanoseconds deadline) { return {Kind::Block, deadline}; }

  constexpr bool is_fail() const { return kind == Kind::Fail; }
  constexpr bool is_drop() const { return kind == Kind::Drop; }
  constexpr bool is_drop_oldest() const { return kind == Kind::DropOldest; }
  constexpr bool is_block() const { return kind == Kind::Block; }

  /// What to_string() writes; a deadline may be in ns, us, ms or s. nullopt for anything else.
  static std::optional<OverflowPolicy> parse(std::string_view text);

  friend constexpr bool operator==(const OverflowPolicy&, const OverflowPolicy&) = default;
};

/// "fail", "drop", "drop-oldest", "block", "block:250ms" (in the largest unit that is exact).
std::string to_string(const OverflowPolicy& policy);
std::ostream& operator<<(std::ostream& out, const OverflowPolicy& policy);

}  // namespace actor
