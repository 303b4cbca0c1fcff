// What the service manager is told: ready when every actor has come as far as it will by itself, a line of status
// whenever it changes, and signs of life from the brain's own loop and nowhere else.

#include "brain/brain.hpp"
#include "service_manager.hpp"

namespace actor::broker {

void Brain::watch_service() {
  if (const auto period = options_.service.heartbeat()) {
    options_.service.alive();
    loop_.every(*period, [this] { options_.service.alive(); });
  }
}

void Brain::tell_service() {
  if (!options_.service.is_there() || state_.stage != Stage::Running) return;
  std::size_t ready = 0;
  std::size_t coming = 0;
  std::string trouble;
  for (const auto& [index, entry] : entries_) {
    ready += entry->life == Life::Ready ? 1 : 0;
    coming += entry->life >= Life::Backoff && entry->life <= Life::Starting ? 1 : 0;
    if (entry->life == Life::Quarantined || entry->life == Life::Refused)
      trouble += (trouble.empty() ? "; " : ", ") + entry->name + " " + std::string(to_string(entry->life));
  }
  const std::string status =
      std::to_string(ready) + " of " + std::to_string(entries_.size()) + " actors ready" + trouble;
  if (std::exchange(told_status_, status) != status) options_.service.status(status);
  if (coming > 0 || std::exchange(state_.told_ready, true)) return;
  options_.service.ready();
}

}  // namespace actor::broker
