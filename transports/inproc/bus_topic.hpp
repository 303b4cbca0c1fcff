#pragma once
// A topic of the bus: owned by the bus, never moved or freed, shared by all of its ports. The policy is set once, by
// the first to open the topic, before the topic's first event; from then on it is constant.

#include <actor/id.hpp>
#include <actor/overflow_policy.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace actor::inproc {

struct BusTopic {
  std::uint16_t id;
  std::string name;
  std::optional<OverflowPolicy> policy;
  ActorId opened_by;
  bool latched = false;
  bool system = false;   // "$sys/...": subscribed to by name only
  std::size_t capacity;  // events per sender and reader, unless the reader has a capacity of its own

  bool blocks() const { return policy->kind == OverflowPolicy::Kind::Block; }
  bool drops_oldest() const { return policy->kind == OverflowPolicy::Kind::DropOldest; }
};

/// Who sends: what all events of one actor have in common. Owned by the bus, never freed.
struct BusSender {
  ActorId id;
  std::uint64_t key;         // EventId::actor
  std::uint64_t next_event;  // of the incarnation that has left; while one is there it counts by itself
};

}  // namespace actor::inproc
