#pragma once
// Runs actors inside one process, each on a thread of its own: for tests, for small programs, and for trying out what a
// manifest will later run as processes. Owned by the program; its public functions may be called from any thread, but
// for add_actor(), which comes before start().

#include <actor/actor.hpp>
#include <actor/subscribe.hpp>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

namespace actor {

class SupervisorCore;

/// The untyped side of Supervisor.
class SupervisorBase {
 public:
  SupervisorBase();
  ~SupervisorBase();  ///< Stops what still runs.
  SupervisorBase(const SupervisorBase&) = delete;
  SupervisorBase& operator=(const SupervisorBase&) = delete;

  /// Starts every actor; returns at once. Subscriptions are in place before the first on_start(). Throws
  /// Error(AlreadyStarted) the second time.
  void start();
  /// Waits until every actor has stopped. Throws the first error that stopped an actor, if there was one.
  void join();
  /// start() and join().
  void run();
  /// Stops in good order: no more steps and timers, pending events are handled, then on_shutdown(). Returns at once.
  void stop();
  /// From now on SIGINT and SIGTERM call stop(). To be called before start(), on the main thread.
  void stop_on_signals();

 protected:
  ActorId add(std::string_view name, const Subscribe& topics, std::function<std::unique_ptr<ActorBase>()> make);
  /// Runs `work` with the context of the actor "supervisor", on its thread. False once stopped.
  bool post(std::function<void()> work);
  void set_own_actor(std::function<std::unique_ptr<ActorBase>()> make);

 private:
  std::unique_ptr<SupervisorCore> core_;
};

template <EventSet Events>
class Supervisor : public SupervisorBase {
 public:
  Supervisor() {
    set_own_actor([this] {
      auto own = std::make_unique<Sender>();
      sender_ = own.get();
      return own;
    });
  }

  /// An actor of class A named `name`, subscribed to `topics`; `args` go to its constructor. Throws
  /// Error(DuplicateActorName), Error(AlreadyStarted).
  template <class A, class... Args>
  ActorId add_actor(std::string_view name, const Subscribe& topics, Args... args) {
    static_assert(std::is_base_of_v<Actor<Events>, A>, "the actor must derive from Actor<Events> of this supervisor");
    return add(name, topics, [... held = std::move(args)] { return std::make_unique<A>(held...); });
  }

  /// Sends from outside; the sender's name is "supervisor". False once stopped.
  template <EventOf<Events> T>
  bool send(T event) {
    return post([this, held = std::move(event)] { sender_->send(held); });
  }

 private:
  struct Sender final : Actor<Events> {
    template <class T>
    void send(const T& event) {
      this->ctx().send(event);
    }
  };
  Sender* sender_ = nullptr;
};

}  // namespace actor
