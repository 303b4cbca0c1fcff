// The station's database: what is recorded twice is there once, and what was recorded is there after a crash.

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <filesystem>
#include <string>

#include "station/store.hpp"

namespace station {
namespace {

using namespace std::chrono_literals;

class StationStore : public testing::Test {
 protected:
  StationStore() {
    std::string pattern = (std::filesystem::temp_directory_path() / "station-store-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    directory_ = pattern;
  }
  ~StationStore() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path file() const { return directory_ / "station.db"; }
  static Origin origin(std::uint64_t counter, std::chrono::seconds wall_time = 1000s) {
    return {{0xabcdef0123456789, counter}, "normalizer", std::chrono::system_clock::time_point(wall_time)};
  }
  /// The first column of the first row, as another program sees it.
  std::string query(const std::string& sql) const {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open_v2(file().c_str(), &database, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    std::string result = "no row";
    if (sqlite3_step(statement) == SQLITE_ROW) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
      result = text ? text : "null";
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return result;
  }

  const Reading cpu_{"cpu", "", {{"user", 3.25, Unit::Percent}, {"idle", 96.75, Unit::Percent}}};
  const Alert alert_{AlertState::Raised, "disk", "/", {"used", 96, Unit::Percent}, 95};

 private:
  std::filesystem::path directory_;
};

TEST_F(StationStore, KeepsWhatAnEventSaidAndWhoSaidItWhen) {
  Store store(file());
  EXPECT_TRUE(store.record(origin(7), cpu_));
  EXPECT_TRUE(store.record(origin(8), alert_));
  EXPECT_TRUE(store.record(origin(9), Note{"thermal", "it's \"none\"; DROP TABLE notes"}));
  EXPECT_EQ(query("SELECT event_id||' '||wall_ms||' '||sender||' '||source||' '||value||' '||unit FROM readings "
                  "WHERE quantity='user'"),
            "abcdef01234567890000000000000007 1000000 normalizer cpu 3.25 %");
  EXPECT_EQ(query("SELECT state||' '||source||' '||subject||' '||quantity||' '||value||' '||limit_value FROM alerts"),
            "raised disk / used 96.0 95.0");
  EXPECT_EQ(query("SELECT text FROM notes"), "it's \"none\"; DROP TABLE notes");
}

TEST_F(StationStore, RecordsARedeliveredEventOnce) {
  {
    Store store(file());
    EXPECT_TRUE(store.record(origin(7), cpu_));
    EXPECT_FALSE(store.record(origin(7), cpu_));
    EXPECT_TRUE(store.record(origin(8), alert_));
    EXPECT_TRUE(store.record(origin(9), Note{"a", "b"}));
  }
  Store successor(file());
  EXPECT_FALSE(successor.record(origin(7), cpu_));
  EXPECT_FALSE(successor.record(origin(8), alert_));
  EXPECT_FALSE(successor.record(origin(9), Note{"a", "b"}));
  EXPECT_TRUE(successor.record(origin(10), cpu_)) << "the same reading from another event is another reading";
  EXPECT_EQ(query("SELECT count(*) FROM readings"), "4");
  EXPECT_EQ(query("SELECT count(*) FROM alerts"), "1");
}

TEST_F(StationStore, HasCommittedWhenRecordReturns) {
  Store store(file());
  store.record(origin(7), cpu_);
  // Another connection sees it with the first one still open: nothing waits in this process's memory.
  EXPECT_EQ(query("SELECT count(*) FROM readings"), "2");
}

TEST_F(StationStore, LeavesFilesFromWhichASuccessorGoesOnWhenItDies) {
  const auto left_behind = file().parent_path() / "left-behind.db";
  {
    Store store(file());
    store.record(origin(7), cpu_);
    // What the kernel holds of the files at this moment is what is left when the process is killed now.
    std::filesystem::copy_file(file(), left_behind);
    std::filesystem::copy_file(file().string() + "-wal", left_behind.string() + "-wal");
  }
  Store successor(left_behind);
  EXPECT_FALSE(successor.record(origin(7), cpu_));
  EXPECT_FALSE(successor.forget_readings_before(std::chrono::system_clock::time_point(0s)));
  EXPECT_EQ(successor.forget_readings_before(std::chrono::system_clock::time_point(2000s)), 2);
}

TEST_F(StationStore, ForgetsOldReadingsAndKeepsAlerts) {
  Store store(file());
  store.record(origin(1, 1000s), cpu_);
  store.record(origin(2, 2000s), cpu_);
  store.record(origin(3, 1000s), alert_);
  EXPECT_EQ(store.forget_readings_before(std::chrono::system_clock::time_point(1500s)), 2);
  EXPECT_EQ(query("SELECT min(wall_ms) FROM readings"), "2000000");
  EXPECT_EQ(query("SELECT count(*) FROM alerts"), "1");
}

TEST_F(StationStore, SyncsWhileAnotherProgramReads) {
  Store store(file());
  store.record(origin(1), cpu_);
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &reader), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(reader, "BEGIN; SELECT * FROM readings", nullptr, nullptr, nullptr), SQLITE_OK);
  store.record(origin(2), cpu_);
  EXPECT_NO_THROW(store.sync());
  sqlite3_close(reader);
  EXPECT_NO_THROW(store.sync());
  EXPECT_EQ(query("SELECT count(*) FROM readings"), "4");
}

TEST_F(StationStore, SaysWhichFileItCannotOpen) {
  const auto missing = file().parent_path() / "no" / "such.db";
  try {
    Store store(missing);
    FAIL() << "opened a file in a directory that is not there";
  } catch (const actor::Error& error) {
    EXPECT_EQ(error.code(), actor::ErrorCode::Io);
    EXPECT_NE(std::string(error.what()).find(missing.string()), std::string::npos) << error.what();
  }
}

TEST_F(StationStore, GoesOnAfterAWriteThatFailed) {
  Store store(file());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other,
                         "CREATE TRIGGER full BEFORE INSERT ON readings WHEN NEW.quantity = 'idle' "
                         "BEGIN SELECT RAISE(ABORT, 'no room'); END",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_THROW(store.record(origin(1), cpu_), actor::Error);
  EXPECT_EQ(query("SELECT count(*) FROM readings"), "0") << "all rows of an event, or none";
  ASSERT_EQ(sqlite3_exec(other, "DROP TRIGGER full", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(store.record(origin(1), cpu_)) << "the same event, delivered again";
  EXPECT_EQ(query("SELECT count(*) FROM readings"), "2");
}

}  // namespace
}  // namespace station
