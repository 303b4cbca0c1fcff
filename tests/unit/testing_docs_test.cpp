// The code of docs/testing.md, compiled and run: each of its blocks stands here word for word (see tests/readme.cmake).

#include <gmock/gmock.h>

#include <actor/supervisor.hpp>
#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>

using namespace actor::testing;
using namespace std::chrono_literals;
using ::testing::AllOf, ::testing::Ge, ::testing::Not;

struct Reading {
  double celsius = 0;
};
struct Alarm {
  std::string text;
};
using HouseEvent = std::variant<Reading, Alarm>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Reading>) {
  return actor::OverflowPolicy::block();
}

/// Says so when it is too hot, and when the sensor has been silent for a minute.
class Guard : public actor::Actor<HouseEvent> {
  void on_start() override { expect_reading(); }
  void handle_event(const actor::Envelope<HouseEvent>& envelope) override {
    const Reading* reading = envelope.get_if<Reading>();
    if (!reading) return;
    expect_reading();
    if (reading->celsius > 60) ctx().send_child_event(Alarm{"too hot"}, envelope.id());
  }
  void expect_reading() {
    ctx().cancel(silence_);
    silence_ = ctx().after(1min, [this] { ctx().send(Alarm{"the sensor is silent"}); });
  }
  actor::TimerId silence_ = 0;
};

class Siren : public actor::Actor<HouseEvent> {};

TEST(House, AHotReadingSoundsTheSiren) {
  actor::Supervisor<HouseEvent> house(actor::simulated(1));
  house.add_actor<Guard>("guard", {actor::of<Reading>});
  house.add_actor<Siren>("siren", {actor::of<Alarm>});
  house.add_actor<Siren>("sensor", actor::Subscribe::none());
  Harness test(house);  // before start(), to see all of it
  house.start();

  const auto hot = test.send_as("sensor", Reading{75});
  test.settle();

  EXPECT_THAT(test.event(hot), WasDeliveredTo("guard"));
  EXPECT_THAT(test.event(hot), HasChild("Alarm"));
  EXPECT_THAT(test.chain(hot), ExactPath("sensor", "guard", "siren"));
  EXPECT_EQ(test.actor("siren").last_received()->get<Alarm>().text, "too hot");
}

void furnish(actor::Supervisor<HouseEvent>& house) {
  house.add_actor<Guard>("guard", {actor::of<Reading>});
  house.add_actor<Siren>("siren", {actor::of<Alarm>});
  house.add_actor<Siren>("sensor", actor::Subscribe::none());
}

TEST(House, ASilentSensorSoundsTheSirenAfterAMinute) {
  actor::Supervisor<HouseEvent> house(actor::simulated(1));
  furnish(house);
  Harness test(house);
  house.start();

  test.advance(59s);
  EXPECT_THAT(test.actor("siren"), ReceivedEvents(0));
  test.advance(1s);
  EXPECT_THAT(test.actor("siren"), ReceivedEvents(1));
}

TEST(House, SoundsTheSirenOnRealThreadsToo) {
  actor::Supervisor<HouseEvent> house;
  furnish(house);
  Harness test(house);
  house.start();

  test.send_as("sensor", Reading{75});
  test.settle_on_event("Alarm");
  EXPECT_THAT(test.actor("siren"), ReceivedFrom("guard"));
}

TEST(House, WaitsForConditions) {
  actor::Supervisor<HouseEvent> house;
  furnish(house);
  Harness test(house);
  house.start();
  for (int i = 0; i < 3; ++i) test.send_as("sensor", Reading{75});

  test.settle_on([](const EventQuery& events) { return events.received_by("siren").count() >= 3; }).within(3s);
  EXPECT_THAT(test.actor("siren"), ReceivedEvents(3));
}

TEST(House, HasPhases) {
  actor::Supervisor<HouseEvent> house(actor::simulated(1));
  furnish(house);
  Harness test(house);
  house.start();

  test.send_as("sensor", Reading{20});
  test.settle();  // records no more
  EXPECT_THAT(test.topic(actor::of<Alarm>), Not(WasPublished()));

  test.record();  // forgets the first phase
  test.send_as("sensor", Reading{75});
  test.settle();
  EXPECT_THAT(test.topic(actor::of<Alarm>), WasPublished());
}

TEST(House, CanBeAskedInManyWays) {
  actor::Supervisor<HouseEvent> house(actor::simulated(1));
  furnish(house);
  Harness test(house);
  house.start();
  const auto cold = test.send_as("sensor", Reading{-5});
  const auto hot = test.send_as("sensor", Reading{75});
  test.settle();

  EXPECT_EQ(test.events().sent_by("sensor").received_by("guard").count(), 2u);
  EXPECT_EQ(test.events().matching_event([](const Reading& reading) { return reading.celsius < 0; }).count(), 1u);
  EXPECT_TRUE(test.events().children_of(hot).has_event("Alarm"));
  EXPECT_EQ(test.events().after(*test.events().with_id(cold).first()).collect().size(), 2u);
  for (const Alarm& alarm : test.events().received_by("siren").get<Alarm>()) EXPECT_EQ(alarm.text, "too hot");

  const EventChain chain = test.chain(hot);
  EXPECT_TRUE(chain.actors().passes_through({"sensor", "siren"}));
  EXPECT_TRUE(
      chain.events().exact({"Reading", EventMatcher::by_event([](const Alarm& a) { return a.text == "too hot"; })}));
  EXPECT_EQ(chain.branches_after("Reading"), 1u);
  chain.pretty_print();
}

TEST(House, IsMatched) {
  actor::Supervisor<HouseEvent> house(actor::simulated(1));
  furnish(house);
  Harness test(house);
  house.start();
  const auto hot = test.send_as("sensor", Reading{75});
  test.settle();

  EXPECT_THAT(test.event(hot), AllOf(WasDeliveredTo("guard"), NotDeliveredTo("siren"), HasChild("Alarm")));
  EXPECT_THAT(test.actor("siren"),
              AllOf(IsRunning(), ReceivedEvents(Ge(1u)), Received(EventMatcher::by_type<Alarm>())));
  EXPECT_THAT(test.topic(actor::of<Alarm>), AllOf(WasPublished(), Reached("siren")));
  EXPECT_THAT(test.chain(hot), AllOf(VisitedActors("guard"), HasEvents("Reading", "Alarm")));
}

TEST(House, LosesNoAlarmWhateverTheOrderAndWhenTheGuardCrashes) {
  explore(100, [](std::uint64_t seed) {
    actor::Supervisor<HouseEvent> house(actor::simulated(seed, {actor::Fault::crash("guard", 2)}));
    furnish(house);
    Harness test(house);
    house.start();
    for (int i = 0; i < 3; ++i) test.send_as("sensor", Reading{75});

    const auto sounded = [](const EventQuery& events) { return events.received_by("siren").count() == 3; };
    test.settle_on(sounded).within(30s);
    EXPECT_EQ(test.actor("guard").restarts(), 1u);
  });
}
