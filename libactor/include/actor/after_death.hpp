#pragma once
// What becomes of an actor's events when it dies: the same words for a process under a broker (its manifest) and for an
// object under a supervisor (its ActorConfig). Values: any thread.

#include <cstdint>

namespace actor {

/// What becomes of the event that it had in hand.
enum class DeliveryMode : std::uint8_t {
  AtLeastOnce,  ///< it comes again, marked redelivered, with the number of the attempt
  AtMostOnce,   ///< it is not handed out again: it becomes a dead letter
};

/// What becomes of the events that are queued when it dies and is to be started anew; the one in hand is the first.
enum class MailboxOnRestart : std::uint8_t { Keep, Drop, DeadLetter };

struct AfterDeath {
  DeliveryMode delivery = DeliveryMode::AtLeastOnce;
  /// An event that was in hand at so many deaths becomes a dead letter, and the actor goes on without it. 0: never.
  std::uint32_t poison_after = 3;
  MailboxOnRestart mailbox = MailboxOnRestart::Keep;

  friend bool operator==(const AfterDeath&, const AfterDeath&) = default;
};

}  // namespace actor
