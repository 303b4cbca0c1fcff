#pragma once
// A running broker and its actors, each in its own process, as what a Harness looks at:
//
//   actor::testing::Harness test(actor::testing::broker<WeatherEvent>("weather"));
//   const auto id = test.send_as("cpu", Temperature{40});
//   test.settle_on_event("Alarm").within(3s);
//   EXPECT_THAT(test.event(id), WasDeliveredTo("alerter"));
//
// Events are decoded as `Events`; of an event of any other type name and bytes are kept. Only the broker's own user
// may. What was lost on the way (an actor that does more than the test's machine can record) makes the next question
// throw: see check(). Owned by its harness; it has a thread of its own, on which the monitor is called.

#include <actor/event.hpp>
#include <actor/testing/target.hpp>
#include <memory>
#include <span>
#include <string>

namespace actor::testing {

class BrokerWatch;

class BrokerTarget final : public Target {
 public:
  /// `broker`: its name, or the path of its runtime directory; empty: the only one that this user runs. Throws
  /// Error(Io) when it does not run.
  BrokerTarget(const std::string& broker, std::span<const EventType* const> types);
  BrokerTarget(BrokerTarget&&) noexcept;
  ~BrokerTarget() override;

  /// Returns when every actor that runs is observed. Throws Error: Refused, Io, SettleTimeout.
  void attach(std::shared_ptr<Monitor> monitor) override;
  void detach() override;
  /// The actor's own process sends it, between two events. Throws also SettleTimeout when the actor does not come to it
  /// within ten seconds, and Incompatible when its program does not know the event.
  EventId send_as(ActorId sender, const Injected& event) override;
  /// Throws Error(Io) when the recording has holes.
  void check() const override;

  bool is_simulated() const override { return false; }
  void settle() override {}
  void advance(std::chrono::nanoseconds duration) override;

 private:
  std::unique_ptr<BrokerWatch> watch_;
};

template <EventSet Events>
BrokerTarget broker(const std::string& name = "") {
  return BrokerTarget(name, event_types<Events>());
}

}  // namespace actor::testing
