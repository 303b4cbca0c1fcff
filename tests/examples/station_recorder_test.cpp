// The recorder crashes at its n-th event, for every n, before and after it has written: the database has every event
// that it was sent, once. On virtual time.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <actor/supervisor.hpp>
#include <actor/testing/harness.hpp>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "station/recorder.hpp"

namespace station {
namespace {

using namespace actor::testing;
using namespace std::chrono_literals;

constexpr int events = 12;

/// Whom the test speaks for.
class Silent : public actor::Actor<StationEvent> {};

class RecorderFiles {
 protected:
  RecorderFiles() {
    std::string pattern = (std::filesystem::temp_directory_path() / "station-recorder-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    directory_ = pattern;
    ::setenv("STATION_DB", (directory_ / "station.db").c_str(), 1);
    ::unsetenv("STATION_KEEP");
  }
  ~RecorderFiles() { std::filesystem::remove_all(directory_); }

  std::set<std::string> recorded(const char* query) const {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open((directory_ / "station.db").c_str(), &database), SQLITE_OK);
    std::set<std::string> values;
    const auto add = [](void* to, int, char** columns, char**) {
      static_cast<std::set<std::string>*>(to)->insert(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, query, add, &values, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    sqlite3_close(database);
    return values;
  }

  std::filesystem::path directory_;
};

class RecorderThatCrashes : public RecorderFiles, public testing::TestWithParam<int> {
 protected:
  /// Sends readings, alerts and notes to a recorder that goes through `faults`, and compares.
  void expect_nothing_lost(actor::Faults faults, std::size_t crashes) {
    actor::Supervisor<StationEvent> supervisor(actor::simulated(1, std::move(faults)));
    Harness test(supervisor);
    supervisor.add_actor<Recorder>("recorder", {StationTopic::Reading, StationTopic::Alert, StationTopic::Note});
    supervisor.add_actor<Silent>("sensor", actor::Subscribe::none());
    supervisor.start();
    std::set<std::string> sent;
    for (int i = 0; i < events / 3; ++i) {
      sent.insert(to_string(test.send_as("sensor", Reading{"cpu", "", {{"idle", 1.0 * i, Unit::Percent}}})));
      sent.insert(
          to_string(test.send_as("sensor", Alert{AlertState::Raised, "cpu", "", {"idle", 1, Unit::Percent}, 5})));
      sent.insert(to_string(test.send_as("sensor", Note{"cpu", "note " + std::to_string(i)})));
    }
    test.advance(1min);  // its restarts, too
    EXPECT_EQ(test.actor("recorder").restarts(), crashes);
    supervisor.stop();
    supervisor.join();
    EXPECT_EQ(recorded("SELECT event_id FROM readings UNION SELECT event_id FROM alerts UNION "
                       "SELECT event_id FROM notes"),
              sent);
    const auto rows = recorded(
        "SELECT (SELECT count(*) FROM readings) + (SELECT count(*) FROM alerts) + "
        "(SELECT count(*) FROM notes)");
    EXPECT_EQ(rows, std::set<std::string>{std::to_string(events)}) << "each once";
  }
};

TEST_P(RecorderThatCrashes, LosesNothingWhenItHadNotWrittenTheEvent) {
  expect_nothing_lost({actor::Fault::crash("recorder", static_cast<std::uint64_t>(GetParam()))}, 1);
}

TEST_P(RecorderThatCrashes, RecordsOnceWhatItHadWrittenAlready) {
  expect_nothing_lost({actor::Fault::crash_after("recorder", static_cast<std::uint64_t>(GetParam()))}, 1);
}

// crash_after() counts handlers that have returned, so its n-th is the second attempt at the event of the first crash.
TEST_P(RecorderThatCrashes, LosesNothingWhenItCrashesOverTheSameEventAgain) {
  const auto nth = static_cast<std::uint64_t>(GetParam());
  expect_nothing_lost({actor::Fault::crash("recorder", nth), actor::Fault::crash_after("recorder", nth)}, 2);
}

/// Says something of each kind once a day, at noon.
class Daily : public actor::Actor<StationEvent> {
 public:
  explicit Daily(std::vector<std::string>* readings) : readings_(readings) {}
  void on_start() override {
    ctx().after(12h, [this] {
      speak();
      ctx().every(24h, [this] { speak(); });
    });
  }

 private:
  void speak() {
    readings_->push_back(to_string(ctx().send(Reading{"cpu", "", {{"idle", 1, Unit::Percent}}})));
    ctx().send(Alert{AlertState::Raised, "cpu", "", {"idle", 1, Unit::Percent}, 5});
    ctx().send(Note{"cpu", "a day more"});
  }
  std::vector<std::string>* readings_;
};

class RecorderOverDays : public RecorderFiles, public testing::Test {};

TEST_F(RecorderOverDays, ForgetsReadingsAfterTheirTimeAndKeepsAlertsAndNotes) {
  ::setenv("STATION_KEEP", "2d", 1);
  std::vector<std::string> readings;
  actor::Supervisor<StationEvent> supervisor(actor::simulated(1));
  supervisor.add_actor<Recorder>("recorder", {StationTopic::Reading, StationTopic::Alert, StationTopic::Note});
  supervisor.add_actor<Daily>("daily", actor::Subscribe::none(), &readings);
  supervisor.start();
  supervisor.advance(5 * 24h);
  supervisor.stop();
  supervisor.join();
  ASSERT_EQ(readings.size(), 5u);
  EXPECT_EQ(recorded("SELECT event_id FROM readings"), std::set<std::string>(readings.begin() + 2, readings.end()));
  EXPECT_EQ(recorded("SELECT count(*) FROM alerts"), std::set<std::string>{"5"});
  EXPECT_EQ(recorded("SELECT count(*) FROM notes"), std::set<std::string>{"5"});
}

INSTANTIATE_TEST_SUITE_P(AtEvent, RecorderThatCrashes, testing::Range(1, events + 1));

}  // namespace
}  // namespace station
