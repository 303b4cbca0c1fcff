#pragma once
// What carries the payloads of some topics instead of the shm transport's own memory, such as iceoryx. The rings keep
// order, room, wake-ups and accounting; a slot of a carried event holds a ticket, and the carrier has the payload to
// it. What the carrier cannot take (no memory, a reader that is not there) goes through shared memory like any other
// event: so it may refuse at any time, and loses nothing but what a dead reader had not taken.
//
// One per port, made by load_carrier() in an actor's process; the actor's thread. Nothing here throws: a carrier lives
// in a module of its own.

#include <actor/id.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace actor {

struct CarriedTopic {
  std::uint16_t wire;  // the broker's number
  std::string name;
  std::uint32_t capacity;    // events per sender and reader
  std::uint64_t most_bytes;  // of one payload
  bool drops_oldest;         // else nobody who publishes on it drops anything
  bool may_publish;
  bool reads;  // what programs outside of the broker send on it is wanted
};

/// What a payload says of itself beside the slot: for readers outside.
struct CarriedEvent {
  EventId id;
  EventId parent;
  std::uint64_t type_hash;
  std::int64_t monotonic_ns;
};

/// An event from a program outside of the broker.
struct OutsideEvent {
  std::span<const std::byte> payload;
  EventId id;
  std::uint16_t topic;      // wire
  std::uint64_t type_hash;  // 0: it does not say
};

class Carrier {
 public:
  virtual ~Carrier() = default;

  /// Before the topic is first used. May be called again.
  virtual void open(const CarriedTopic& topic) = 0;

  // Sending: at most one loan is out at a time -----------------------------------------------------------------------

  /// Is somebody listening, here or outside?
  virtual bool has_listeners(std::uint16_t topic) = 0;
  /// Memory for one payload, aligned to 64 bytes. Null: there is none, or it is larger than `most_bytes`.
  virtual std::byte* loan(std::uint16_t topic, std::uint64_t bytes) = 0;
  virtual void unloan() = 0;
  /// Sends what was loaned last. The ticket is never 0 and grows with each event of a topic, through all lives.
  virtual std::uint64_t publish(const CarriedEvent& event) = 0;

  // Receiving: at most one payload is out at a time ------------------------------------------------------------------

  /// When it returns, all that `sender` publishes on the topic from then on is kept here. May be called again.
  virtual void listen(std::uint16_t topic, std::uint64_t sender_key, const std::string& sender) = 0;
  virtual void forget(std::uint16_t topic, std::uint64_t sender_key) = 0;
  /// The payload to a ticket, valid until let_go(). With data() == null it is gone. Tickets are taken in their order.
  virtual std::span<const std::byte> take(std::uint16_t topic, std::uint64_t sender_key, std::uint64_t ticket) = 0;
  virtual void let_go() = 0;

  // From outside -----------------------------------------------------------------------------------------------------

  virtual bool has_outside() = 0;
  /// The next one; valid until let_go().
  virtual bool next_outside(OutsideEvent& out) = 0;
  /// An eventfd that is written when has_outside() may have become true; -1: never.
  virtual int outside_bell() const = 0;
};

struct CarrierOptions {
  std::string module;   // the path of the shared library that has it
  std::string service;  // under which this broker's topics are found by others
  std::string runtime;  // this process's name at the carrier
  std::string actor;
  std::uint32_t incarnation;
};

/// Throws Error(Io) when the module cannot be loaded, Error(Refused) when it refuses.
std::unique_ptr<Carrier> load_carrier(const CarrierOptions& options);

/// What a module exports, under the name carrier_entry. Null with `error` set: why there is none.
using CarrierEntry = Carrier* (*)(const CarrierOptions& options, std::string& error);
inline constexpr const char* carrier_entry = "libactor_carrier_1";

}  // namespace actor
