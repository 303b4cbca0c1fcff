// Actors that hang, or hold each other up: looks at what they say of themselves in shared memory. The deciding is done
// by Watchdog and StallWatch. While somebody is awake it looks from time to time; when all sleep over empty mailboxes
// it parks, and whoever wakes first says so (Awake): an idle runtime is woken by nobody.

#include <algorithm>
#include <csignal>

#include "brain/brain.hpp"
#include "process_state.hpp"

namespace actor::broker {
namespace {

constexpr std::chrono::nanoseconds shortest_interval = std::chrono::milliseconds(1);

bool is_idle(const Look& look) {
  return look.doing == Look::Doing::WaitsForEvents && !look.has_queued;
}

std::string seconds_of(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count()) + " ms";
}

}  // namespace

/// Does anybody want to be looked at, now or later?
bool Brain::looks_for_hangs() const {
  return manifest_.broker.stall_after.count() != 0 || std::any_of(manifest_.actors.begin(), manifest_.actors.end(),
                                                                  [](const auto& actor) { return actor.watchdog; });
}

bool Brain::can_hang(const ActorEntry& entry) const {
  return entry.memory && !entry.has_exited && (entry.life == Life::Ready || entry.life == Life::Draining);
}

std::string Brain::doing_of(const ActorEntry& entry) const {
  if (!can_hang(entry)) return "is " + std::string(to_string(entry.life));
  const InFlight flight = entry.memory->status.in_flight();
  const bool in_hand = flight.route != 0 && exchange_.route_of_reader(entry.index, flight.route) &&
                       exchange_.cursor(flight.route) == flight.sequence;
  if (in_hand) return "has been" + describe_in_hand(flight).substr(std::string_view(" while").size());
  if (entry.memory->status.doing() == Look::Doing::WaitsForEvents) return "sleeps";
  return "is in a step or a callback";
}

SeenActor Brain::seen(const ActorEntry& entry) const {
  SeenActor seen;
  seen.name = entry.name;
  seen.doing = doing_of(entry);
  if (!can_hang(entry)) return seen;
  const StatusView& status = entry.memory->status;
  seen.look = {status.doing(), status.progress(), exchange_.queued(entry.index) != 0};
  if (seen.look.doing != Look::Doing::WaitsForRoom) return seen;
  const auto [route_id, topic_id] = status.waits_for();
  const Route* route = exchange_.route_of_publisher(entry.index, route_id);
  const Topic* topic = topics_.at(topic_id);
  if (route) seen.reader = table_.name_of(route->reader);
  if (topic) seen.topic = topic->name;
  return seen;
}

/// A look at everybody; what hangs is dealt with, what is stuck is told once.
void Brain::look_for_hangs() {
  const auto now = Loop::Clock::now().time_since_epoch();
  std::vector<SeenActor> actors;
  all_idle_ = true;
  for (auto& [index, entry] : entries_) {
    actors.push_back(seen(*entry));
    if (!can_hang(*entry)) {
      watchdog_.forget(index);
      watched_lives_.erase(index);
      continue;
    }
    all_idle_ = all_idle_ && is_idle(actors.back().look);
    if (entry->section && entry->section->watchdog) guard(*entry, actors.back().look, now);
  }
  stalls_.tell_after(manifest_.broker.stall_after);  // a reload may have changed it
  for (const Stall& stall : stalls_.look(actors, now)) {
    log_.warn(
        "stall", stall.actors.front(),
        stall.text + (stall.circle ? "; give one of these topics a block_deadline or another overflow policy, or a "
                                     "larger capacity"
                                   : ""));
  }
}

void Brain::guard(ActorEntry& entry, Look look, std::chrono::nanoseconds now) {
  const auto [life, is_new] = watched_lives_.try_emplace(entry.index, entry.incarnation);
  if (is_new || life->second != entry.incarnation) {
    life->second = entry.incarnation;
    watchdog_.watch(entry.index, {*entry.section->watchdog, entry.section->abort_grace});
  }
  if (const auto state = look.has_work() ? process_state(entry.pid) : std::nullopt) {
    if (state->is_stopped_or_traced()) return watchdog_.excuse(entry.index);  // nobody may hold that against it
    if (state->is_runnable()) look.processor = state->processor;
  }
  const auto verdict = watchdog_.look(entry.index, look, now);
  if (verdict.action == Watchdog::Action::None) return;
  if (verdict.action == Watchdog::Action::Kill) {
    log_.error("watchdog", entry.name, "has not ended after SIGABRT and is killed");
    return kill_late(entry, &supervision::Circumstances::hung);
  }
  log_.error("watchdog", entry.name,
             "hangs: it has made no progress for " + seconds_of(verdict.stuck_for) + " and " + doing_of(entry) +
                 "; it is aborted (SIGABRT), and killed after " + seconds_of(entry.section->abort_grace));
  entry.circumstances.hung = true;
  kill(entry, SIGABRT, false);
}

/// Of those that it knows, and of those that it has not seen yet.
std::chrono::nanoseconds Brain::watchdog_interval() const {
  std::chrono::nanoseconds interval = watchdog_.interval().value_or(std::chrono::hours(1));
  for (const ActorSection& actor : manifest_.actors) {
    if (actor.watchdog) interval = std::min(interval, std::max(*actor.watchdog / 4, shortest_interval));
  }
  return interval;
}

/// Somebody is awake, or may be: looks now and again until all sleep.
void Brain::keep_looking() {
  if (!looks_for_hangs() || look_timer_ != 0) return;
  options_.epochs.park(false);
  std::chrono::nanoseconds interval = watchdog_interval();
  const auto stall_after = manifest_.broker.stall_after;
  if (stall_after.count() != 0) interval = std::min(interval, std::max(stall_after / 2, shortest_interval));
  look_timer_ = loop_.after(interval, [this] {
    look_timer_ = 0;
    look_for_hangs();
    park_or_keep_looking();
  });
}

/// SUBTLE: first it says that it does not look any more, then it looks: who has woken in between is either seen awake
/// or has seen the word. PAIRS: ShmPort::end_wait.
void Brain::park_or_keep_looking() {
  if (!all_idle_) return keep_looking();
  options_.epochs.park(true);
  look_for_hangs();
  if (!all_idle_) keep_looking();
}

void Brain::on_message(ActorEntry&, const control::Awake&) {
  keep_looking();
}

}  // namespace actor::broker
