#pragma once

// Keeps readings, alerts and notes in SQLite. At least once plus a key makes exactly once: an event counts as handled
// when handle_event() returns, and by then its rows are committed; an event that is delivered again, because the
// recorder died in between, has the same id, which is the rows' key, and changes nothing. A write that fails stops the
// actor: its successor, or the same actor after the disk has room again, is given the event again.
//   STATION_DB           the file; default station.db in the working directory
//   STATION_SYNC_PERIOD  how often to wait for the disk: what a power cut may cost at most; default 5s
//   STATION_KEEP         how long readings are kept; default 7d

#include <actor/actor.hpp>
#include <optional>

#include "events.hpp"
#include "store.hpp"

namespace station {

class Recorder : public actor::Actor<StationEvent> {
 public:
  void on_start() override;
  void handle_event(const actor::Envelope<StationEvent>& envelope) override;
  void on_shutdown() override;

 private:
  void sync();

  std::optional<Store> store_;
  std::chrono::milliseconds keep_{};
  std::chrono::system_clock::time_point newest_{};  ///< when the newest event was sent: what is old is measured by it
  bool changed_ = false;                            ///< since the last sync: an idle station does not wake the disk
};

}  // namespace station
