#include "supervision/watchdog.hpp"

#include <algorithm>

namespace actor::broker {
namespace {

constexpr int looks_within_limit = 4;

/// Between two looks counts no more than this: had the broker slept, it would not know what the actor did meanwhile.
Watchdog::Time step_of(const WatchdogRules& rules) {
  return std::max(rules.limit / looks_within_limit, Watchdog::Time(1));
}

}  // namespace

bool Look::has_work() const {
  switch (doing) {
    case Doing::Awake:
      return true;
    case Doing::WaitsForEvents:
      return has_queued;
    case Doing::WaitsForRoom:
      return false;
  }
  return false;
}

void Watchdog::watch(Key actor, const WatchdogRules& rules) {
  watched_[actor] = Watched{.rules = rules, .last = {}, .looked_at = {}, .stuck_for = {}, .aborted_for = {}};
}

void Watchdog::excuse(Key actor) {
  const auto found = watched_.find(actor);
  if (found == watched_.end()) return;
  found->second.last.reset();
  found->second.stuck_for = {};
}

Watchdog::Verdict Watchdog::look(Key actor, const Look& seen, Time now) {
  const auto found = watched_.find(actor);
  if (found == watched_.end()) return {};
  Watched& watched = found->second;
  Time passed = watched.last ? std::clamp(now - watched.looked_at, Time{}, step_of(watched.rules)) : Time{};
  const bool stands_still = watched.last && watched.last->progress == seen.progress &&
                            watched.last->doing == seen.doing && watched.last->has_work() && seen.has_work();
  if (!watched.aborted_for && stands_still && seen.processor && watched.last->processor)
    passed = std::clamp(*seen.processor - *watched.last->processor, Time{}, passed);
  watched.last = seen;
  watched.looked_at = now;
  if (watched.aborted_for) {
    *watched.aborted_for += passed;
    if (*watched.aborted_for < watched.rules.abort_grace) return {};
    return {Action::Kill, watched.stuck_for + *watched.aborted_for};
  }
  watched.stuck_for = stands_still ? watched.stuck_for + passed : Time{};
  if (watched.stuck_for < watched.rules.limit) return {};
  watched.aborted_for = Time{};
  return {Action::Abort, watched.stuck_for};
}

std::optional<Watchdog::Time> Watchdog::interval() const {
  std::optional<Time> shortest;
  for (const auto& [actor, watched] : watched_) {
    Time wanted = step_of(watched.rules);
    if (watched.aborted_for) wanted = std::min(wanted, std::max(watched.rules.abort_grace, Time(1)));
    shortest = std::min(shortest.value_or(wanted), wanted);
  }
  return shortest;
}

bool Watchdog::may_park() const {
  return std::all_of(watched_.begin(), watched_.end(), [](const auto& entry) {
    const Watched& watched = entry.second;
    return watched.last && !watched.aborted_for && watched.last->doing == Look::Doing::WaitsForEvents &&
           !watched.last->has_queued;
  });
}

}  // namespace actor::broker
