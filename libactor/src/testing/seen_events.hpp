#pragma once
// What came over an observation socket, turned back into live events and hooks. Owned by a BrokerWatch, used on its
// thread; what it made may outlive it.

#include <actor/event.hpp>
#include <actor/monitor.hpp>
#include <control/observation.hpp>
#include <memory>
#include <span>

namespace actor::testing {

/// A type and an event of it.
struct SeenPayload {
  const EventType* type = nullptr;
  std::shared_ptr<const void> event;
};

class SeenEvents {
 public:
  explicit SeenEvents(std::span<const EventType* const> types) : types_(types) {}

  /// Decoded as one of the types; else an event of a type by that name that can only be printed.
  SeenPayload payload_of(const control::SeenEvent& seen) const;

 private:
  std::span<const EventType* const> types_;
};

Meta meta_of(const control::SeenEvent& seen);
OverflowPolicy policy_of(const control::SeenEvent& seen);

}  // namespace actor::testing
