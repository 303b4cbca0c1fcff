// What is kept of an actor's deaths, for `actorctl why`.

#include <ctime>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

std::int64_t wall_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// What became of it, as its state says now.
std::string what_followed(const ActorEntry& entry) {
  if (entry.has_process()) return "a spare process took its place at once";
  switch (entry.life) {
    case Life::Spawning:
      return "started again at once";
    case Life::Backoff: {
      const auto wait = std::chrono::ceil<std::chrono::milliseconds>(entry.due_at - Loop::Clock::now());
      return "starts again after " + std::to_string(std::max<std::int64_t>(wait.count(), 0)) + " ms";
    }
    case Life::Waiting:
      return "starts again when its group and what it depends on let it";
    case Life::Quarantined:
      return "quarantined: its restarts are used up";
    case Life::Refused:
      return "not started again: it would be refused again";
    default:
      return "not started again";
  }
}

}  // namespace

/// What is known of a life while it is known. REQUIRES: its end is confirmed, and what it printed has been read.
Death Brain::report_of(const ActorEntry& entry, const supervision::Exit& exit, bool had_event) const {
  Death death;
  death.wall_ns = wall_ns();
  death.reason = to_string(exit);
  death.incarnation = entry.incarnation;
  death.pid = entry.pid;
  death.uptime_ns = std::chrono::nanoseconds(Loop::Clock::now() - entry.spawned_at).count();
  death.last_words = entry.last_words;
  if (had_event) {
    const InFlight& flight = entry.in_flight;
    const Route* route = table_.find(flight.route);
    const Topic* topic = topics_.at(flight.topic);
    death.had_event = true;
    death.in_hand.type = types_.name_of(flight.type);
    if (topic) death.in_hand.topic = topic->name;
    if (route) {
      death.in_hand.sender = table_.name_of(route->publisher);
      const auto publisher = entries_.find(route->publisher);
      if (publisher != entries_.end())
        death.in_hand.event = actor::to_string(EventId{publisher->second->key, flight.event_counter});
    }
    death.in_hand.attempt = flight.attempt;
  }
  for (const KeptLine& line : output_.kept().last_of(entry.process_name(), entry.pid, DeathLog::max_lines))
    death.last_lines.push_back({line.wall_ns, line.stream == OutputStream::Err, line.text});
  return death;
}

/// Its fate is decided.
void Brain::note_death(ActorEntry& entry, Death death) {
  death.then = what_followed(entry);
  entry.deaths.add(std::move(death));
}

}  // namespace actor::broker
