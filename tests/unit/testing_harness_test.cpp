// The harness over a target that does as the test says. Over supervisors: testing_supervisor_test.cpp.

#include <gmock/gmock.h>

#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>
#include <thread>

using namespace std::chrono_literals;
using namespace actor::testing;  // NOLINT: as its users do
using actor::ActorId;
using actor::EventId;
using ::testing::HasSubstr;

namespace bench {
struct Ping {
  int n = 0;
};
struct Pong {};
using Events = std::variant<Ping, Pong>;

enum class Wire { Red, Blue };
struct Signal {
  Wire wire = Wire::Red;
};
constexpr Wire topic_of(const Signal& signal) {
  return signal.wire;
}
constexpr actor::OverflowPolicy overflow_policy(Wire) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Pong>) {
  return actor::OverflowPolicy::drop();
}
}  // namespace bench

namespace {

using bench::Ping;
using bench::Pong;

/// Delivers each event to "reader"; in virtual time only when that has passed.
class FakeTarget final : public Target {
 public:
  struct State {
    std::shared_ptr<actor::Monitor> monitor;
    std::vector<Injected> sent;
    std::vector<std::pair<std::chrono::nanoseconds, std::function<void()>>> later;
    std::chrono::nanoseconds now{0};
    bool detached = false;
    bool is_simulated = false;
  };
  explicit FakeTarget(std::shared_ptr<State> state) : state_(std::move(state)) {}

  void attach(std::shared_ptr<actor::Monitor> monitor) override { state_->monitor = std::move(monitor); }
  void detach() override { state_->detached = true; }
  EventId send_as(ActorId sender, const Injected& event) override {
    if (sender == ActorId("nobody")) throw actor::Error(actor::ErrorCode::NoSuchActor, "no actor \"nobody\"");
    state_->sent.push_back(event);
    actor::Observation observation;
    observation.type = event.type;
    observation.event = event.event;
    observation.meta.id = {1, state_->sent.size()};
    observation.meta.parent = event.parent;
    observation.meta.sender = sender;
    observation.topic = event.topic;
    observation.receiver = ActorId("reader");
    state_->monitor->on_event_dispatched(observation);
    state_->monitor->on_event_delivered(observation);
    state_->monitor->on_event_handled(observation);
    return observation.meta.id;
  }
  bool is_simulated() const override { return state_->is_simulated; }
  void settle() override { advance(0ns); }
  void advance(std::chrono::nanoseconds duration) override {
    state_->now += duration;
    for (auto& [due, work] : state_->later) {
      if (due <= state_->now && work) std::exchange(work, nullptr)();
    }
  }

 private:
  std::shared_ptr<State> state_;
};

class HarnessTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeTarget::State> state_ = std::make_shared<FakeTarget::State>();
  Harness test_{FakeTarget(state_)};
};
using HarnessInVirtualTime = HarnessTest;

TEST_F(HarnessTest, RecordsFromTheBeginning) {
  const EventId id = test_.send_as("alice", Ping{1});
  EXPECT_THAT(test_.event(id), WasDeliveredTo("reader"));
  EXPECT_THAT(test_.event(id), WasSentBy("alice"));
  EXPECT_EQ(test_.event_count(), 1u);
}

TEST_F(HarnessTest, SendsToTheTopicThatTheEventHasWithItsPolicy) {
  test_.send_as("alice", Ping{});
  test_.send_as("alice", Pong{});
  test_.send_as("alice", bench::Signal{bench::Wire::Blue});
  EXPECT_EQ(state_->sent[0].topic, "Ping");
  EXPECT_EQ(state_->sent[0].policy, actor::OverflowPolicy::fail());
  EXPECT_EQ(state_->sent[1].topic, "Pong");
  EXPECT_EQ(state_->sent[1].policy, actor::OverflowPolicy::drop());
  EXPECT_EQ(state_->sent[2].topic, "Wire.Blue");
  EXPECT_EQ(state_->sent[2].policy, actor::OverflowPolicy::block());
  EXPECT_THAT(test_.topic(bench::Wire::Blue), WasPublished());
  EXPECT_THAT(test_.topic(actor::of<Pong>), WasPublished());
  EXPECT_THAT(test_.topic("Wire.Red"), ::testing::Not(WasPublished()));
}

TEST_F(HarnessTest, SendsWhatAVariantHoldsAndInAnswerToAnEvent) {
  const EventId first = test_.send_as("alice", bench::Events(Ping{}));
  test_.send_as("bob", Pong{}, first);
  EXPECT_THAT(test_.event(first), HasChild("Pong"));
  EXPECT_THAT(test_.chain(first), HasExactEvents("Ping", "Pong"));
}

TEST_F(HarnessTest, SendingAsAnActorThatIsNotThereSaysSo) {
  EXPECT_THROW(test_.send_as("nobody", Ping{}), actor::Error);
}

TEST_F(HarnessTest, SettleFreezesAndRecordBeginsAnew) {
  test_.send_as("alice", Ping{});
  test_.settle();
  const EventId late = test_.send_as("alice", Ping{});
  EXPECT_EQ(test_.event_count(), 1u);
  EXPECT_THAT(test_.event(late), ::testing::Not(WasDelivered()));
  test_.record();
  EXPECT_EQ(test_.event_count(), 0u);
  test_.send_as("alice", Ping{});
  EXPECT_EQ(test_.event_count(), 1u);
}

TEST_F(HarnessTest, RecordWhileRecordingForgetsNothing) {
  test_.send_as("alice", Ping{});
  test_.record();
  EXPECT_EQ(test_.event_count(), 1u);
}

TEST_F(HarnessTest, ResetForgetsTheEvents) {
  test_.send_as("alice", Ping{});
  test_.settle();
  test_.reset();
  EXPECT_EQ(test_.event_count(), 0u);
}

TEST_F(HarnessTest, ActorsThatStopAfterSettleAreSeenToHaveStopped) {
  state_->monitor->on_actor_registered(ActorId("reader"));
  test_.settle();
  EXPECT_THAT(test_.actor("reader"), IsRunning());
  state_->monitor->on_actor_stop(ActorId("reader"));
  EXPECT_THAT(test_.actor("reader"), IsStopped());
}

TEST_F(HarnessTest, SettleOnWaitsForItsCondition) {
  std::thread later([this] { test_.send_as("alice", Pong{}); });
  test_.settle_on_event("Pong");
  later.join();
  EXPECT_EQ(test_.events().with_label("Pong").count(), 1u);
}

TEST_F(HarnessTest, SettleOnTakesPredicatesOverWhatWasHandled) {
  test_.send_as("alice", Ping{1});
  test_.send_as("alice", Ping{2});
  test_.settle_on([](const EventQuery& events) { return events.with_label("Ping").count() >= 2; }).within(3s);
  EXPECT_EQ(test_.event_count(), 2u);
}

TEST_F(HarnessTest, SettleOnDoesNotTakeWhatIsStillInAHandlerForDone) {
  actor::Observation observation;
  observation.type = &actor::event_type<Pong>();
  observation.meta.id = {1, 1};
  observation.receiver = ActorId("reader");
  state_->monitor->on_event_delivered(observation);
  EXPECT_THROW(test_.settle_on_event("Pong").within(1ms), actor::Error);
  state_->monitor->on_event_handled(observation);
  test_.settle_on_event("Pong");
}

TEST_F(HarnessTest, ASettleOnThatFailsSaysForHowLongForWhatAndWhatCame) {
  test_.send_as("alice", Ping{1});
  try {
    test_.settle_on_event("Pong").within(5ms);
    FAIL() << "there is no Pong";
  } catch (const actor::Error& error) {
    EXPECT_EQ(error.code(), actor::ErrorCode::SettleTimeout);
    EXPECT_THAT(error.what(), HasSubstr("waiting for Pong: it did not come within 5 ms; 1 delivery was handled"));
    EXPECT_THAT(error.what(), HasSubstr("Ping{n=1} [alice -> reader]"));
  }
}

TEST_F(HarnessTest, SettleOnWhileNothingIsRecordedIsRefused) {
  test_.settle();
  try {
    test_.settle_on_event("Pong");
    FAIL() << "it could only have timed out";
  } catch (const actor::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("call record() first"));
  }
}

TEST_F(HarnessTest, AdvancingRealTimeIsRefused) {
  EXPECT_THROW(test_.advance(1s), actor::Error);
}

TEST_F(HarnessTest, DumpPrintsALineForEachDelivery) {
  test_.send_as("alice", Ping{1});
  ::testing::internal::CaptureStdout();
  test_.dump();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(),
            "1 delivery recorded\n"
            "  0: Ping{n=1} [alice -> reader] on Ping, handled (id: 00000000000000010000000000000001)\n");
}

TEST_F(HarnessTest, WhatWaitsInMailboxesCanBeAskedFor) {
  actor::Observation observation;
  observation.type = &actor::event_type<Pong>();
  observation.meta.id = {1, 1};
  observation.receiver = ActorId("reader");
  state_->monitor->on_event_dispatched(observation);
  EXPECT_EQ(test_.waiting().count(), 1u);
  EXPECT_EQ(test_.event_count(), 0u);
}

TEST(Harness, DetachesBeforeItGoes) {
  const auto state = std::make_shared<FakeTarget::State>();
  {
    Harness test(std::make_unique<FakeTarget>(state));
    EXPECT_FALSE(state->detached);
  }
  EXPECT_TRUE(state->detached);
}

TEST_F(HarnessInVirtualTime, SettleOnLetsItPass) {
  state_->is_simulated = true;
  state_->later.emplace_back(300ms, [this] { test_.send_as("alice", Pong{}); });
  test_.settle_on_event("Pong");
  EXPECT_EQ(state_->now, 300ms);
}

TEST_F(HarnessInVirtualTime, SettleOnGivesUpAtItsLimit) {
  state_->is_simulated = true;
  state_->later.emplace_back(2s, [this] { test_.send_as("alice", Pong{}); });
  EXPECT_THROW(test_.settle_on_event("Pong"), actor::Error);
  EXPECT_EQ(state_->now, 1s);
  test_.settle_on_event("Pong").within(1h);
  EXPECT_GE(state_->now, 2s);
}

TEST_F(HarnessInVirtualTime, AdvanceLetsItPass) {
  state_->is_simulated = true;
  test_.advance(5s);
  EXPECT_EQ(state_->now, 5s);
}

}  // namespace
