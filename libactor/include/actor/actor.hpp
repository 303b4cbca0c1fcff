#pragma once
// The class that users derive from. An actor is state plus handle_event() and step(); the runtime calls it on one
// thread at a time, so it needs no locks. The same class runs in its own process (actor::run) and inside one
// (Supervisor).

#include <actor/context.hpp>
#include <actor/envelope.hpp>
#include <actor/error.hpp>
#include <actor/step.hpp>
#include <memory>
#include <optional>

namespace actor {

/// What becomes of an actor whose handler threw.
enum class ErrorAction {
  Swallow,  ///< go on: the event counts as handled
  Stop,     ///< stop the actor: the event counts as in flight
};

/// The untyped side of an actor, for the runtime.
class ActorBase {
 public:
  virtual ~ActorBase() = default;

  virtual void on_start() {}
  virtual StepAction step() { return StepAction::Never(); }
  virtual void on_shutdown() {}
  virtual ErrorAction on_error(const Error&) { return ErrorAction::Stop; }

  // The runtime's side; not for users.
  virtual std::span<const EventType* const> bound_types() const = 0;
  virtual void bind(Host& host) = 0;
  virtual void unbind() = 0;
  /// Hands the event to handle_event(). `event` is a live event of type `delivery.type`.
  virtual void dispatch(const Delivery& delivery, const void* event, Port& port) = 0;
};

template <EventSet Events>
class Actor : public ActorBase {
 public:
  using EventTypes = Events;

  /// Called once for every event of a subscribed topic. An exception goes to on_error().
  virtual void handle_event(const Envelope<Events>&) {}

  // Also yours to override, all optional (see ActorBase):
  //   void on_start()          before the first event; an exception here means the actor never runs
  //   StepAction step()        work of its own, between events
  //   void on_shutdown()       after the last event
  //   ErrorAction on_error(e)  Swallow or Stop (the default)

  std::span<const EventType* const> bound_types() const final { return event_types<Events>(); }
  void bind(Host& host) final { context_.emplace(host); }
  void unbind() final { context_.reset(); }
  void dispatch(const Delivery& delivery, const void* event, Port& port) final {
    handle_event(Envelope<Events>(delivery, event, port));
  }

 protected:
  /// Valid from on_start() to on_shutdown(), not in the constructor.
  Context<Events>& ctx() {
    ACTOR_ASSERT(context_.has_value(), "ctx() is valid from on_start() to on_shutdown(), not in the constructor");
    return *context_;
  }

 private:
  std::optional<Context<Events>> context_;
};

}  // namespace actor
