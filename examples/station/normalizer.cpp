#include "normalizer.hpp"

namespace station {

void Normalizer::handle_event(const actor::Envelope<StationEvent>& envelope) {
  envelope.visit(actor::overloaded{
      [](const Reading&) {},
      [](const Alert&) {},
      [](const Note&) {},
      [&](const auto& raw) {
        const std::optional<Reading> reading = conversion_.convert(raw);
        if (reading) ctx().send_child_event(*reading, envelope.id());
      },
  });
}

}  // namespace station
