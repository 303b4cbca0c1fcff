#pragma once
// The transport contract: how one actor's events travel. An actor owns one Port; a transport (inproc, shm, ...)
// implements it; the conformance suite in tests/conformance/ runs the same tests over every implementation.
// Users do not call this; they call Context.
//
// What every Port promises
//   Order       FIFO per (sender, reader), across topics. DropOldest topics: FIFO within the topic only.
//   Fan-out     an event reaches all its topic's readers or none, but for the copies that an overflow policy drops and
//               counts. It is never delivered to its own sender.
//   Waiting     send() never waits. What finds no room on a Block topic is staged; while has_staged() the owner handles
//               no further event and takes no step, and calls push_staged() when woken.
//   Isolation   a full topic uses up no other topic's room and delays no other sender.
//   Delivery    next() hands out the oldest unhandled event of some sender; handled() acknowledges it. An event that
//               was handed out and not acknowledged is handed out again to the reader's next incarnation.
//   Latched     a reader that comes, or is made anew, is first handed the last event of each latched topic from each
//               sender, flagged, outside the accounting; a dead sender's until its successor's first.
//   Accounting  per (event, reader), at rest: sent = handled + skipped + dropped + dead-lettered + queued.
//   Views       a Delivery's pointers are valid until handled(); retain() keeps the payload longer.
//   Threads     a Port belongs to its actor's thread. Nothing here is thread-safe unless it says so.

#include <actor/event.hpp>
#include <actor/id.hpp>
#include <actor/meta.hpp>
#include <actor/topic.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace actor {

/// One received event, as the transport hands it out.
struct Delivery {
  static constexpr std::uint16_t unknown_type = 0xffff;
  enum Flag : std::uint8_t { redelivered = 1, maybe_duplicate = 2, latched = 4 };

  const void* object = nullptr;        ///< the event itself when it can be read in place; null: decode `payload`
  std::span<const std::byte> payload;  ///< its wire form; empty in-process
  EventId id;
  EventId parent;
  ActorId sender;
  std::int64_t monotonic_ns = 0;      ///< CLOCK_MONOTONIC
  std::int64_t wall_offset_ns = 0;    ///< system clock = monotonic_ns + this
  std::uint16_t type = unknown_type;  ///< index into the reader's own event set
  std::uint16_t topic = 0;            ///< handle of the port's open_topic(), or the transport's own: see topic_name()
  std::uint8_t flags = 0;
  std::uint32_t attempt = 1;
  std::uint32_t route = 0;     ///< the transport's own: which queue it came from
  std::uint64_t sequence = 0;  ///< the transport's own: its number in that queue
};

/// What a Delivery says of its event.
inline Meta meta_of(const Delivery& delivery) {
  using namespace std::chrono;
  const nanoseconds monotonic(delivery.monotonic_ns);
  const nanoseconds wall(delivery.monotonic_ns + delivery.wall_offset_ns);
  return {delivery.id,
          delivery.parent,
          delivery.sender,
          system_clock::time_point(duration_cast<system_clock::duration>(wall)),
          steady_clock::time_point(duration_cast<steady_clock::duration>(monotonic)),
          (delivery.flags & Delivery::redelivered) != 0,
          (delivery.flags & Delivery::maybe_duplicate) != 0,
          delivery.attempt,
          (delivery.flags & Delivery::latched) != 0};
}

/// One event on its way out.
struct Outgoing {
  const EventType* type = nullptr;
  const void* event = nullptr;  ///< a live event of that type, or what loan() returned
  std::uint16_t topic = 0;      ///< from open_topic()
  EventId parent;
  /// A prebuilt envelope's: its sender is kept, and its id unless that is zero. Only for ports that keep_senders().
  const Meta* prebuilt = nullptr;
};

/// Totals of one port, exact whenever its actor is at rest. `sent` and `dropped` count (event, reader) pairs.
struct PortCounters {
  std::uint64_t published = 0;  ///< events given to send() and committed, whatever the number of readers
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;   ///< by policy: by the sender (Drop, Fail, late) and by the reader (gaps of DropOldest)
  std::uint64_t received = 0;  ///< handed out by next()
  std::uint64_t handled = 0;
  std::uint64_t skipped = 0;        ///< events of a type this reader does not know
  std::uint64_t staged = 0;         ///< waiting in the outbox right now
  std::uint64_t dead_lettered = 0;  ///< given up on and kept elsewhere, where the transport does that itself
};

/// A payload that outlives its Delivery.
using Retained = std::shared_ptr<const void>;

class Port {
 public:
  virtual ~Port() = default;

  // Sending --------------------------------------------------------------------------------------------------------

  /// A handle for a topic, stable for the port's life. The same name gives the same handle. `latched`: its last event
  /// is kept for readers to come.
  virtual std::uint16_t open_topic(std::string_view name, OverflowPolicy policy, bool latched = false) = 0;
  /// The topic's wire name; for handles from open_topic() and from deliveries.
  virtual std::string_view topic_name(std::uint16_t topic) const = 0;

  /// Sends or stages; never waits. Throws Error: MailboxFull (outbox limit), PayloadTooLarge, TopicNotAllowed.
  virtual EventId send(const Outgoing& out) = 0;
  /// Can it send an event under another sender's name? Not between processes: there the sender follows from the route.
  virtual bool keeps_senders() const { return false; }
  /// Memory for one event of a trivially copyable type, where its readers will see it; to be filled and passed to
  /// send() as `event`, or given back with unloan(). Never null.
  virtual void* loan(const EventType& type) = 0;
  virtual void unloan(const EventType& type, void* loaned) noexcept = 0;
  /// Makes everything sent so far visible to sleeping readers. Called by the runner after each batch.
  virtual void flush() = 0;
  /// Would an event on this topic be staged or dropped now?
  virtual bool is_full(std::uint16_t topic) = 0;
  virtual bool has_staged() const = 0;
  /// Pushes what has room now, in order. Returns true when nothing is staged any more.
  virtual bool push_staged() = 0;

  // Receiving ------------------------------------------------------------------------------------------------------

  /// The next event, round-robin over the senders; false when there is none. At most one is out at a time.
  virtual bool next(Delivery& out) = 0;
  /// The event handed out last was dealt with; `known` is false when its type was skipped.
  virtual void handled(const Delivery& delivery, bool known) = 0;
  /// Keeps the payload of the event handed out last beyond handled(): zero-copy where the transport can, else a copy.
  virtual Retained retain(const Delivery& delivery) = 0;

  // Time and waiting -----------------------------------------------------------------------------------------------

  /// A turn of the runner begins: the clock is read anew for the first event sent in it, and once only. What is sent
  /// from here to the next next() is no output of an event in hand, though that may still wait for handled().
  virtual void new_turn() = 0;
  /// Announces that the owner goes to sleep. False: something arrived meanwhile, do not sleep. After true the owner
  /// sleeps in its Loop, which the port's doorbells wake. Either way end_wait() follows.
  virtual bool prepare_wait() = 0;
  virtual void end_wait() = 0;
  /// Until when staged events with a deadline may wait; nanoseconds of CLOCK_MONOTONIC, or INT64_MAX.
  virtual std::int64_t next_deadline() const = 0;

  virtual PortCounters counters() const = 0;
};

}  // namespace actor
