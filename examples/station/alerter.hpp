#pragma once

// Readings in, alerts out. STATION_THRESHOLDS says when, as in thresholds.hpp. What is raised is kept in memory: after
// a restart it says so in a note, and raises again what still holds.

#include <actor/actor.hpp>

#include "events.hpp"
#include "thresholds.hpp"

namespace station {

class Alerter : public actor::Actor<StationEvent> {
 public:
  void on_start() override;
  void handle_event(const actor::Envelope<StationEvent>& envelope) override;

 private:
  ThresholdWatch watch_{{}};
};

}  // namespace station
