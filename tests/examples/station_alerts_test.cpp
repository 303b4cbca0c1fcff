// When the station says that something is wrong: exactly at its limits, once, and what a sensor's file has to do with
// it. On virtual time.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "station/alerter.hpp"
#include "station/normalizer.hpp"
#include "station/sensors/sensors.hpp"

namespace station {
namespace {

using namespace actor::testing;
using namespace std::chrono_literals;
using testing::Not;

/// Whom the test speaks for, or lets listen.
class Silent : public actor::Actor<StationEvent> {};

class StationAlerts : public testing::Test {
 protected:
  void watch(const char* thresholds) {
    ::setenv("STATION_THRESHOLDS", thresholds, 1);
    supervisor_.add_actor<Alerter>("alerter", {StationTopic::Reading});
    supervisor_.add_actor<Silent>("normalizer", actor::Subscribe::none());
    supervisor_.add_actor<Silent>("operator", {StationTopic::Alert});
    supervisor_.start();
  }

  /// What one value makes the alerter say.
  std::vector<Alert> alerts_at(double value, const std::string& subject = "") {
    test_.record();
    const actor::EventId id = test_.send_as("normalizer", Reading{"disk", subject, {{"used", value, Unit::Percent}}});
    test_.settle();
    return test_.event(id).children().received_by("operator").get<Alert>();
  }
  std::vector<Alert> raised(double value, const std::string& subject = "") const {
    return {{AlertState::Raised, "disk", subject, {"used", value, Unit::Percent}, 90}};
  }
  std::vector<Alert> cleared(double value, const std::string& subject = "") const {
    return {{AlertState::Cleared, "disk", subject, {"used", value, Unit::Percent}, 80}};
  }

  const std::vector<Alert> nothing_;
  actor::Supervisor<StationEvent> supervisor_{actor::simulated(1)};
  Harness test_{supervisor_};
};

TEST_F(StationAlerts, AreRaisedAboveTheLimitAndNotAtIt) {
  watch("disk.used > 90 : 80");
  const double just_above = std::nextafter(90.0, 100.0);
  EXPECT_EQ(alerts_at(90), nothing_);
  EXPECT_EQ(alerts_at(just_above), raised(just_above));
}

TEST_F(StationAlerts, AreClearedBelowTheLowerLimitAndNotAtIt) {
  watch("disk.used > 90 : 80");
  const double just_below = std::nextafter(80.0, 0.0);
  EXPECT_EQ(alerts_at(95), raised(95));
  EXPECT_EQ(alerts_at(80), nothing_);
  EXPECT_EQ(alerts_at(just_below), cleared(just_below));
}

TEST_F(StationAlerts, AreSaidOnceForAValueThatWaversAroundItsLimit) {
  watch("disk.used > 90 : 80");
  EXPECT_EQ(alerts_at(91), raised(91));
  for (const double value : {89.0, 91.0, 90.0, 99.0, 81.0, 90.5}) EXPECT_EQ(alerts_at(value), nothing_) << value;
  EXPECT_EQ(alerts_at(79), cleared(79));
  for (const double value : {81.0, 89.0, 79.0, 90.0}) EXPECT_EQ(alerts_at(value), nothing_) << value;
  EXPECT_EQ(alerts_at(90.1), raised(90.1));
}

TEST_F(StationAlerts, AreKeptApartForEachSubject) {
  watch("disk.used > 90 : 80");
  EXPECT_EQ(alerts_at(95, "/"), raised(95, "/"));
  EXPECT_EQ(alerts_at(95, "/home"), raised(95, "/home"));
  EXPECT_EQ(alerts_at(70, "/"), cleared(70, "/"));
  EXPECT_EQ(alerts_at(85, "/home"), nothing_);
}

TEST(StationAlerter, RaisesAgainWhatStillHoldsAfterACrash) {
  ::setenv("STATION_THRESHOLDS", "disk.used > 90 : 80", 1);
  actor::Supervisor<StationEvent> supervisor(actor::simulated(1, {actor::Fault::crash("alerter", 3)}));
  Harness test(supervisor);
  supervisor.add_actor<Alerter>("alerter", {StationTopic::Reading});
  supervisor.add_actor<Silent>("normalizer", actor::Subscribe::none());
  supervisor.add_actor<Silent>("operator", {StationTopic::Alert, StationTopic::Note});
  supervisor.start();
  for (int i = 0; i < 5; ++i) test.send_as("normalizer", Reading{"disk", "", {{"used", 95, Unit::Percent}}});
  test.advance(1s);
  EXPECT_EQ(test.actor("alerter").restarts(), 1u);
  EXPECT_EQ(test.events().received_by("operator").get<Alert>().size(), 2u) << "by each of its two lives";
  EXPECT_EQ(test.events().received_by("operator").get<Note>().size(), 2u) << "and each says that it begins anew";
}

/// From a file below /proc to an alert, with a sensor that looks once per second.
TEST(StationPipeline, RaisesAnAlertAtTheFirstLookAfterTheFileChanged) {
  std::string pattern = (std::filesystem::temp_directory_path() / "station-pipeline-XXXXXX").string();
  ASSERT_TRUE(::mkdtemp(pattern.data()));
  const std::filesystem::path root = pattern;
  std::filesystem::create_directories(root / "proc");
  const auto write_meminfo = [&](int available_kib) {
    std::ofstream(root / "proc/meminfo") << "MemTotal: 1000 kB\nMemAvailable: " << available_kib << " kB\n";
  };
  write_meminfo(500);
  ::setenv("STATION_ROOT", root.c_str(), 1);
  ::setenv("STATION_PERIOD", "1s", 1);
  ::setenv("STATION_THRESHOLDS", "memory.used > 90 : 80", 1);

  actor::Supervisor<StationEvent> supervisor(actor::simulated(1));
  Harness test(supervisor);
  supervisor.add_actor<MemorySensor>("memory", actor::Subscribe::none());
  supervisor.add_actor<Normalizer>("normalizer", {StationTopic::Raw});
  supervisor.add_actor<Alerter>("alerter", {StationTopic::Reading});
  supervisor.add_actor<Silent>("operator", {StationTopic::Alert});
  supervisor.start();
  const auto samples = [&] { return test.events().with_label("MemoryBytes").count(); };
  const auto alerts = [&] { return test.events().with_label("Alert").get<Alert>(); };

  test.advance(10s);
  EXPECT_EQ(samples(), 11u) << "one at the start, then one each second";
  EXPECT_TRUE(alerts().empty());
  write_meminfo(50);
  test.advance(999ms);
  EXPECT_TRUE(alerts().empty()) << "the next look is not due";
  test.advance(1ms);
  ASSERT_EQ(alerts().size(), 1u);
  EXPECT_EQ(alerts()[0], (Alert{AlertState::Raised, "memory", "", {"used", 95, Unit::Percent}, 90}));
  const auto sample = test.events().with_label("MemoryBytes").last();
  ASSERT_TRUE(sample);
  EXPECT_THAT(test.chain(sample->id()), ExactPath("memory", "normalizer", "alerter", "operator"));
  EXPECT_THAT(test.chain(sample->id()), HasExactEvents("MemoryBytes", "Reading", "Alert"));
  test.advance(60s);
  EXPECT_EQ(alerts().size(), 1u) << "what is raised is not raised again";
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace station
