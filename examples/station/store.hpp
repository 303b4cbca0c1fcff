#pragma once

// The recorder's SQLite file: readings, alerts and notes. Owned by one actor, used on its thread; other programs may
// read the file meanwhile (sqlite3 station.db "select * from alerts").
//
// Each record is one transaction, committed when record() returns: the recorder's handler returns only then, and what
// its process dies in the middle of is delivered again. A commit appends to the write-ahead log and does not wait for
// the disk, so it survives the death of the process, not that of the machine: sync() bounds what a power cut may cost.

#include <actor/id.hpp>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "events.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace station {

/// What a row says of the event that it was made from. The id makes recording twice the same as recording once.
struct Origin {
  actor::EventId id;
  std::string sender;
  std::chrono::system_clock::time_point wall_time;
};

/// Every function throws actor::Error(Io) with SQLite's message: the file cannot be opened, the disk is full.
class Store {
 public:
  /// Opens or creates the file. Its directory must exist.
  explicit Store(const std::filesystem::path& file);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// False when the event was recorded before: nothing changed.
  bool record(const Origin& origin, const Reading& reading);
  bool record(const Origin& origin, const Alert& alert);
  bool record(const Origin& origin, const Note& note);

  /// Waits until all that was recorded is on the disk.
  void sync();
  /// Deletes readings older than `oldest` (alerts and notes are few, and stay). Returns how many rows went.
  std::int64_t forget_readings_before(std::chrono::system_clock::time_point oldest);

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;
  class Binding;
  class Transaction;

  Statement prepare(const char* sql);
  void execute(const char* sql);
  [[noreturn]] void fail(const std::string& doing) const;

  std::filesystem::path file_;
  std::unique_ptr<sqlite3, CloseDatabase> database_;  // declared before the statements: closed after them
  Statement begin_, commit_, rollback_;
  Statement insert_reading_, insert_alert_, insert_note_, delete_readings_;
};

}  // namespace station
