// The harness over supervisors, on real threads and in deterministic mode.

#include <gmock/gmock.h>

#include <actor/supervisor.hpp>
#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>
#include <semaphore>

using namespace std::chrono_literals;
using namespace actor::testing;  // NOLINT: as its users do
using actor::ActorId;
using actor::EventId;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Not;

namespace shop {

struct Order {
  int number = 0;
};
struct Paid {
  int number = 0;
};
struct Shipped {
  int number = 0;
};
struct Reminder {};
using Events = std::variant<Order, Paid, Shipped, Reminder>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Order>) {
  return actor::OverflowPolicy::block();
}

/// Order -> Paid
class Till : public actor::Actor<Events> {
  void on_start() override {
    ctx().every(10s, [this] { ctx().send(Reminder{}); });
  }
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const Order* order = envelope.get_if<Order>()) {
      if (order->number < 0) throw std::runtime_error("no such order");
      ctx().send_child_event(Paid{order->number}, envelope.id());
    }
  }
};

/// Paid -> Shipped
class Depot : public actor::Actor<Events> {
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const Paid* paid = envelope.get_if<Paid>()) ctx().send_child_event(Shipped{paid->number}, envelope.id());
  }
};

class Customer : public actor::Actor<Events> {};

void fill(actor::Supervisor<Events>& supervisor) {
  supervisor.add_actor<Customer>("customer", {actor::of<Shipped>, actor::of<Reminder>});
  supervisor.add_actor<Till>("till", {actor::of<Order>});
  supervisor.add_actor<Depot>("depot", {actor::of<Paid>});
  supervisor.add_actor<Customer>("ledger", actor::Subscribe::all());
}

}  // namespace shop

namespace {

using shop::Order;
using shop::Paid;

/// Each test in deterministic mode and on real threads.
class OverSupervisor : public ::testing::TestWithParam<bool> {
 protected:
  OverSupervisor() : supervisor_(GetParam() ? actor::simulated(1) : actor::SupervisorConfig{}) {
    shop::fill(supervisor_);
    test_.emplace(supervisor_);
  }
  ~OverSupervisor() override { test_.reset(); }
  Harness& test() { return *test_; }

  actor::Supervisor<shop::Events> supervisor_;
  std::optional<Harness> test_;
};
INSTANTIATE_TEST_SUITE_P(Mode, OverSupervisor, ::testing::Bool(),
                         [](const auto& mode) { return mode.param ? "Simulated" : "Threads"; });

TEST_P(OverSupervisor, FollowsAnEventFromActorToActor) {
  supervisor_.start();
  const EventId order = test().send_as("customer", Order{7});
  test().settle_on(
      [](const EventQuery& events) { return events.with_label("Shipped").received_by("ledger").exists(); });
  EXPECT_THAT(test().event(order), WasDeliveredTo("till", "ledger"));
  EXPECT_THAT(test().event(order), NotDeliveredTo("customer"));
  EXPECT_THAT(test().event(order), HasChild("Paid"));
  EXPECT_THAT(test().chain(order), ExactPath("customer", "till", "depot", "customer"));
  EXPECT_THAT(test().chain(order), HasExactEvents("Order", "Paid", "Shipped"));
  EXPECT_THAT(test().chain(order), VisitedActors("ledger"));
  EXPECT_THAT(test().actor("ledger"), ReceivedEvents(3));
  EXPECT_THAT(test().actor("till"), SentTo("depot"));
  EXPECT_THAT(test().topic(actor::of<Paid>), Reached("depot", "ledger"));
  EXPECT_EQ(test().events().received_by("depot").first()->get<Paid>().number, 7);
}

TEST_P(OverSupervisor, KnowsWhichActorsRun) {
  supervisor_.start();
  EXPECT_THAT(test().actor("till"), IsRunning());
  EXPECT_THAT(test().actor("nobody"), Not(IsRunning()));
  supervisor_.stop();
  supervisor_.join();
  EXPECT_THAT(test().actor("till"), IsStopped());
}

TEST_P(OverSupervisor, SendsAsTheSupervisorToo) {
  supervisor_.start();
  const EventId order = test().send_as("supervisor", Order{1});
  test().settle_on_event(order);
  EXPECT_THAT(test().event(order), WasSentBy("supervisor"));
}

TEST_P(OverSupervisor, SendingAsAnUnknownActorNamesIt) {
  supervisor_.start();
  try {
    test().send_as("milkman", Order{1});
    FAIL() << "there is no milkman";
  } catch (const actor::Error& error) {
    EXPECT_EQ(error.code(), actor::ErrorCode::NoSuchActor);
    EXPECT_THAT(error.what(), HasSubstr("milkman"));
  }
}

TEST_P(OverSupervisor, AnEventWhoseHandlerThrewIsSeenToFail) {
  supervisor_.start();
  const EventId order = test().send_as("customer", Order{-1});
  test().settle_on([&](const EventQuery& events) { return events.with_id(order).received_by("till").exists(); });
  EXPECT_THAT(test().event(order), WasDeliveredTo("till"));
  EXPECT_THAT(test().event(order), Not(HasChild("Paid")));
  EXPECT_THAT(test().actor("till").last_error(), HasSubstr("no such order"));
}

TEST_P(OverSupervisor, PhasesAreRecordedOneAfterTheOther) {
  supervisor_.start();
  test().send_as("customer", Order{1});
  test().settle_on_event("Shipped");
  test().record();
  const EventId second = test().send_as("customer", Order{2});
  test().settle_on_event("Shipped");
  EXPECT_EQ(test().events().with_label("Order").collect().size(), 1u);
  EXPECT_EQ(test().events().with_label("Order").first()->id(), second);
}

TEST_P(OverSupervisor, TheHarnessMayGoBeforeTheSupervisor) {
  supervisor_.start();
  test().send_as("customer", Order{1});
  test_.reset();
  supervisor_.stop();
  supervisor_.join();
}

class Simulated : public ::testing::Test {
 protected:
  Simulated() { shop::fill(supervisor_); }
  actor::Supervisor<shop::Events> supervisor_{actor::simulated(1)};
};

TEST_F(Simulated, SettleIsExact) {
  Harness test(supervisor_);
  supervisor_.start();
  for (int n = 0; n < 100; ++n) test.send_as("customer", Order{n});
  test.settle();
  EXPECT_THAT(test.actor("customer"), ReceivedEvents(100));
  EXPECT_THAT(test.actor("ledger"), ReceivedEvents(300));
  EXPECT_EQ(test.waiting().count(), 0u);
}

TEST_F(Simulated, AdvanceRunsTimers) {
  Harness test(supervisor_);
  supervisor_.start();
  test.advance(35s);
  EXPECT_EQ(test.events().with_label("Reminder").received_by("customer").count(), 3u);
}

TEST_F(Simulated, SettleOnLetsVirtualTimePassUntilItHolds) {
  Harness test(supervisor_);
  supervisor_.start();
  test.settle_on_event("Reminder").within(1min);
  EXPECT_GE(supervisor_.now(), 10s);
  EXPECT_LT(supervisor_.now(), 11s);
  test.record();
  EXPECT_THROW(test.settle_on_event("Reminder").within(5s), actor::Error);
}

TEST_F(Simulated, WhatIsStillInAMailboxIsNotDelivered) {
  Harness test(supervisor_);
  supervisor_.start();
  supervisor_.settle();
  const EventId order = test.send_as("customer", Order{1});
  EXPECT_THAT(test.event(order), Not(WasDelivered()));
  EXPECT_EQ(test.waiting().with_id(order).count(), 2u);
  test.settle();
  EXPECT_THAT(test.event(order), WasDelivered());
}

/// Everything that a run of some events recorded, in its order and with its ids.
std::string story_of(std::uint64_t seed) {
  actor::Supervisor<shop::Events> supervisor(actor::simulated(seed, {actor::Fault::delay(3ms).probability(0.3)}));
  shop::fill(supervisor);
  Harness test(supervisor);
  supervisor.start();
  for (int n = 0; n < 10; ++n) test.send_as(n % 2 ? "customer" : "depot", Order{n});
  test.advance(1min);
  std::string story;
  for (const EventEntry& entry : test.events().all_deliveries())
    story += to_string(entry.id()) + " " + ::testing::PrintToString(entry) + "\n";
  return story;
}

TEST(SimulatedTwice, TheSameSeedGivesTheSameRecordingDownToTheIds) {
  EXPECT_EQ(story_of(1), story_of(1));
  EXPECT_NE(story_of(1), story_of(2));
}

TEST(SimulatedWithFaults, ACrashLosesNothing) {
  explore(20, [](std::uint64_t seed) {
    actor::Supervisor<shop::Events> supervisor(actor::simulated(seed, {actor::Fault::crash("till", 3)}));
    shop::fill(supervisor);
    Harness test(supervisor);
    supervisor.start();
    for (int n = 1; n <= 5; ++n) test.send_as("customer", Order{n});
    test.settle_on(
            [](const EventQuery& events) { return events.with_label("Shipped").received_by("customer").count() == 5; })
        .within(1min);
    EXPECT_EQ(test.actor("till").restarts(), 1u);
    EXPECT_THAT(test.actor("till"), ReceivedEvents(5));
    EXPECT_TRUE(
        test.events().received_by("till").all([](const EventEntry& entry) { return entry.stage() == Stage::Handled; }));
    EXPECT_EQ(
        test.events().received_by("till").matching([](const EventEntry& at) { return at.meta().attempt > 1; }).count(),
        1u);
  });
}

TEST(SimulatedWithFaults, ADroppedEventIsSeenNotToArrive) {
  actor::Supervisor<shop::Events> supervisor(actor::simulated(1, {actor::Fault::drop().to("depot").nth(1)}));
  shop::fill(supervisor);
  Harness test(supervisor);
  supervisor.start();
  const EventId lost = test.send_as("customer", Order{1});
  const EventId kept = test.send_as("customer", Order{2});
  test.settle();
  EXPECT_THAT(test.chain(lost), Not(HasEvents("Shipped")));
  EXPECT_THAT(test.chain(kept), HasEvents("Shipped"));
}

/// Holds its handler until the test says so.
class Gatekeeper : public actor::Actor<shop::Events> {
 public:
  explicit Gatekeeper(std::shared_ptr<std::binary_semaphore> gate) : gate_(std::move(gate)) {}
  void handle_event(const actor::Envelope<shop::Events>&) override { gate_->acquire(); }

 private:
  std::shared_ptr<std::binary_semaphore> gate_;
};

TEST(OnThreads, SettleGivesUpOnAHandlerThatBlocksAndShowsItInHand) {
  const auto gate = std::make_shared<std::binary_semaphore>(0);
  actor::Supervisor<shop::Events> supervisor;
  supervisor.add_actor<Gatekeeper>("gate", {actor::of<Order>}, gate);
  Harness test(supervisor);
  supervisor.start();
  const EventId order = test.send_as("supervisor", Order{1});
  EXPECT_THROW(test.settle_on([&](const EventQuery& events) { return events.with_id(order).exists(); }).within(1ms),
               actor::Error);
  test.settle();
  EXPECT_NE(test.event(order).deliveries().at_stage(Stage::Handled).count(), 1u);
  gate->release();
  supervisor.stop();
  supervisor.join();
}

}  // namespace
