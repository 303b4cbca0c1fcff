#include "alerter.hpp"

#include "settings.hpp"

namespace station {
namespace {

constexpr std::string_view default_thresholds =
    "cpu.idle < 5 : 15, memory.used > 90 : 80, disk.used > 90 : 85, thermal.temperature > 80 : 75";

}  // namespace

void Alerter::on_start() {
  watch_ = ThresholdWatch(parse_thresholds(text_setting("STATION_THRESHOLDS", default_thresholds)));
  const std::string count = std::to_string(watch_.thresholds().size());
  ctx().send(Note{"alerter", "watching " + count + " thresholds; whatever was raised before is void"});
}

void Alerter::handle_event(const actor::Envelope<StationEvent>& envelope) {
  const auto* reading = envelope.get_if<Reading>();
  if (!reading) return;
  for (const Alert& alert : watch_.check(*reading)) ctx().send_child_event(alert, envelope.id());
}

}  // namespace station
