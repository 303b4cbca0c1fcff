// The station's actors together, in one process, looking at a machine made of files.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <actor/supervisor.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <set>

#include "manifest/manifest.hpp"
#include "station/alerter.hpp"
#include "station/normalizer.hpp"
#include "station/recorder.hpp"
#include "station/sensors/sensors.hpp"

namespace station {
namespace {

using Seen = std::vector<actor::OwnedEnvelope<StationEvent>>;

template <class T>
std::vector<T> events_of(const Seen& seen) {
  std::vector<T> events;
  for (const auto& envelope : seen) {
    if (const T* event = std::get_if<T>(&envelope.event)) events.push_back(*event);
  }
  return events;
}

/// Keeps every event that it is sent; ends the runtime once `done` says so.
class Witness : public actor::Actor<StationEvent> {
 public:
  using Done = std::function<bool(const Seen&)>;
  Witness(Seen* seen, Done done) : seen_(seen), done_(std::move(done)) {}
  void handle_event(const actor::Envelope<StationEvent>& envelope) override {
    seen_->push_back(envelope.to_owned());
    if (done_(*seen_)) ctx().stop_runtime();
  }

 private:
  Seen* seen_;
  Done done_;
};

class StationActors : public testing::Test {
 protected:
  StationActors() {
    std::string pattern = (std::filesystem::temp_directory_path() / "station-actors-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    root_ = pattern;
    ::setenv("STATION_ROOT", root_.c_str(), 1);
    ::setenv("STATION_PERIOD", "1ms", 1);
    ::setenv("STATION_DB", (root_ / "station.db").c_str(), 1);
  }
  ~StationActors() override { std::filesystem::remove_all(root_); }

  /// Replaces a file at once: a sensor sees the old text or the new one.
  void write(const std::string& path, const std::string& text) const {
    const auto file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    const auto fresh = root_ / "fresh";
    std::ofstream(fresh) << text;
    std::filesystem::rename(fresh, file);
  }
  void write_meminfo(int total_kib, int available_kib) const {
    write("proc/meminfo",
          "MemTotal: " + std::to_string(total_kib) + " kB\nMemAvailable: " + std::to_string(available_kib) + " kB\n");
  }

  /// Runs what was added to supervisor_ until `done`.
  Seen run_until(Witness::Done done) {
    Seen seen;
    supervisor_.add_actor<Witness>("witness", actor::Subscribe::all(), &seen, std::move(done));
    supervisor_.run();
    return seen;
  }
  template <class Sensor>
  void add_sensor() {
    supervisor_.add_actor<Sensor>("sensor", actor::Subscribe::none());
  }

  std::set<std::string> recorded(const std::string& column_and_table) const {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open((root_ / "station.db").c_str(), &database), SQLITE_OK);
    std::set<std::string> values;
    const auto add = [](void* to, int, char** columns, char**) {
      static_cast<std::set<std::string>*>(to)->insert(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database, ("SELECT " + column_and_table).c_str(), add, &values, nullptr), SQLITE_OK);
    sqlite3_close(database);
    return values;
  }

  std::filesystem::path root_;
  actor::Supervisor<StationEvent> supervisor_;
};

TEST_F(StationActors, SayOnceThatThereIsNoThermalZoneAndUseOneThatAppears) {
  add_sensor<ThermalSensor>();
  const Seen seen = run_until([this](const Seen& so_far) {
    if (so_far.size() == 1) {
      write("sys/class/thermal/thermal_zone0/type", "soc\n");
      write("sys/class/thermal/thermal_zone0/temp", "48312\n");
      write("sys/class/thermal/cooling_device0/temp", "1\n");
    }
    return events_of<ZoneTemperature>(so_far).size() >= 3;
  });
  const auto notes = events_of<Note>(seen);
  ASSERT_GE(notes.size(), 1u);
  EXPECT_EQ(notes[0].text, "no thermal zone on this machine, so no temperatures");
  for (std::size_t i = 1; i < notes.size(); ++i) EXPECT_NE(notes[i].text, notes[0].text);
  EXPECT_EQ(events_of<ZoneTemperature>(seen).at(2).zone, "soc");
  EXPECT_EQ(events_of<ZoneTemperature>(seen).at(2).millidegrees, 48312);
}

TEST_F(StationActors, GoOnWhenAFileThatWasMissingOrGarbageIsThere) {
  add_sensor<CpuSensor>();
  const Seen seen = run_until([this](const Seen& so_far) {
    const std::size_t notes = events_of<Note>(so_far).size();
    if (notes == 1) write("proc/stat", "cpu what is this\n");
    if (notes == 2) write("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\n");
    return !events_of<CpuTicks>(so_far).empty();
  });
  const auto notes = events_of<Note>(seen);
  ASSERT_EQ(notes.size(), 2u) << "each thing that is wrong is said once";
  EXPECT_NE(notes[0].text.find("proc/stat: No such file"), std::string::npos) << notes[0].text;
  EXPECT_EQ(events_of<CpuTicks>(seen).at(0).steal, 8u);
}

TEST_F(StationActors, LeaveOutPartitionsAndDisksThatNeverWorked) {
  write("proc/diskstats",
        " 8 0 sda 1 1 8 1 1 1 8 1 0 5 1\n 8 1 sda1 1 1 8 1 1 1 8 1 0 5 1\n 7 0 loop0 0 0 0 0 0 0 0 0 0 0 0\n");
  std::filesystem::create_directories(root_ / "sys/block/sda");
  std::filesystem::create_directories(root_ / "sys/block/loop0");
  add_sensor<DiskSensor>();
  const Seen seen = run_until([](const Seen& so_far) { return events_of<DiskCounters>(so_far).size() >= 3; });
  for (const DiskCounters& disk : events_of<DiskCounters>(seen)) EXPECT_EQ(disk.device, "sda");
  EXPECT_EQ(events_of<FilesystemBytes>(seen).at(0).mount, "/");
}

TEST_F(StationActors, RaiseAndClearAnAlertAndRecordAllThatWasSaid) {
  ::setenv("STATION_THRESHOLDS", "memory.used > 90 : 80", 1);
  write_meminfo(1000, 50);
  add_sensor<MemorySensor>();
  supervisor_.add_actor<Normalizer>("normalizer", {StationTopic::Raw});
  supervisor_.add_actor<Alerter>("alerter", {StationTopic::Reading});
  supervisor_.add_actor<Recorder>("recorder", {StationTopic::Reading, StationTopic::Alert, StationTopic::Note});
  const Seen seen = run_until([this](const Seen& so_far) {
    const std::size_t alerts = events_of<Alert>(so_far).size();
    if (alerts == 1) write_meminfo(1000, 500);
    return alerts >= 2;
  });

  const auto alerts = events_of<Alert>(seen);
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0], (Alert{AlertState::Raised, "memory", "", {"used", 95, Unit::Percent}, 90}));
  EXPECT_EQ(alerts[1], (Alert{AlertState::Cleared, "memory", "", {"used", 50, Unit::Percent}, 80}));

  std::set<std::string> readings, alert_ids, notes;
  std::set<actor::EventId> ids;
  for (const auto& envelope : seen) {
    ids.insert(envelope.meta.id);
    if (std::holds_alternative<Reading>(envelope.event)) readings.insert(to_string(envelope.meta.id));
    if (std::holds_alternative<Alert>(envelope.event)) alert_ids.insert(to_string(envelope.meta.id));
    if (std::holds_alternative<Note>(envelope.event)) notes.insert(to_string(envelope.meta.id));
  }
  for (const auto& envelope : seen) {
    if (std::holds_alternative<Alert>(envelope.event)) {
      EXPECT_TRUE(ids.contains(envelope.meta.parent)) << "an alert names the reading that it answers";
    }
  }
  // A stop in good order: what the witness was sent, the recorder was sent too, and handled.
  EXPECT_EQ(recorded("event_id FROM readings"), readings);
  EXPECT_EQ(recorded("event_id FROM alerts"), alert_ids);
  EXPECT_EQ(recorded("event_id FROM notes"), notes);
}

TEST_F(StationActors, RefuseToStartWithAThresholdThatMakesNoSense) {
  ::setenv("STATION_THRESHOLDS", "memory.used > lots : 80", 1);
  supervisor_.add_actor<Alerter>("alerter", {StationTopic::Reading});
  try {
    supervisor_.run();
    FAIL() << "the alerter started";
  } catch (const actor::Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"lots\" is not a number"), std::string::npos) << error.what();
  }
}

class ExampleManifest : public testing::TestWithParam<const char*> {};

TEST_P(ExampleManifest, HasNeitherErrorsNorWarnings) {
  const auto result = actor::broker::load_manifest(std::filesystem::path(EXAMPLES_DIRECTORY) / GetParam());
  for (const auto& error : result.errors) ADD_FAILURE() << format(error);
  for (const auto& warning : result.warnings) ADD_FAILURE() << format(warning);
}

INSTANTIATE_TEST_SUITE_P(Each, ExampleManifest,
                         testing::Values("hello/hello.toml", "pingpong/pingpong.toml", "guesser/guesser.toml",
                                         "backpressure/backpressure.toml", "arbitrage/arbitrage.toml",
                                         "monitoring/monitoring.toml", "station/station.toml"));

TEST(StationManifest, SetsThePoliciesThatTheProgramDeclares) {
  const auto result = actor::broker::load_manifest(std::filesystem::path(EXAMPLES_DIRECTORY) / "station/station.toml");
  ASSERT_TRUE(result.manifest);
  std::set<std::string> declared;
  for (const actor::TopicDecl& topic : actor::known_topics<StationEvent>()) {
    declared.insert(topic.name);
    const auto section = result.manifest->topics.find(topic.name);
    ASSERT_NE(section, result.manifest->topics.end()) << topic.name;
    EXPECT_EQ(section->second.overflow, topic.policy) << topic.name;
  }
  for (const auto& actor : result.manifest->actors) {
    for (const auto& topic : actor.subscribes.names) EXPECT_TRUE(declared.contains(topic)) << topic;
    for (const auto& topic : actor.publishes.names) EXPECT_TRUE(declared.contains(topic)) << topic;
  }
}

}  // namespace
}  // namespace station
