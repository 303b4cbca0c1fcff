#include "recorder.hpp"

#include <algorithm>

#include "settings.hpp"

namespace station {

void Recorder::on_start() {
  using namespace std::chrono_literals;
  keep_ = duration_setting("STATION_KEEP", 7 * 24h);
  const auto sync_period = duration_setting("STATION_SYNC_PERIOD", 5s);
  store_.emplace(text_setting("STATION_DB", "station.db"));
  ctx().every(sync_period, [this] { sync(); });
}

void Recorder::handle_event(const actor::Envelope<StationEvent>& envelope) {
  const Origin origin{envelope.id(), std::string(envelope.sender().name()), envelope.meta().wall_time};
  newest_ = std::max(newest_, origin.wall_time);
  if (const auto* reading = envelope.get_if<Reading>()) {
    changed_ |= store_->record(origin, *reading);
  } else if (const auto* alert = envelope.get_if<Alert>()) {
    changed_ |= store_->record(origin, *alert);
  } else if (const auto* note = envelope.get_if<Note>()) {
    changed_ |= store_->record(origin, *note);
  }
}

void Recorder::on_shutdown() {
  sync();
  store_.reset();
}

void Recorder::sync() {
  if (!changed_) return;
  store_->forget_readings_before(newest_ - keep_);
  store_->sync();
  changed_ = false;
}

}  // namespace station
