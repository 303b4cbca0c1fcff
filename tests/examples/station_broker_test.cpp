// The whole station under a real broker, its recorder killed again and again: what the console was sent is in the
// database, each event once.

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <regex>
#include <sstream>
#include <string>

namespace {

constexpr int wanted_kills = 8;
constexpr int lines_between_kills = 40;

class StationUnderABroker : public testing::Test {
 protected:
  StationUnderABroker() {
    std::string pattern = (std::filesystem::temp_directory_path() / "station-broker-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    directory_ = pattern;
  }
  ~StationUnderABroker() override { std::filesystem::remove_all(directory_); }

  /// The example's manifest, but faster, and with all its files in a directory of its own.
  std::filesystem::path write_manifest() const {
    std::ostringstream original;
    original << std::ifstream(std::filesystem::path(EXAMPLES_DIRECTORY) / "station/station.toml").rdbuf();
    std::string text = original.str();
    const auto replace = [&](const char* pattern, const std::string& with) {
      const std::string changed = std::regex_replace(text, std::regex(pattern), with);
      EXPECT_NE(changed, text) << "the manifest has nothing like " << pattern;
      text = changed;
    };
    replace("name = \"station\"", "name = \"station\"\nruntime_dir = \"" + (directory_ / "run").string() + '"');
    replace("STATION_PERIOD = \"[^\"]*\"", "STATION_PERIOD = \"5ms\"");
    replace("STATION_DB = \"[^\"]*\"", "STATION_DB = \"" + database().string() + '"');
    replace("\nbackoff = [^\n]*", "\nbackoff = { base = \"1ms\", max = \"10ms\" }");
    replace("\nbudget = [^\n]*", "\nbudget = { restarts = 1000, within = \"1min\" }");
    std::ofstream(directory_ / "station.toml") << text;
    return directory_ / "station.toml";
  }
  std::filesystem::path database() const { return directory_ / "station.db"; }

  bool actorctl(const std::string& command) const {
    return std::system(("actorctl --broker " + (directory_ / "run").string() + ' ' + command).c_str()) == 0;
  }

  bool is_ready(const std::string& actor) const { return actorctl("ps | grep -q '^" + actor + " .* ready '"); }

  int recorded_events() const {
    sqlite3* database_handle = nullptr;
    EXPECT_EQ(sqlite3_open(database().c_str(), &database_handle), SQLITE_OK);
    int events = -1;
    const auto read = [](void* to, int, char** columns, char**) {
      *static_cast<int*>(to) = std::atoi(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database_handle,
                           "SELECT (SELECT count(DISTINCT event_id) FROM readings) + (SELECT count(*) FROM alerts) "
                           "+ (SELECT count(*) FROM notes)",
                           read, &events, nullptr),
              SQLITE_OK);
    sqlite3_close(database_handle);
    return events;
  }

 private:
  std::filesystem::path directory_;
};

TEST_F(StationUnderABroker, RecordsEveryEventOnceHoweverOftenTheRecorderIsKilled) {
  FILE* const broker = ::popen(("exec actor-broker " + write_manifest().string()).c_str(), "r");
  ASSERT_TRUE(broker);
  int printed = 0;
  int kills = 0;
  bool asked_to_stop = false;
  int next_kill_at = lines_between_kills;
  char* line = nullptr;
  std::size_t capacity = 0;
  while (::getline(&line, &capacity, broker) >= 0) {
    if (std::string_view(line).starts_with("console[")) ++printed;
    if (printed < next_kill_at) continue;
    if (kills < wanted_kills) {
      if (!actorctl("kill recorder")) continue;  // it is still on its way back from the kill before
      ++kills;
      next_kill_at = printed + lines_between_kills;
    } else if (!asked_to_stop && is_ready("recorder")) {
      asked_to_stop = actorctl("shutdown");
    }
  }
  std::free(line);
  EXPECT_EQ(::pclose(broker), 0) << "the broker ended in good order";
  EXPECT_EQ(kills, wanted_kills);
  EXPECT_GE(printed, wanted_kills * lines_between_kills);
  EXPECT_EQ(recorded_events(), printed);
}

}  // namespace
