// What the service manager is told: ready when every actor has come as far as it will by itself, a line of status
// whenever it changes, and signs of life from the brain's own loop and nowhere else.

#include <algorithm>
#include <functional>
#include <map>

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
  std::string trouble;
  for (const auto& [index, entry] : entries_) {
    ready += entry->life == Life::Ready ? 1 : 0;
    if (entry->life == Life::Quarantined || entry->life == Life::Refused)
      trouble += (trouble.empty() ? "; " : ", ") + entry->name + " " + std::string(to_string(entry->life));
  }
  const std::string status =
      std::to_string(ready) + " of " + std::to_string(entries_.size()) + " actors ready" + trouble;
  if (std::exchange(told_status_, status) != status) options_.service.status(status);
  if (state_.told_ready || anybody_comes()) return;
  state_.told_ready = true;
  options_.service.ready();
}

/// Is anybody still on the way? Who waits for one that is down, and stays down, is not.
bool Brain::anybody_comes() const {
  std::map<std::string_view, const ActorEntry*> by_name;
  for (const auto& [index, entry] : entries_) by_name.emplace(entry->name, entry.get());
  std::map<std::string_view, bool> known;
  const std::function<bool(const ActorEntry&)> comes = [&](const ActorEntry& entry) {
    if (entry.life != Life::Waiting) return entry.life >= Life::Backoff && entry.life <= Life::Starting;
    if (const auto found = known.find(entry.name); found != known.end()) return found->second;
    const auto unmet = tree_->unmet(entry.name);
    const bool all = std::all_of(unmet.begin(), unmet.end(), [&](const std::string& name) {
      const ActorEntry& other = *by_name.at(name);
      return other.has_process() || comes(other);
    });
    return known[entry.name] = all;
  };
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& item) { return comes(*item.second); });
}

}  // namespace actor::broker
