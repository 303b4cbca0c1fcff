#include "store.hpp"

#include <sqlite3.h>

#include <actor/error.hpp>
#include <string_view>
#include <utility>

#include "lines.hpp"

namespace station {
namespace {

// wall_ms: milliseconds since 1970. event_id: 32 hexadecimal digits; ids of one sender ascend, so rows are appended.
constexpr const char* schema = R"sql(
  CREATE TABLE IF NOT EXISTS readings(
    event_id TEXT NOT NULL, quantity TEXT NOT NULL, wall_ms INTEGER NOT NULL, sender TEXT NOT NULL,
    source TEXT NOT NULL, subject TEXT NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL,
    PRIMARY KEY(event_id, quantity)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS readings_by_time ON readings(wall_ms);
  CREATE TABLE IF NOT EXISTS alerts(
    event_id TEXT NOT NULL PRIMARY KEY, wall_ms INTEGER NOT NULL, sender TEXT NOT NULL,
    state TEXT NOT NULL, source TEXT NOT NULL, subject TEXT NOT NULL, quantity TEXT NOT NULL,
    value REAL NOT NULL, limit_value REAL NOT NULL, unit TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notes(
    event_id TEXT NOT NULL PRIMARY KEY, wall_ms INTEGER NOT NULL, sender TEXT NOT NULL,
    source TEXT NOT NULL, text TEXT NOT NULL) WITHOUT ROWID;
)sql";

constexpr int busy_timeout_ms = 2000;

std::int64_t wall_ms(std::chrono::system_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

void Store::CloseDatabase::operator()(sqlite3* database) const {
  sqlite3_close(database);
}
void Store::FinalizeStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

/// One execution of a prepared statement: binds its parameters in order, runs it, and leaves it ready for the next one.
class Store::Binding {
 public:
  Binding(Store& store, const Statement& statement) : store_(store), statement_(statement.get()) {}
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;
  ~Binding() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  /// REQUIRES: `text` lives until run().
  Binding& add(std::string_view text) {
    return check(sqlite3_bind_text64(statement_, ++count_, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  Binding& add(double value) { return check(sqlite3_bind_double(statement_, ++count_, value)); }
  Binding& add(std::int64_t value) { return check(sqlite3_bind_int64(statement_, ++count_, value)); }

  /// Returns how many rows changed.
  std::int64_t run() {
    if (sqlite3_step(statement_) != SQLITE_DONE) store_.fail("writing to");
    return sqlite3_changes64(store_.database_.get());
  }

 private:
  Binding& check(int result) {
    if (result != SQLITE_OK) store_.fail("preparing a row for");
    return *this;
  }

  Store& store_;
  sqlite3_stmt* statement_;
  int count_ = 0;
};

/// All rows of one event, or none of them: rolled back unless committed.
class Store::Transaction {
 public:
  explicit Transaction(Store& store) : store_(store) { Binding(store_, store_.begin_).run(); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (committed_) return;
    // A full disk may have ended the transaction already; then this fails, and nothing is left to undo.
    sqlite3_step(store_.rollback_.get());
    sqlite3_reset(store_.rollback_.get());
  }
  void commit() {
    Binding(store_, store_.commit_).run();
    committed_ = true;
  }

 private:
  Store& store_;
  bool committed_ = false;
};

Store::Store(const std::filesystem::path& file) : file_(file) {
  sqlite3* database = nullptr;
  const int result = sqlite3_open(file.c_str(), &database);
  database_.reset(database);
  if (result != SQLITE_OK) fail("opening");
  sqlite3_busy_timeout(database, busy_timeout_ms);
  execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
  execute(schema);
  begin_ = prepare("BEGIN IMMEDIATE");
  commit_ = prepare("COMMIT");
  rollback_ = prepare("ROLLBACK");
  insert_reading_ = prepare("INSERT OR IGNORE INTO readings VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
  insert_alert_ = prepare("INSERT OR IGNORE INTO alerts VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert_note_ = prepare("INSERT OR IGNORE INTO notes VALUES(?, ?, ?, ?, ?)");
  delete_readings_ = prepare("DELETE FROM readings WHERE wall_ms < ?");
}

Store::~Store() = default;

bool Store::record(const Origin& origin, const Reading& reading) {
  const std::string id = actor::to_string(origin.id);
  std::int64_t rows = 0;
  Transaction transaction(*this);
  for (const Measure& measure : reading.measures) {
    rows += Binding(*this, insert_reading_)
                .add(id)
                .add(measure.quantity)
                .add(wall_ms(origin.wall_time))
                .add(origin.sender)
                .add(reading.source)
                .add(reading.subject)
                .add(measure.value)
                .add(unit_symbol(measure.unit))
                .run();
  }
  transaction.commit();
  return rows != 0;
}

bool Store::record(const Origin& origin, const Alert& alert) {
  const std::string id = actor::to_string(origin.id);
  return Binding(*this, insert_alert_)
             .add(id)
             .add(wall_ms(origin.wall_time))
             .add(origin.sender)
             .add(alert.state == AlertState::Raised ? "raised" : "cleared")
             .add(alert.source)
             .add(alert.subject)
             .add(alert.measure.quantity)
             .add(alert.measure.value)
             .add(alert.limit)
             .add(unit_symbol(alert.measure.unit))
             .run() != 0;
}

bool Store::record(const Origin& origin, const Note& note) {
  const std::string id = actor::to_string(origin.id);
  return Binding(*this, insert_note_)
             .add(id)
             .add(wall_ms(origin.wall_time))
             .add(origin.sender)
             .add(note.source)
             .add(note.text)
             .run() != 0;
}

void Store::sync() {
  const int result = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  // Somebody else is at it, or reads: the next sync goes on from there.
  if (result != SQLITE_OK && result != SQLITE_BUSY) fail("syncing");
}

std::int64_t Store::forget_readings_before(std::chrono::system_clock::time_point oldest) {
  return Binding(*this, delete_readings_).add(wall_ms(oldest)).run();
}

Store::Statement Store::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    fail(std::string("preparing \"") + sql + "\" for");
  }
  return Statement(statement);
}

void Store::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail("setting up");
}

void Store::fail(const std::string& doing) const {
  throw actor::Error(actor::ErrorCode::Io,
                     doing + " the database " + file_.string() + ": " +
                         (database_ ? sqlite3_errmsg(database_.get()) : "out of memory") +
                         "; check that its directory exists, is writable and has room (STATION_DB names the file)",
                     database_ ? sqlite3_system_errno(database_.get()) : 0);
}

}  // namespace station
