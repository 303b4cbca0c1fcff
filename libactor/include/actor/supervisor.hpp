#pragma once
// Runs actors inside one process: a few threads for all of them, or one thread and a virtual clock for a test
// (SupervisorConfig::simulation). An actor that fails is made anew, with its mailbox, as its restart rules say; the
// others do not notice. Owned by the program; its public functions may be called from any thread, in deterministic mode
// from the one that made it.

#include <actor/actor.hpp>
#include <actor/dead_letter.hpp>
#include <actor/monitor.hpp>
#include <actor/subscribe.hpp>
#include <actor/supervisor_config.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actor {

class SupervisorCore;

/// The untyped side of Supervisor.
class SupervisorBase {
 public:
  explicit SupervisorBase(SupervisorConfig config);
  ~SupervisorBase();  ///< Stops what still runs, and waits for it.
  SupervisorBase(const SupervisorBase&) = delete;
  SupervisorBase& operator=(const SupervisorBase&) = delete;

  /// Starts every actor; returns at once. Subscriptions are in place before the first on_start(). Throws
  /// Error(AlreadyStarted) the second time.
  void start();
  /// Waits until every actor has stopped for good. Throws the first error that ended one, if there was one. In
  /// deterministic mode it is what runs them; Error(Stalled) if nothing could ever end them, Error(NoSuchActor) if a
  /// Fault names an actor that never existed.
  void join();
  /// start() and join().
  void run();
  /// Stops in good order: no more steps and timers, pending events are handled, then on_shutdown(). Returns at once.
  void stop();
  /// From now on SIGINT and SIGTERM call stop(). To be called before start(), on the main thread.
  void stop_on_signals();
  /// Stops one actor: no event is sent to it from now on, it handles what is queued, then on_shutdown(). Returns at
  /// once. Throws Error(NoSuchActor).
  void remove_actor(ActorId actor);

  const SupervisorConfig& config() const;
  Monitors& monitors();
  /// Those that run or wait for their restart, in the order of their coming.
  std::vector<ActorId> actors() const;
  /// The error of every actor that was ended by one, in that order.
  std::vector<Error> errors() const;
  /// Events that were given up on, the oldest first: see actor/dead_letter.hpp.
  std::vector<DeadLetter> dead_letters() const;
  /// How many there were, those included that made room for others.
  std::uint64_t dead_letter_count() const;
  /// Circles of actors that wait for each other's mailboxes, as reported to monitors: who waits for whom, on which
  /// topic.
  std::vector<std::string> stalls() const;
  /// Actors, topics, and who has sent to and is subscribed to which.
  std::string to_mermaid() const;
  std::string to_json() const;

  // Deterministic mode only ------------------------------------------------------------------------------------------

  bool is_simulated() const { return config().simulation.has_value(); }
  /// Runs the actors until none has anything to do; no virtual time passes. Throws Error(SettleTimeout) when that takes
  /// more turns than Simulation::turn_limit.
  void settle();
  /// Lets virtual time pass: timers, deadlines, backoffs and restarts that come due on the way happen at their own
  /// time.
  void advance(std::chrono::nanoseconds by);
  /// Virtual time since the beginning.
  std::chrono::nanoseconds now() const;

  // For tools such as the test harness -------------------------------------------------------------------------------

  /// Runs `work` on the actor's thread, between two events, and waits for it. Throws what it throws, and
  /// Error(NoSuchActor). Not to be called by an actor.
  void call_on(ActorId actor, const std::function<void(Host&)>& work);

 protected:
  ActorId add(ActorSpec spec);
  static void say(const Error& error);
  /// Runs `work` on the actor's thread some time. False once it has stopped.
  bool post(ActorId actor, std::function<void(Host&)> work);

 private:
  std::unique_ptr<SupervisorCore> core_;
};

/// What Supervisor::build_actor() returns: everything that can be set about one actor, then add().
class ActorBuilder {
 public:
  ActorBuilder(std::function<ActorId(ActorSpec)> add, ActorSpec spec) : add_(std::move(add)), spec_(std::move(spec)) {}

  ActorBuilder& topics(Subscribe topics) {
    spec_.topics = std::move(topics);
    return *this;
  }
  ActorBuilder& config(ActorConfig config) {
    spec_.config = std::move(config);
    return *this;
  }
  template <class Change>
  ActorBuilder& with_config(Change&& change) {
    change(spec_.config);
    return *this;
  }
  ActorBuilder& channel_capacity(std::size_t events) {
    spec_.config.channel_capacity = events;
    return *this;
  }
  ActorBuilder& max_events_per_tick(unsigned events) {
    spec_.config.max_events_per_tick = events;
    return *this;
  }
  ActorBuilder& restart(RestartRules rules) {
    spec_.config.restart = rules;
    return *this;
  }
  ActorBuilder& restart(RestartClass when) {
    RestartRules rules = spec_.config.restart.value_or(RestartRules{});
    rules.restart = when;
    return restart(rules);
  }
  /// What becomes of its events when it fails.
  ActorBuilder& after_death(AfterDeath rules) {
    spec_.config.after_death = rules;
    return *this;
  }
  ActorBuilder& dedicated_thread() {
    spec_.config.dedicated_thread = true;
    return *this;
  }
  ActorId add() { return add_(std::move(spec_)); }

 private:
  std::function<ActorId(ActorSpec)> add_;
  ActorSpec spec_;
};

template <EventSet Events>
class Supervisor : public SupervisorBase {
 public:
  explicit Supervisor(SupervisorConfig config = {})
      : SupervisorBase(std::move(config)), own_(add({"supervisor", {}, [this] {
                                                       auto sender = std::make_unique<Sender>();
                                                       sender_ = sender.get();
                                                       return sender;
                                                     }})) {}

  /// An actor of class A named `name`, subscribed to `topics`; `args` go to its constructor, again at each restart. It
  /// starts with start(), or at once after that. Throws Error(DuplicateActorName), and MailboxClosed while stopping.
  template <class A, class... Args>
  ActorId add_actor(std::string_view name, const Subscribe& topics, Args... args) {
    return add({std::string(name), topics, maker<A>(std::move(args)...)});
  }
  /// The same with a function that makes it.
  ActorId add_actor(std::string_view name, std::function<std::unique_ptr<Actor<Events>>()> make,
                    const Subscribe& topics) {
    return add({std::string(name), topics, std::move(make)});
  }
  /// build_actor<Alerter>("alerter").topics({...}).max_events_per_tick(1).add()
  template <class A, class... Args>
  ActorBuilder build_actor(std::string_view name, Args... args) {
    return ActorBuilder([this](ActorSpec spec) { return add(std::move(spec)); },
                        {std::string(name), {}, maker<A>(std::move(args)...)});
  }

  /// Sends from outside; the sender's name is "supervisor". Before start() it waits for that. False once stopped.
  template <EventOf<Events> T>
  bool send(T event) {
    return post(own_, [this, held = std::move(event)](Host&) { sender_->send(held); });
  }
  /// The same for whichever event the variant holds.
  bool send(Events event) {
    return post(own_, [this, held = std::move(event)](Host&) { sender_->send(held); });
  }
  /// An envelope that was made before keeps its sender, its parent, and its id if it has one: see Context::send().
  bool send(OwnedEnvelope<Events> envelope) {
    return post(own_, [this, held = std::move(envelope)](Host&) { sender_->send(held); });
  }

 private:
  template <class A, class... Args>
  static std::function<std::unique_ptr<ActorBase>()> maker(Args... args) {
    static_assert(std::is_base_of_v<Actor<Events>, A>, "the actor must derive from Actor<Events> of this supervisor");
    return [... held = std::move(args)] { return std::make_unique<A>(held...); };
  }

  struct Sender final : Actor<Events> {
    template <class T>
    void send(const T& event) {
      this->ctx().send(event);
    }
    /// One event that cannot be sent does not keep later ones from being sent.
    ErrorAction on_error(const Error& error) override {
      SupervisorBase::say(error);
      return ErrorAction::Swallow;
    }
  };

  Sender* sender_ = nullptr;  // used on its own thread
  ActorId own_;
};

}  // namespace actor
