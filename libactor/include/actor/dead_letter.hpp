#pragma once
// An event that was given up on, as a supervisor keeps it: see Supervisor::dead_letters(). A value, any thread: it
// shares the event. (A broker keeps its dead letters on disk: docs/dead-letters.md.)

#include <actor/event.hpp>
#include <actor/meta.hpp>
#include <cstdint>
#include <iosfwd>
#include <memory>
#include <string>

namespace actor {

enum class DeadLetterReason : std::uint8_t {
  Poison,    ///< in hand at too many deaths of its reader (AfterDeath::poison_after)
  InHand,    ///< in hand at its reader's death, and that one wants each event at most once
  Restart,   ///< queued when its reader was started anew (MailboxOnRestart::DeadLetter)
  Overflow,  ///< its reader did not keep up with a topic whose policy is Fail
  NoReader,  ///< queued when its reader was stopped, removed or given up on
};
/// "poison", "in hand", "restart", "overflow", "no reader".
std::string_view to_string(DeadLetterReason reason);

struct DeadLetter {
  const EventType* type = nullptr;
  std::shared_ptr<const void> event;  ///< of that type
  Meta meta;                          ///< `attempt`: how often its reader had it in hand; 0: never
  std::string topic;
  ActorId reader;
  DeadLetterReason reason = DeadLetterReason::NoReader;

  /// The event if it is a T, else null.
  template <class T>
  const T* get_if() const {
    return type && type->hash == event_type<T>().hash ? static_cast<const T*>(event.get()) : nullptr;
  }
};

/// "Job{number=7} 7f..:12 from clerk on ShopTopic.Jobs, given up by printer: poison, attempts: 3"
std::string to_text(const DeadLetter& letter);
std::ostream& operator<<(std::ostream& out, const DeadLetter& letter);

}  // namespace actor
