// Dead letters that are handed to their readers again, one at a time. A letter leaves the store when its reader has
// said that it is handled; whatever happens before that, it stays.

#include <actor/error.hpp>
#include <algorithm>
#include <cstring>
#include <shm/segment.hpp>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// Of one reader: they are written down in each turn.
constexpr std::size_t max_retries = 4096;
/// A longer event goes in memory of its own.
constexpr std::size_t max_inline_bytes = control::max_packet_bytes / 2;

}  // namespace

/// Why that cannot be; empty: it is under way.
std::string Brain::retry(const DeadLetterRecord& letter) {
  const std::string reader = "'" + letter.reader + "'";
  ActorEntry* entry = find_entry(letter.reader);
  if (state_.stage != Stage::Running) return "the broker is shutting down";
  if (!entry || !entry->is_known()) return "there is no actor " + reader + " any more";
  if (entry->life != Life::Ready || entry->has_exited || !entry->session)
    return reader + " is " + std::string(to_string(entry->life)) + ": start it first";
  const bool under_way = std::any_of(entry->retries.begin(), entry->retries.end(),
                                     [&](const Retry& other) { return other.letter == letter.id; });
  if (under_way) return "dead letter " + std::to_string(letter.id) + " is being retried already";
  if (!entry->subscribes.contains(letter.topic)) return reader + " does not subscribe to " + letter.topic + " any more";
  if (!types_.is_known_to(entry->name, letter.type_hash))
    return "the program of " + reader + " does not know the event type " + letter.type + " " + letter.schema;
  if (entry->retries.size() == max_retries)
    return std::to_string(max_retries) + " letters are under way to " + reader + ": retry the others afterwards";
  entry->retries.push_back({letter.id, 0});
  if (entry->retries.size() == 1) hand_out_letter(*entry);
  return {};
}

/// The next one, if there is one.
void Brain::hand_out_letter(ActorEntry& entry) {
  while (!entry.retries.empty()) {
    try {
      if (send_letter(entry)) return;
    } catch (const Error& error) {
      log_.error("dead_letters", entry.name, std::string("a dead letter cannot be retried: ") + error.what());
    }
    entry.retries.erase(entry.retries.begin());
  }
}

/// False: it was discarded meanwhile. Throws Error(Io).
bool Brain::send_letter(ActorEntry& entry) {
  const DeadLetterStore* store = dead_letters();
  Retry& retry = entry.retries.front();
  auto letter = store ? store->read(retry.letter) : std::nullopt;
  if (!letter) return false;
  retry.attempt = letter->attempts + 1;
  control::Redeliver message{};
  message.letter = letter->id;
  message.id = letter->event;
  message.parent = letter->parent;
  message.sender = letter->sender;
  message.topic = letter->topic;
  message.type_hash = letter->type_hash;
  message.stamp_ns = letter->monotonic_ns;
  message.wall_offset_ns = letter->sent_at_ns - letter->monotonic_ns;
  message.attempt = retry.attempt;
  if (letter->payload.size() <= max_inline_bytes) {
    message.payload = std::move(letter->payload);
    entry.session->send(message);
    return true;
  }
  const auto memory = shm::OwnedSegment::create("actor-dead-letter", letter->payload.size());
  std::memcpy(memory.data(), letter->payload.data(), letter->payload.size());
  message.shared_bytes = letter->payload.size();
  entry.session->send(message, {safe_.keep(duplicate(memory.fd()))});
  return true;
}

void Brain::on_message(ActorEntry& entry, const control::Redelivered& message) {
  if (entry.retries.empty() || entry.retries.front().letter != message.letter) return;
  const std::string letter = "dead letter " + std::to_string(message.letter);
  if (message.handled) {
    log_.info("dead_letter", entry.name, letter + " was retried and is handled");
    state_.handled_letters.push_back(message.letter);
    turn_.when_safe([this] { forget_handled_letters(); });
  } else {
    log_.warn("dead_letter", entry.name, letter + " was retried, but its reader could not read it: it stays");
  }
  entry.retries.erase(entry.retries.begin());
  hand_out_letter(entry);
}

/// REQUIRES: the ledger has them. If we die over it, the next brain does it again.
void Brain::forget_handled_letters() {
  if (state_.handled_letters.empty()) return;
  try {
    if (DeadLetterStore* store = dead_letters()) store->remove(state_.handled_letters);
  } catch (const Error& error) {
    log_.error("dead_letters", "", std::string("a dead letter that is handled cannot be forgotten: ") + error.what());
  }
  state_.handled_letters.clear();
}

/// At its end. What it died over, for the report; empty when that was no dead letter.
std::string Brain::end_retries(ActorEntry& entry) {
  if (entry.retries.empty()) return {};
  const Retry first = entry.retries.front();
  entry.retries.clear();
  if (!entry.memory || entry.memory->status.letter_in_hand() != first.letter) return {};
  try {
    if (DeadLetterStore* store = dead_letters()) store->set_attempts(first.letter, first.attempt);
  } catch (const Error& error) {
    log_.error("dead_letters", entry.name, std::string("an attempt at a dead letter is not counted: ") + error.what());
  }
  return " while handling dead letter " + std::to_string(first.letter) + " again, attempt " +
         std::to_string(first.attempt) + "; it stays a dead letter";
}

}  // namespace actor::broker
