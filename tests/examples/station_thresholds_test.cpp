// When the station raises and clears alerts.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "station/thresholds.hpp"

namespace station {
namespace {

Reading reading(const std::string& source, const std::string& subject, const std::string& quantity, double value) {
  return {source, subject, {{"other", 1e9, Unit::Bytes}, {quantity, value, Unit::Percent}}};
}

/// What a series of values of memory.used did: "R" raised, "C" cleared, "." nothing.
std::string states(const std::string& thresholds, std::initializer_list<double> values) {
  ThresholdWatch watch(parse_thresholds(thresholds));
  std::string result;
  for (const double value : values) {
    const auto alerts = watch.check(reading("memory", "", "used", value));
    if (alerts.size() > 1) return "more than one";
    result += alerts.empty() ? '.' : alerts[0].state == AlertState::Raised ? 'R' : 'C';
  }
  return result;
}

TEST(StationThreshold, IsReadFromText) {
  const auto thresholds = parse_thresholds(" memory.used > 90 : 80 ,cpu.idle<5:10,\n thermal.temperature > 80.5:-3,");
  ASSERT_EQ(thresholds.size(), 3u);
  EXPECT_EQ(thresholds[0], (Threshold{"memory", "used", true, 90, 80}));
  EXPECT_EQ(thresholds[1], (Threshold{"cpu", "idle", false, 5, 10}));
  EXPECT_EQ(thresholds[2], (Threshold{"thermal", "temperature", true, 80.5, -3}));
  EXPECT_TRUE(parse_thresholds("").empty());
  EXPECT_TRUE(parse_thresholds("  \n ").empty());
}

TEST(StationThreshold, SaysWhatIsWrongInItsText) {
  for (const char* text : {"memory", "memory.used", "memory.used > 90", "memory > 90 : 80", ".used > 1 : 1",
                           "memory. > 1 : 1", "memory.used > ninety : 80", "memory.used > 90 : ", "memory.used > : 80",
                           "memory.used > 80 : 90", "cpu.idle < 10 : 5", "memory.used > nan : nan",
                           "memory.used > inf : 1", "memory.used > 90 : 80 ; cpu.idle < 5 : 10", ","}) {
    EXPECT_THROW(parse_thresholds(text), std::exception) << text;
  }
}

TEST(StationThreshold, RaisesOnceAndClearsOnlyBelowTheLowerLimit) {
  EXPECT_EQ(states("memory.used > 90 : 80", {50, 90, 90.1, 95, 85, 91, 80, 79.9, 85, 91}), "..R....C.R");
}

TEST(StationThreshold, WatchesLowValuesTheOtherWayRound) {
  EXPECT_EQ(states("memory.used < 10 : 20", {50, 10, 9, 15, 9, 20, 21, 15}), "..R...C.");
}

TEST(StationThreshold, WorksWithoutAGapBetweenItsLimits) {
  EXPECT_EQ(states("memory.used > 90 : 90", {90, 91, 90, 89, 90, 91}), ".R.C.R");
}

TEST(StationThreshold, IsNotMovedByWhatIsNoNumber) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(states("memory.used > 90 : 80", {nan, 95, nan, 70, infinity, -infinity}), ".R.CRC");
}

TEST(StationThreshold, TellsTheValueAndTheLimitThatItCrossed) {
  ThresholdWatch watch(parse_thresholds("disk.used > 90 : 80"));
  const auto raised = watch.check(reading("disk", "/", "used", 91));
  ASSERT_EQ(raised.size(), 1u);
  EXPECT_EQ(raised[0], (Alert{AlertState::Raised, "disk", "/", {"used", 91, Unit::Percent}, 90}));
  const auto cleared = watch.check(reading("disk", "/", "used", 42));
  ASSERT_EQ(cleared.size(), 1u);
  EXPECT_EQ(cleared[0], (Alert{AlertState::Cleared, "disk", "/", {"used", 42, Unit::Percent}, 80}));
}

TEST(StationThreshold, WatchesEachSubjectAndEachThresholdByItself) {
  ThresholdWatch watch(parse_thresholds("disk.used > 80 : 70, disk.used > 95 : 90"));
  EXPECT_EQ(watch.check(reading("disk", "/", "used", 85)).size(), 1u);
  EXPECT_EQ(watch.check(reading("disk", "/var", "used", 96)).size(), 2u);
  EXPECT_EQ(watch.check(reading("disk", "/", "used", 96)).size(), 1u);
  EXPECT_TRUE(watch.check(reading("disk", "/", "busy", 99)).empty());
  EXPECT_TRUE(watch.check(reading("memory", "/", "used", 99)).empty());
}

}  // namespace
}  // namespace station
