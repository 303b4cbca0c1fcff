#pragma once

// Prints one line for each reading, alert and note on standard output, with the time at which it was sent.

#include <actor/actor.hpp>

#include "events.hpp"

namespace station {

class Console : public actor::Actor<StationEvent> {
 public:
  void handle_event(const actor::Envelope<StationEvent>& envelope) override;
};

}  // namespace station
