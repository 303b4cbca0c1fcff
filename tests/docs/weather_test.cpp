// weather_test.cpp: the same actors, on a virtual clock.
#include "weather.hpp"

#include <gmock/gmock.h>

#include <actor/supervisor.hpp>
#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>

using namespace actor::testing;
using namespace std::chrono_literals;

void build(actor::Supervisor<WeatherEvent>& station) {
  station.add_actor<Display>("display", {WeatherTopic::Reading, WeatherTopic::Alert});
  station.add_actor<Alerter>("alerter", WeatherTopic::Frost);
  station.add_actor<Thermometer>("thermometer", actor::Subscribe::none());
}

TEST(Weather, AFrostIsShownAsAnAlert) {
  actor::Supervisor<WeatherEvent> station(actor::simulated(1));  // this thread, a virtual clock, seed 1
  build(station);
  Harness test(station);
  station.start();

  test.advance(400ms);  // 1.5, 1.0, 0.5, 0.0: no frost yet
  EXPECT_THAT(test.actor("display"), ReceivedEvents(4));
  EXPECT_THAT(test.actor("alerter"), ReceivedEvents(0));

  test.record();
  const auto frost = test.send_as("thermometer", Temperature{"cellar", -3});
  test.settle();
  EXPECT_THAT(test.event(frost), WasDeliveredTo("alerter"));
  EXPECT_THAT(test.chain(frost), ExactPath("thermometer", "alerter", "display"));
  EXPECT_EQ(test.actor("display").last_received()->get<Alert>().place, "cellar");
}

TEST(Weather, NoAlertIsLostWhenTheDisplayCrashes) {
  explore(100, [](std::uint64_t seed) {  // a hundred orders of events
    actor::Supervisor<WeatherEvent> station(actor::simulated(seed, {actor::Fault::crash("display", 6)}));
    build(station);
    Harness test(station);
    station.start();

    test.advance(1s);  // ten readings, six of them frosty
    EXPECT_EQ(test.actor("display").restarts(), 1u);
    EXPECT_EQ(test.events().with_topic(WeatherTopic::Alert).at_stage(Stage::Handled).count(), 6u);
  });
}
