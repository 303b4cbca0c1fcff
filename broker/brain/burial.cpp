// Events that are given up on become dead letters: what was in hand at too many deaths, what waits for a reader that
// does not come back.

#include <actor/error.hpp>
#include <algorithm>
#include <chrono>

#include "brain/brain.hpp"

namespace actor::broker {

/// Null, and said once, when there is no place for them.
DeadLetterStore* Brain::dead_letters() {
  if (dead_letters_ || dead_letters_failed_) return dead_letters_.get();
  try {
    dead_letters_ = std::make_unique<DeadLetterStore>(options_.state_dir / "dead-letters",
                                                      manifest_.broker.dead_letter_bytes, state_.unsettled_letter);
  } catch (const Error& error) {
    dead_letters_failed_ = true;
    log_.error("dead_letters", "",
               std::string("events that are given up on are dropped, because there is no place for them: ") +
                   error.what() + "; choose another state_dir under [broker]");
  }
  return dead_letters_.get();
}

/// False when it could not be kept: then it counts as dropped.
bool Brain::bury(const Route& route, const QueuedEvent& event, const std::string& reason, std::uint32_t attempts) {
  DeadLetterStore* store = dead_letters();
  if (!store) return false;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  DeadLetterRecord letter;
  letter.event = event.id;
  letter.parent = event.parent;
  letter.sender = event.sender;
  letter.reader = table_.name_of(route.reader);
  if (const auto reader = entries_.find(route.reader); reader != entries_.end()) letter.reader = reader->second->name;
  if (const Topic* topic = topics_.at(event.topic)) letter.topic = topic->name;
  if (const TypeRegistry::Type* type = types_.at(event.type)) {
    letter.type = type->name;
    letter.type_hash = type->hash;
    letter.schema = type->schema;
  }
  letter.monotonic_ns = event.monotonic_ns;
  letter.sent_at_ns = event.sent_at_ns;
  letter.given_up_at_ns = std::chrono::nanoseconds(now).count();
  letter.reason = reason;
  letter.attempts = attempts;
  letter.payload = event.payload;
  try {
    return store->add(std::move(letter)) != 0;
  } catch (const Error& error) {
    log_.error("dead_letters", letter.reader, std::string("an event that is given up on is dropped: ") + error.what());
    return false;
  }
}

/// What is queued when a subscription has ended.
bool Brain::bury_left_over(const Route& route, const QueuedEvent& event) {
  const auto reader = entries_.find(route.reader);
  std::uint32_t attempts = 0;
  if (reader != entries_.end()) {
    const InFlight& flight = reader->second->in_flight;
    if (flight.route == route.id && flight.sequence == event.sequence) attempts = flight.attempt;
  }
  return bury(route, event, attempts > 0 ? "in hand" : "no reader", attempts);
}

/// A death of another actor's doing, with an event in hand, says nothing against the event.
void Brain::count_spared(ActorEntry& entry, bool is_companion) {
  const InFlight& flight = entry.in_flight;
  Spared& spared = entry.spared;
  if (spared.route != flight.route || spared.sequence != flight.sequence) spared = {flight.route, flight.sequence, 0};
  if (is_companion && flight.route != 0) ++spared.deaths;
}

/// The event in hand at a death may be one too many. REQUIRES: the exchange knows of the death.
void Brain::give_up_in_hand(ActorEntry& entry, bool abnormal) {
  const InFlight flight = entry.in_flight;
  if (flight.route == 0) return;
  const AfterDeath rules = entry.section ? entry.section->after_death : AfterDeath{};
  const bool once = rules.delivery == DeliveryMode::AtMostOnce;
  const bool poison = abnormal && rules.poison_after != 0 &&
                      flight.attempt - std::min(flight.attempt, entry.spared.deaths) >= rules.poison_after &&
                      !entry.circumstances.companion_ended;
  if (flight.attempt == 0 || (!once && !poison)) return;
  const char* const reason = once ? "in hand" : "poison";
  const bool taken = exchange_.take_out(flight.route, [&](const Route& route, const QueuedEvent& event) {
    return bury(route, event, reason, flight.attempt);
  });
  if (!taken) return;
  log_.warn("dead_letter", entry.name,
            std::string("an event is given up (") + (once ? "at_most_once" : "poison") + "): it died" +
                describe_in_hand(flight, once ? 0 : rules.poison_after) + "; `actorctl dead-letters list` has it",
            {{"reason", reason}, {"attempts", std::int64_t{flight.attempt}}});
  entry.in_flight = {};
}

/// What it could not keep up with is not for its next life: that would begin too late again. Topics with another policy
/// in the same queue were promised more than that, and come after what is before them: such a queue stays.
/// REQUIRES: as above.
void Brain::give_up_overflowed(ActorEntry& entry) {
  const InFlight flight = entry.in_flight;
  for (const RouteId id : std::exchange(entry.overflowed, {})) {
    const Route* route = table_.find(id);
    const bool all_fail = route && std::all_of(route->topics.begin(), route->topics.end(), [&](const auto& carried) {
                            return topics_.at(carried.topic)->policy == PolicyKind::Fail;
                          });
    if (!all_fail) continue;
    exchange_.empty_route(id, [&](const Route& from, const QueuedEvent& event) {
      const bool in_hand = flight.route == id && flight.sequence == event.sequence;
      return bury(from, event, "overflow", in_hand ? flight.attempt : 0);
    });
    if (flight.route == id) entry.in_flight = {};
  }
}

/// mailbox_on_restart. REQUIRES: as above.
void Brain::give_up_queue(ActorEntry& entry) {
  const AfterDeath rules = entry.section ? entry.section->after_death : AfterDeath{};
  if (rules.mailbox == MailboxOnRestart::Keep) return;
  const InFlight flight = entry.in_flight;
  exchange_.empty_mailbox(entry.index, [&](const Route& route, const QueuedEvent& event) {
    if (rules.mailbox == MailboxOnRestart::Drop) return false;
    const bool in_hand = flight.route == route.id && flight.sequence == event.sequence;
    return bury(route, event, "restart", in_hand ? flight.attempt : 0);
  });
  entry.in_flight = {};
}

}  // namespace actor::broker
