#pragma once
// Names and numbers that identify actors and events. Values: copy freely, use from any thread, compare, print, hash.

#include <compare>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>

namespace actor {

/// An actor's identity: its name. Interned, so a copy is one pointer and a comparison for equality one instruction.
/// Interned names are never freed: an application has few of them. Default-constructed: nobody (empty name).
class ActorId {
 public:
  ActorId() = default;
  /// Interns `name`. Takes a lock; keep the result instead of building it again on a hot path.
  explicit ActorId(std::string_view name);

  std::string_view name() const { return name_ ? std::string_view(*name_) : std::string_view(); }
  explicit operator bool() const { return name_ != nullptr; }

  friend bool operator==(ActorId a, ActorId b) { return a.name_ == b.name_; }
  friend std::strong_ordering operator<=>(ActorId a, ActorId b) { return a.name() <=> b.name(); }

  template <class Archive>
  std::string save_minimal(const Archive&) const {
    return std::string(name());
  }
  template <class Archive>
  void load_minimal(const Archive&, const std::string& name) {
    *this = ActorId(name);
  }

 private:
  friend struct std::hash<ActorId>;
  const std::string* name_ = nullptr;
};

std::ostream& operator<<(std::ostream& out, ActorId id);

/// 128 bits that no other event has: which actor of which runtime, and the actor's own count of events, which its
/// next incarnation carries on. All zero: no event (for example: no parent).
struct EventId {
  std::uint64_t actor = 0;    ///< the sending actor's key, unique across runtimes
  std::uint64_t counter = 0;  ///< starts at 1; 64-bit at 10^9/s: 584 years

  explicit operator bool() const { return actor != 0 || counter != 0; }
  friend auto operator<=>(const EventId&, const EventId&) = default;

  /// What to_string() writes; nullopt for anything else.
  static std::optional<EventId> parse(std::string_view text);
};

/// 32 hexadecimal digits.
std::string to_string(const EventId& id);
/// "7f..:12", the start of the sender's key and its count: for lines that say the sender as well. "-" for no event.
std::string short_text(const EventId& id);
std::ostream& operator<<(std::ostream& out, const EventId& id);

/// The key in an event's id: a hash of the runtime's random id and the actor's name, never 0.
std::uint64_t actor_key(std::uint64_t runtime_id, std::string_view name);

}  // namespace actor

template <>
struct std::hash<actor::ActorId> {
  std::size_t operator()(actor::ActorId id) const { return std::hash<const void*>()(id.name_); }
};

template <>
struct std::hash<actor::EventId> {
  std::size_t operator()(const actor::EventId& id) const {
    return static_cast<std::size_t>(id.actor ^ (id.counter * 0x9e3779b97f4a7c15u));
  }
};
