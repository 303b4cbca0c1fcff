#pragma once
// What a supervisor needs of an in-process transport: a port for each of its actors. Implemented by transports/inproc.

#include <actor/after_death.hpp>
#include <actor/dead_letter.hpp>
#include <actor/monitor.hpp>
#include <actor/signal.hpp>
#include <actor/subscribe.hpp>
#include <actor/transport.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <supervision/wait_graph.hpp>
#include <vector>

namespace actor {

/// What a test wants to happen to one copy of an event.
struct Disturbance {
  enum class Kind : std::uint8_t { None, Drop, Delay, Duplicate } kind = Kind::None;
  std::chrono::nanoseconds delay{};
};

/// A port whose actor can be made anew.
class HubPort : public Port {
 public:
  /// The actor has failed and starts over with the same mailbox: the event in hand is handed out again, marked
  /// redelivered; what its handler sends repeats the ids of the attempt before, marked maybe_duplicate.
  /// The rules may give up that event, and the queue; events of `overflowed`, a topic, are given up in any case.
  virtual void restart(const AfterDeath& rules, std::string_view overflowed) = 0;
  /// The event that was handed out and not handled; all zero when there is none.
  virtual EventId in_hand() const = 0;
  /// Which readers, and on which topics, the outbox waits for; without those that have a deadline.
  virtual std::vector<Wait> waits() const = 0;
  /// How many events may wait in the outbox before send() throws; the hub's own limit until then.
  virtual void set_outbox_limit(std::size_t events) = 0;
  /// No further event is sent to this port; what is queued stays.
  virtual void unsubscribe() = 0;
};

struct HubOptions {
  std::uint64_t runtime_id = 0;  ///< makes the ids of this runtime's events differ from those of all others
  std::size_t topic_capacity = 128;
  std::size_t outbox_limit = 1024;
  std::function<std::int64_t()> clock;  ///< monotonic ns; called from every actor's thread
  std::optional<std::int64_t> wall_offset_ns;
  /// A Fail topic overflowed: its reader was too slow. On the sender's thread, no lock held.
  std::function<void(ActorId reader, std::string_view topic)> on_overflow;
  /// Events that are given up on; empty: they count as dropped. On any actor's thread.
  std::function<void(DeadLetter)> on_dead_letter;
  Monitors* monitors = nullptr;
  std::function<Disturbance(const Observation&)> disturb;  ///< empty: never
  std::function<void(std::chrono::nanoseconds, std::function<void()>)> later;
};

class Hub {
 public:
  virtual ~Hub() = default;
  /// A port that is sent the events of `topics` from now on, until it is destroyed, and that is woken through
  /// `signal`. `capacity`: events that wait per topic and sender; 0: the hub's own. Any thread.
  virtual std::unique_ptr<HubPort> attach(ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
                                          std::shared_ptr<Signal> signal, std::size_t capacity) = 0;
  /// Who has sent to which topic so far: (actor, topic), each once. Any thread.
  virtual std::vector<std::pair<ActorId, std::string>> publishers() const = 0;
};

std::unique_ptr<Hub> make_inproc_hub(HubOptions options);

}  // namespace actor
