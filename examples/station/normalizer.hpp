#pragma once

// Raw counters in, readings out. After a restart it has forgotten the samples before: rates begin again with the second
// one.

#include <actor/actor.hpp>

#include "conversion.hpp"
#include "events.hpp"

namespace station {

class Normalizer : public actor::Actor<StationEvent> {
 public:
  void handle_event(const actor::Envelope<StationEvent>& envelope) override;

 private:
  Conversion conversion_;
};

}  // namespace station
