#pragma once
// An actor's view of the runtime: sending, stopping, names, timers and file descriptors. Owned by the runtime, one per
// actor; every call is made on the actor's own thread (asserted, in release builds too). Other threads use injector().

#include <actor/envelope.hpp>
#include <actor/error.hpp>
#include <actor/host.hpp>
#include <actor/subscribe.hpp>
#include <actor/topic.hpp>

namespace actor {

namespace detail {
[[noreturn]] void refuse_sys_event(ActorId actor, const EventType& type);
[[noreturn]] void refuse_prebuilt(ActorId actor, const Meta& meta, std::string_view label);
}  // namespace detail

/// An event being built in place, in the memory where its readers will see it. Sent with
/// Context::send(std::move(loan)); given back when it is dropped. Uninitialised: set every field.
template <class T>
class Loan {
 public:
  explicit Loan(Port& port) : port_(&port), event_(static_cast<T*>(port.loan(event_type<T>()))) {}
  Loan(Loan&& other) noexcept : port_(other.port_), event_(std::exchange(other.event_, nullptr)) {}
  Loan& operator=(Loan&&) = delete;
  ~Loan() {
    if (event_) port_->unloan(event_type<T>(), event_);
  }

  T& operator*() const { return *event_; }
  T* operator->() const { return event_; }
  T* release() { return std::exchange(event_, nullptr); }

 private:
  Port* port_;
  T* event_;
};

/// The thread-safe way in: sends events on the actor's behalf from any thread. Copyable; may outlive the actor.
template <EventSet Events>
class Injector;

template <EventSet Events>
class Context {
 public:
  using Topic = topic_type<Events>;

  explicit Context(Host& host) : host_(host) {
    for (const TopicDecl& topic : known_topics<Events>())
      host_.port.open_topic(topic.name, topic.policy, topic.latched);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// Sends to every subscriber of the event's topic; never to this actor itself. Never waits: on a full Block topic the
  /// event is staged, and this actor is given no further event until it is out. Throws Error: MailboxFull when the
  /// outbox is at its limit (return from the handler), PayloadTooLarge, TopicNotAllowed.
  template <EventOf<Events> T>
  EventId send(const T& event) {
    return send_child_event(event, EventId{});
  }
  /// The same for whichever event the variant holds.
  EventId send(const Events& event) { return send_child_event(event, EventId{}); }
  /// Sends in answer to `parent`: tools show the chain.
  template <EventOf<Events> T>
  EventId send_child_event(const T& event, EventId parent) {
    host_.assert_owner();
    return host_.port.send({&event_type<T>(), &event, handle_for(event), parent});
  }
  EventId send_child_event(const Events& event, EventId parent) {
    return std::visit([&](const auto& held) { return send_child_event(held, parent); }, event);
  }
  /// Passes on an event that this actor was given: the same event, from this actor, in answer to that one.
  EventId send(const Envelope<Events>& envelope) {
    return envelope.visit([&](const auto& event) { return send_child_event(event, envelope.id()); });
  }
  /// Sends a prebuilt envelope, which keeps its sender and its parent, and its id unless that is zero; its times are
  /// those of this call. It is delivered neither to its sender nor to this actor. Another's envelope, or one that has
  /// an id, can be sent inside one process only: elsewhere Error Refused, because nobody may speak for another process.
  EventId send(const OwnedEnvelope<Events>& envelope) {
    host_.assert_owner();
    const Meta& meta = envelope.meta;
    if (!meta.id && (!meta.sender || meta.sender == host_.id)) return send_child_event(envelope.event, meta.parent);
    return std::visit(
        [&]<class T>(const T& event) {
          if (!host_.port.keeps_senders()) detail::refuse_prebuilt(host_.id, meta, envelope.label());
          const std::uint16_t topic = handle_for(event);
          return host_.port.send({&event_type<T>(), &event, topic, meta.parent, &meta});
        },
        envelope.event);
  }

  /// Memory for an event, where its readers will see it.
  template <EventOf<Events> T>
  [[nodiscard]] Loan<T> loan() {
    static_assert(RawEvent<T>,
                  "only events whose bytes travel as they are (no strings, vectors, optionals, variants) "
                  "can be built in place; send() the others");
    host_.assert_owner();
    return Loan<T>(host_.port);
  }
  template <EventOf<Events> T>
  EventId send(Loan<T>&& loan, EventId parent = {}) {
    host_.assert_owner();
    const std::uint16_t topic = handle_for(*loan);
    return host_.port.send({&event_type<T>(), loan.release(), topic, parent});
  }

  /// Stops this actor once the current handler has returned.
  void stop() {
    host_.assert_owner();
    host_.stop_requested = true;
  }
  /// Asks for the whole runtime to stop, in good order.
  void stop_runtime() {
    host_.assert_owner();
    host_.stop_runtime();
  }

  /// Adds an actor of class A to this runtime, as the supervisor's add_actor() does; it starts at once and lives on
  /// when this actor ends. In-process only: under a broker actors come from the manifest, and Error(Refused) is thrown.
  template <class A, class... Args>
  ActorId spawn(std::string_view name, const Subscribe& topics, Args... args) {
    host_.assert_owner();
    if (!host_.spawn) {
      throw Error(ErrorCode::Refused, "actor " + std::string(actor_name()) + " cannot spawn " + std::string(name) +
                                          ": it runs in a process of its own; add the actor to the broker's manifest");
    }
    return host_.spawn(
        {std::string(name), topics, [... held = std::move(args)] { return std::make_unique<A>(held...); }});
  }

  ActorId actor_id() const { return host_.id; }
  std::string_view actor_name() const { return host_.id.name(); }
  /// Are sent events waiting for room? Then this actor is given no further event until they are out.
  bool is_sender_full() const {
    host_.assert_owner();
    return host_.port.has_staged();
  }
  /// Would an event on `topic` wait (or be dropped, as its policy says) now?
  bool is_sender_full(const Topic& topic) {
    host_.assert_owner();
    return host_.port.is_full(handle_of(topic));
  }

  /// The time that this actor's timers go by: the monotonic clock, or a test's virtual one.
  Loop::Clock::time_point now() const {
    host_.assert_owner();
    return host_.loop.now();
  }
  /// Timers and descriptors on the actor's own loop: callbacks run between events, on this thread.
  TimerId after(std::chrono::nanoseconds delay, Loop::Callback callback) {
    host_.assert_owner();
    return host_.loop.after(delay, std::move(callback));
  }
  TimerId every(std::chrono::nanoseconds period, Loop::Callback callback) {
    host_.assert_owner();
    return host_.loop.every(period, std::move(callback));
  }
  void cancel(TimerId timer) {
    host_.assert_owner();
    host_.loop.cancel(timer);
  }
  WatchId watch(int fd, Loop::Interest interest, Loop::Callback callback) {
    host_.assert_owner();
    return host_.loop.watch(fd, interest, std::move(callback));
  }
  void unwatch(WatchId watch) {
    host_.assert_owner();
    host_.loop.unwatch(watch);
  }

  Injector<Events> injector() { return Injector<Events>(*this, host_.injection); }

 private:
  template <class T>
  std::uint16_t handle_for(const T& event) {
    if constexpr (detail::is_sys_event<T>) {
      detail::refuse_sys_event(host_.id, event_type<T>());
    } else {
      return handle_of(topic_for<Events>(event));
    }
  }
  std::uint16_t handle_of(const Topic& topic) {
    if (const std::uint16_t* known = topics_.find(topic)) [[likely]]
      return *known;
    return open(topic);
  }
  /// Not inlined: what every send does is small enough to be.
  [[gnu::noinline]] std::uint16_t open(const Topic& topic) {
    const std::uint16_t handle = host_.port.open_topic(topic_name(topic), policy_of(topic), is_latched_topic(topic));
    topics_.insert(topic, handle);
    return handle;
  }

  Host& host_;
  TopicMap<Topic> topics_;
};

template <EventSet Events>
class Injector {
 public:
  Injector(Context<Events>& context, std::shared_ptr<Injection> injection)
      : context_(&context), injection_(std::move(injection)) {}

  /// Copies the event and has the actor send it. False when the actor has stopped.
  template <EventOf<Events> T>
  bool send(T event) const {
    return injection_->post([context = context_, held = std::move(event)] { context->send(held); });
  }
  bool send(Events event) const {
    return injection_->post([context = context_, held = std::move(event)] { context->send(held); });
  }
  bool send(OwnedEnvelope<Events> envelope) const {
    return injection_->post([context = context_, held = std::move(envelope)] { context->send(held); });
  }

 private:
  Context<Events>* context_;
  std::shared_ptr<Injection> injection_;
};

}  // namespace actor
