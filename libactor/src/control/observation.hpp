#pragma once
// What an observed actor and a tool say to each other, over a socket pair that the broker has given them (Observe and
// Observed in messages.hpp). Packets as there; no descriptors. The actor never waits for the tool: what the socket does
// not take is queued up to a limit, and from there on counted and told as Lost.
//
// `at_ns` is CLOCK_MONOTONIC when the packet was made: a tool that observes several actors puts their packets in order
// by it.

#include <actor/id.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace actor::control {

/// Of an event's payload no more than this travels here.
inline constexpr std::size_t max_seen_payload_bytes = 100 * 1024;

// ---- actor → tool ----

/// Answer to Observe: whatever the actor does from now on is seen.
struct Watching {
  std::int64_t at_ns;
};

enum class SeenAs : std::uint8_t { Dispatched, Delivered, Handled, Overflow };

struct SeenEvent {
  std::int64_t at_ns;
  SeenAs as;
  EventId id;
  EventId parent;
  std::string sender;
  std::string receiver;
  std::string topic;
  std::string type;
  std::uint64_t type_hash;
  std::int64_t sent_ns;       // CLOCK_MONOTONIC
  std::int64_t sent_wall_ns;  // since 1970
  bool redelivered;
  bool maybe_duplicate;
  bool latched;
  std::uint32_t attempt;
  std::uint8_t policy;  // of Overflow: OverflowPolicy::Kind
  std::int64_t deadline_ns;
  std::uint64_t payload_bytes;     // of all of it
  std::vector<std::byte> payload;  // its wire form, or the beginning of it; none in Handled
};

/// A handler, a step or a callback threw.
struct SeenError {
  std::int64_t at_ns;
  std::uint32_t code;  // ErrorCode
  std::string what;
};

/// So many packets found no room.
struct Lost {
  std::int64_t at_ns;
  std::uint64_t packets;
};

/// The tool is slow to read: from here on the socket may take no more, and what the actor would say is lost should it
/// be killed. Or: that is over.
struct Backlog {
  std::int64_t at_ns;
  bool begins;
};

/// Answers to SendAs.
struct Sent {
  std::int64_t at_ns;
  std::uint64_t request;
  EventId id;
};
struct NotSent {
  std::int64_t at_ns;
  std::uint64_t request;
  std::uint32_t code;  // ErrorCode
  std::string why;
};

using ToTool = std::variant<Watching, SeenEvent, SeenError, Lost, Backlog, Sent, NotSent>;

// ---- tool → actor ----

/// Send this as your own. Answered by Sent or NotSent, once the actor runs and is between two events.
struct SendAs {
  std::uint64_t request;  // any number of the tool's
  std::string topic;
  std::uint8_t policy;  // OverflowPolicy::Kind
  std::int64_t deadline_ns;
  std::string type;
  std::uint64_t type_hash;
  EventId parent;
  std::vector<std::byte> payload;
};

using ToObserved = std::variant<SendAs>;

}  // namespace actor::control
