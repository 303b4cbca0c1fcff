#pragma once
// The way to test actors together: records every delivery, sends events as any actor, waits until nothing moves, and is
// then asked what happened.
//
//   actor::Supervisor<WeatherEvent> supervisor(actor::simulated(1));
//   supervisor.add_actor<Alerter>("alerter", {WeatherTopic::Reading});
//   actor::testing::Harness test(supervisor);        // before start()
//   supervisor.start();
//   const auto id = test.send_as("supervisor", Temperature{40});
//   test.settle();
//   EXPECT_THAT(test.event(id), WasDeliveredTo("alerter"));   // actor/testing/matchers.hpp
//
// Owned by the test, used on the test's thread; it must go before the supervisor does. It records from its construction
// on, without bound: for tests only.

#include <actor/testing/chain.hpp>
#include <actor/testing/spies.hpp>
#include <actor/testing/target.hpp>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

namespace actor {
class SupervisorBase;
}

namespace actor::testing {

class Harness;

/// A condition that is waited for, at the end of the full expression that made it: test.settle_on(...).within(3s);
class Expectation {
 public:
  Expectation(const Expectation&) = delete;
  Expectation& operator=(const Expectation&) = delete;
  /// Waits. Throws Error(SettleTimeout) unless another exception is on its way.
  ~Expectation() noexcept(false);

  /// How long to wait at most: real time, or virtual time in deterministic mode. One second without it.
  Expectation&& within(std::chrono::nanoseconds limit) &&;

 private:
  friend class Harness;
  using Condition = std::function<bool(const EventQuery&)>;
  Expectation(Harness& harness, Condition condition, std::string what);

  Harness& harness_;
  Condition condition_;
  std::string what_;
  std::chrono::nanoseconds limit_ = std::chrono::seconds(1);
  int exceptions_;
};

class Harness {
 public:
  /// Nothing was seen for so long: settled.
  static constexpr std::chrono::milliseconds quiet_time{1};
  /// Actors that never rest are given so long.
  static constexpr std::chrono::milliseconds settle_limit{10};
  /// Somebody is at work, but nothing comes of it: a handler that blocks, or a busy machine.
  static constexpr std::chrono::milliseconds patience{100};

  /// To be called before start(), to see all of it.
  explicit Harness(SupervisorBase& supervisor);
  explicit Harness(std::unique_ptr<Target> target);
  template <std::derived_from<Target> T>
  explicit Harness(T target) : Harness(std::unique_ptr<Target>(std::make_unique<T>(std::move(target)))) {}
  ~Harness();
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;

  // Recording -------------------------------------------------------------------------------------------------------

  /// Goes on recording after a settle(), whose events are forgotten. No effect while recording.
  void record();
  /// Waits until nothing moves, then stops recording: what is asked afterwards is about this moment. Deterministic
  /// mode: exact. Real threads: until all mailboxes are empty, all handlers have returned and nothing was seen for 1
  /// ms; but no longer than 10 ms while events keep coming, and no longer than 100 ms while none does.
  void settle();
  /// Waits until `condition` holds for what has been handled so far, then settles. Deterministic mode lets virtual time
  /// pass for that. Throws Error(SettleTimeout) when that takes more than one second, or than .within(limit).
  Expectation settle_on(std::function<bool(const EventQuery&)> condition);
  Expectation settle_on_event(const EventMatcher& matcher);
  /// Forgets the events so far.
  void reset();

  /// Sends an event as if `actor` had done so, in answer to `parent`. Returns when it is sent; handled it may not be
  /// yet.
  template <class T>
  EventId send_as(ActorName actor, const T& event, EventId parent = {}) {
    if constexpr (EventSet<T>) {
      return std::visit([&](const auto& held) { return send_as(actor, held, parent); }, event);
    } else {
      return inject(actor, {&event_type<T>(), &event, topic_name_of(event), policy_of_topic_of(event), parent});
    }
  }

  /// Deterministic mode only: lets virtual time pass, running what becomes due.
  void advance(std::chrono::nanoseconds duration);
  bool is_simulated() const { return target_->is_simulated(); }

  // What happened ---------------------------------------------------------------------------------------------------

  /// All deliveries: what was given to handlers. While recording: so far.
  EventQuery events() const { return delivered(records()); }
  /// What waits in mailboxes.
  EventQuery waiting() const { return EventQuery(records()).at_stage(Stage::Dispatched); }
  EventSpy event(EventId id) const { return EventSpy(records(), id); }
  ActorSpy actor(ActorName actor) const { return ActorSpy(records(), actor); }
  TopicSpy topic(const TopicName& topic) const { return TopicSpy(records(), topic); }
  /// What came of an event.
  EventChain chain(EventId root) const { return EventChain(records(), root); }
  /// Deliveries.
  std::size_t event_count() const { return events().count(); }
  /// Prints all deliveries to stdout, a line each.
  void dump() const;
  /// Everything as trees; printed when an expectation of matchers.hpp fails.
  std::string to_string_tree() const { return testing::to_string_tree(*records()); }
  RecordsPtr records() const;

 private:
  friend class Expectation;
  using Condition = Expectation::Condition;

  /// The topic that Context::send() would use, without knowing the whole event set: either every event of a set has a
  /// topic_of(), or each is its own topic.
  template <class T>
  static std::string topic_name_of([[maybe_unused]] const T& event) {
    if constexpr (actor::detail::Routed<T>) {
      return topic_name(actor::detail::call_topic_of(event));
    } else {
      return topic_name(of<T>);
    }
  }
  template <class T>
  static OverflowPolicy policy_of_topic_of([[maybe_unused]] const T& event) {
    if constexpr (actor::detail::Routed<T>) {
      return policy_of(actor::detail::call_topic_of(event));
    } else {
      return actor::detail::declared_policy(of<T>);
    }
  }
  EventId inject(ActorName actor, const Injected& event);
  void wait_for(const Condition& condition, const std::string& what, std::chrono::nanoseconds limit);
  bool wait_in_real_time(const std::function<bool()>& holds, std::chrono::nanoseconds limit);
  bool wait_in_virtual_time(const std::function<bool()>& holds, std::chrono::nanoseconds limit);

  std::unique_ptr<Target> target_;
  std::shared_ptr<Recording> recording_;
  mutable RecordsPtr frozen_;  // the snapshot of a frozen recording, and its revision
  mutable std::uint64_t frozen_revision_ = 0;
};

}  // namespace actor::testing
