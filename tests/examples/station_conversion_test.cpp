// The station's arithmetic: rates, percentages, counters that wrap or are set back, first samples; and how it is
// printed.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>

#include "station/conversion.hpp"
#include "station/lines.hpp"
#include "station/settings.hpp"

namespace station {
namespace {

using namespace std::chrono_literals;

constexpr Moment start{1000s};
constexpr std::uint64_t max32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t max64 = std::numeric_limits<std::uint64_t>::max();

std::map<std::string, double> values_of(const std::optional<Reading>& reading) {
  std::map<std::string, double> values;
  if (!reading) return values;
  for (const Measure& measure : reading->measures) values[measure.quantity] = measure.value;
  return values;
}

TEST(StationCounter, GrowsAcrossAWrapOfItsWidth) {
  EXPECT_EQ(counter_growth(5, 5, CounterWidth::Bits64), 0u);
  EXPECT_EQ(counter_growth(5, 12, CounterWidth::Bits64), 7u);
  EXPECT_EQ(counter_growth(max32 - 9, 10, CounterWidth::Bits32), 20u);
  EXPECT_EQ(counter_growth(max64 - 9, 10, CounterWidth::Bits64), 20u);
}

TEST(StationCounter, IsUnknownAfterItWasSetBack) {
  EXPECT_EQ(counter_growth(1'000'000, 3, CounterWidth::Bits64), std::nullopt);
  EXPECT_EQ(counter_growth(1'000'000, 3, CounterWidth::Bits32), std::nullopt);
  // Near its 32-bit limit, but it has 64: this is no wrap.
  EXPECT_EQ(counter_growth(max32 - 9, 10, CounterWidth::Bits64), std::nullopt);
  // More than a 32-bit counter can hold.
  EXPECT_EQ(counter_growth(1, max32 + 1, CounterWidth::Bits32), std::nullopt);
}

TEST(StationConversion, GivesNoReadingForAFirstSample) {
  Conversion conversion;
  EXPECT_FALSE(conversion.convert(CpuTicks{start, 1, 1, 1, 1}));
  EXPECT_FALSE(conversion.convert(DiskCounters{start, "vda", 1, 1, 1}));
  EXPECT_FALSE(conversion.convert(NetworkCounters{start, "eth0", 1, 0, 1, 0}));
  EXPECT_TRUE(conversion.convert(DiskCounters{start + 1s, "vda", 1, 1, 1}));
  EXPECT_FALSE(conversion.convert(DiskCounters{start + 1s, "vdb", 1, 1, 1})) << "another disk has a first sample too";
}

TEST(StationConversion, DividesTheTicksAmongWhatTheCpuDid) {
  Conversion conversion;
  conversion.convert(CpuTicks{start, 100, 10, 50, 1000, 20, 1, 2, 3});
  const auto reading = conversion.convert(CpuTicks{start + 1s, 120, 20, 55, 1150, 28, 2, 3, 8});
  auto values = values_of(reading);
  EXPECT_DOUBLE_EQ(values["user"], 15);     // 20 user + 10 nice of 200
  EXPECT_DOUBLE_EQ(values["system"], 3.5);  // 5 + 1 + 1
  EXPECT_DOUBLE_EQ(values["iowait"], 4);
  EXPECT_DOUBLE_EQ(values["steal"], 2.5);
  EXPECT_DOUBLE_EQ(values["idle"], 75);
}

TEST(StationConversion, TakesIowaitThatStepsBackForNone) {
  Conversion conversion;
  conversion.convert(CpuTicks{start, 100, 0, 0, 1000, 500});
  auto values = values_of(conversion.convert(CpuTicks{start + 1s, 150, 0, 0, 1050, 499}));
  EXPECT_DOUBLE_EQ(values["iowait"], 0);
  EXPECT_DOUBLE_EQ(values["user"], 50);
  EXPECT_FALSE(conversion.convert(CpuTicks{start + 2s, 150, 0, 0, 1050, 499})) << "no tick has passed";
}

TEST(StationConversion, CountsMemoryThatIsNotAvailableAsUsed) {
  const Conversion conversion;
  auto values = values_of(conversion.convert(MemoryBytes{start, 1000, 250, 200, 150}));
  EXPECT_DOUBLE_EQ(values["used"], 75);
  EXPECT_DOUBLE_EQ(values["available"], 250);
  EXPECT_DOUBLE_EQ(values["swap"], 25);
  EXPECT_EQ(values_of(conversion.convert(MemoryBytes{start, 1000, 250, 0, 0})).count("swap"), 0u);
  EXPECT_FALSE(conversion.convert(MemoryBytes{start, 1000, 1001, 0, 0})) << "more available than there is";
  EXPECT_FALSE(conversion.convert(MemoryBytes{start, 0, 0, 0, 0}));
}

TEST(StationConversion, CountsAFilesystemAsDfDoes) {
  const Conversion conversion;
  auto values = values_of(conversion.convert(FilesystemBytes{start, "/", 1000, 300, 200}));
  EXPECT_NEAR(values["used"], 77.78, 0.01);  // 700 used of 900 that users can have
  EXPECT_FALSE(conversion.convert(FilesystemBytes{start, "/", 1000, 1001, 200}));
  EXPECT_FALSE(conversion.convert(FilesystemBytes{start, "/", 1000, 300, 301}));
  EXPECT_FALSE(conversion.convert(FilesystemBytes{start, "/proc", 0, 0, 0}));
}

TEST(StationConversion, MakesRatesFromTheTimeThatReallyPassed) {
  Conversion conversion;
  conversion.convert(DiskCounters{start, "vda", 100, 200, max32 - 99});
  auto disk = values_of(conversion.convert(DiskCounters{start + 2s, "vda", 104, 220, 900}));
  EXPECT_DOUBLE_EQ(disk["read"], 1024);
  EXPECT_DOUBLE_EQ(disk["written"], 5120);
  EXPECT_DOUBLE_EQ(disk["busy"], 50) << "1000 ms of 2 s, across the wrap of 32 bits";

  conversion.convert(NetworkCounters{start, "eth0", 1000, 0, max64 - 499, 3});
  auto network = values_of(conversion.convert(NetworkCounters{start + 500ms, "eth0", 2000, 1, 500, 3}));
  EXPECT_DOUBLE_EQ(network["received"], 2000);
  EXPECT_DOUBLE_EQ(network["sent"], 2000);
  EXPECT_DOUBLE_EQ(network["errors"], 2);
}

TEST(StationConversion, SkipsOneReadingWhenCountersAreSetBackThenGoesOn) {
  Conversion conversion;
  conversion.convert(NetworkCounters{start, "eth0", 5'000'000'000, 0, 10, 0});
  EXPECT_FALSE(conversion.convert(NetworkCounters{start + 1s, "eth0", 100, 0, 0, 0}));
  auto values = values_of(conversion.convert(NetworkCounters{start + 2s, "eth0", 150, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(values["received"], 50);
}

TEST(StationConversion, GivesNoReadingWhenTimeDidNotPass) {
  Conversion conversion;
  conversion.convert(DiskCounters{start, "vda", 1, 1, 1});
  EXPECT_FALSE(conversion.convert(DiskCounters{start, "vda", 2, 2, 2}));
  EXPECT_FALSE(conversion.convert(DiskCounters{start - 1s, "vda", 3, 3, 3}));
}

TEST(StationConversion, RefusesATemperatureThatNoSensorSurvives) {
  const Conversion conversion;
  EXPECT_DOUBLE_EQ(values_of(conversion.convert(ZoneTemperature{start, "soc", 48312}))["temperature"], 48.312);
  EXPECT_FALSE(conversion.convert(ZoneTemperature{start, "soc", 2'000'000}));
}

TEST(StationLine, AlignsSourcesAndScalesBytes) {
  ::setenv("TZ", "UTC", 1);
  const std::chrono::system_clock::time_point noon{12h + 1s};
  const Reading cpu{"cpu", "", {{"user", 3.21, Unit::Percent}, {"idle", 95.7, Unit::Percent}}};
  EXPECT_EQ(format_line(noon, cpu), "12:00:01 cpu                  user 3.2 %  idle 95.7 %");
  const Reading network{"network", "eth0", {{"received", 1536, Unit::BytesPerSecond}, {"errors", 0, Unit::PerSecond}}};
  EXPECT_EQ(format_line(noon, network), "12:00:01 network eth0         received 1.5 KiB/s  errors 0.0 /s");
  const Alert alert{AlertState::Raised, "disk", "/", {"used", 96, Unit::Percent}, 95};
  EXPECT_EQ(format_line(noon, alert), "12:00:01 disk /               ALERT used 96.0 % (limit 95.0 %)");
  EXPECT_EQ(format_line(noon, Note{"thermal", "none"}), "12:00:01 thermal              note: none");
}

TEST(StationLine, KeepsItsUnitForTheSmallestAndTheLargestValues) {
  EXPECT_EQ(format_value(0, Unit::Bytes), "0 B");
  EXPECT_EQ(format_value(1023, Unit::Bytes), "1023 B");
  EXPECT_EQ(format_value(1024, Unit::Bytes), "1.0 KiB");
  EXPECT_EQ(format_value(static_cast<double>(max64), Unit::Bytes), "16777216.0 TiB");
  EXPECT_EQ(format_value(-5.55, Unit::Celsius), "-5.5 °C");
}

TEST(StationSettings, ReadDurationsWithTheirUnitAndNothingElse) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1s"), 1s);
  EXPECT_EQ(parse_duration("2min"), 2min);
  EXPECT_EQ(parse_duration("7d"), 168h);
  for (const char* text :
       {"", "1", "s", "0s", "-1s", "1.5s", "1 s", " 1s", "1sec", "99999999999d", "9223372036854775808ms"}) {
    EXPECT_FALSE(parse_duration(text)) << '"' << text << '"';
  }
}

TEST(StationSettings, NameTheVariableThatIsWrong) {
  for (const std::string wrong : {"often", "0s"}) {
    ::setenv("STATION_TEST_PERIOD", wrong.c_str(), 1);
    try {
      duration_setting("STATION_TEST_PERIOD", 1s);
      ADD_FAILURE() << '"' << wrong << "\" was taken for a duration";
    } catch (const std::exception& error) {
      EXPECT_NE(std::string(error.what()).find("STATION_TEST_PERIOD=" + wrong + ": must be a duration longer than 0;"),
                std::string::npos)
          << error.what();
    }
  }
  ::unsetenv("STATION_TEST_PERIOD");
  EXPECT_EQ(duration_setting("STATION_TEST_PERIOD", 3s), 3s);
}

}  // namespace
}  // namespace station
