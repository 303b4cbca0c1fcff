#pragma once
// The broker's read-only look into an actor's status segment: counters, cursors, the event in hand. Everything in it
// was written by the actor, so it is copied first and believed only where a lie harms nobody but the liar. One thread.

#include <cstdint>
#include <optional>
#include <shm/latch.hpp>
#include <shm/layout.hpp>
#include <shm/segment.hpp>
#include <string>
#include <utility>
#include <vector>

#include "session/fd_safe.hpp"
#include "supervision/watchdog.hpp"

namespace actor::broker {

struct Totals {
  std::uint64_t published = 0;
  std::uint64_t sent = 0;
  std::uint64_t dropped = 0;
  std::uint64_t received = 0;
  std::uint64_t handled = 0;
  std::uint64_t skipped = 0;

  friend Totals operator+(const Totals& a, const Totals& b) {
    return {a.published + b.published, a.sent + b.sent,       a.dropped + b.dropped,
            a.received + b.received,   a.handled + b.handled, a.skipped + b.skipped};
  }
};

/// The event that was handed out last; route 0 = none. It is in hand while its sequence is the route's done.
struct InFlight {
  std::uint32_t route = 0;
  std::uint64_t sequence = 0;
  std::uint32_t attempt = 0;
  std::uint64_t first_output = 0;
  std::uint64_t outputs_end = 0;
  std::uint64_t event_counter = 0;
  std::uint16_t type = 0;
  std::uint16_t topic = 0;
};

class StatusView {
 public:
  /// Takes the segment that came with Hello. nullopt with `error` set when it is not a sealed status segment of `pid`.
  static std::optional<StatusView> open(Kept fd, std::string& error);

  const Kept& fd() const { return fd_; }
  Totals totals() const;
  InFlight in_flight() const;
  /// Number of the dead letter that it has in hand; 0 = none.
  std::uint64_t letter_in_hand() const;
  std::uint64_t done(std::uint32_t cursor_index) const;
  std::uint64_t staged() const;
  std::uint64_t counter_limit() const;
  /// How many events took less than so many nanoseconds, and more than the one before; only where there are any.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> handling_ns() const;
  shm::State state() const;
  /// For the watchdog: what it does, and a number that changes with whatever it does.
  Look::Doing doing() const;
  std::uint64_t progress() const;
  /// While it waits for room: the route and the topic that are full; 0: not known.
  std::pair<std::uint32_t, std::uint16_t> waits_for() const;
  /// Of which topics it has a last value.
  std::vector<std::uint16_t> latched_topics() const { return shm::latched_topics(status()); }
  /// Has it events that wait for room?
  bool has_outbox() const;

 private:
  const shm::Status& status() const { return *reinterpret_cast<const shm::Status*>(segment_.data()); }

  Kept fd_;
  shm::PeerSegment segment_;
};

}  // namespace actor::broker
