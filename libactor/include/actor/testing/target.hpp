#pragma once
// What a Harness looks at and sends into: a supervisor, or a broker with its processes. Owned by its harness, used on
// the test's thread; the monitor that it feeds may be called from any.

#include <actor/event.hpp>
#include <actor/id.hpp>
#include <actor/monitor.hpp>
#include <actor/overflow_policy.hpp>
#include <chrono>
#include <memory>
#include <string>

namespace actor::testing {

/// An event on its way in.
struct Injected {
  const EventType* type;
  const void* event;
  std::string topic;  ///< wire name
  OverflowPolicy policy;
  EventId parent;
};

class Target {
 public:
  virtual ~Target() = default;

  /// Feeds `monitor` until detach(). Called once.
  virtual void attach(std::shared_ptr<Monitor> monitor) = 0;
  /// No hook runs any more when this returns.
  virtual void detach() = 0;

  /// Sends an event as if `sender` had done so, and waits until it is sent. Throws Error: NoSuchActor, MailboxClosed,
  /// and what Context::send() throws.
  virtual EventId send_as(ActorId sender, const Injected& event) = 0;

  /// Throws when not all that happened was seen. Called before whatever is asked.
  virtual void check() const {}

  /// Is time virtual? Then settle() and advance() are exact and the other clocks say nothing.
  virtual bool is_simulated() const = 0;
  /// Simulated: runs everything that can run now.
  virtual void settle() = 0;
  /// Simulated: lets virtual time pass.
  virtual void advance(std::chrono::nanoseconds duration) = 0;
};

}  // namespace actor::testing
