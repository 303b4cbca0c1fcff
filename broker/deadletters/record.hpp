#pragma once
// One dead letter as it stands in a file, and the frames that files are made of. A record explains itself: it holds the
// schema of its event, so that tools print it years later without the program that made it. Pure functions, any thread.
//
//   frame   magic (4) "ADL1"   kind (4)   bytes (4)   crc (4) of kind, bytes and body   body (bytes)
//
// A frame is there when all of it is: whoever is killed while writing one leaves a torn tail, which parse_frame() tells
// from the end of the file and from garbage.

#include <actor/id.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace actor::broker {

struct DeadLetterRecord {
  std::uint64_t id = 0;  // given by the store, from 1, never used again
  EventId event;
  EventId parent;
  std::string sender;
  std::string reader;
  std::string topic;
  std::string type;  // qualified name
  std::uint64_t type_hash = 0;
  std::string schema;
  std::int64_t monotonic_ns = 0;  // when it was sent, by CLOCK_MONOTONIC of that boot
  std::int64_t sent_at_ns = 0;    // system clock, since 1970
  std::int64_t given_up_at_ns = 0;
  std::string reason;
  std::uint32_t attempts = 0;  // how often its reader had it in hand
  std::vector<std::uint8_t> payload;

  friend bool operator==(const DeadLetterRecord&, const DeadLetterRecord&) = default;
};

/// Letters that are no longer kept: discarded, or handled after all.
struct RemovedLetters {
  std::vector<std::uint64_t> ids;
};

/// A letter was in hand once more, and stays.
struct AttemptedLetter {
  std::uint64_t id = 0;
  std::uint32_t attempts = 0;
};

/// Stands first in each file, and wherever it changes: what must not be lost with the files that go.
struct StoreState {
  std::uint64_t next_id = 1;
  std::uint64_t first_file = 1;  // those below are gone
  std::uint64_t given_up = 0;    // letters that went with them
};

using Frame = std::variant<DeadLetterRecord, RemovedLetters, StoreState, AttemptedLetter>;

/// Appends to `out`.
void append_frame(std::vector<std::byte>& out, const Frame& frame);

struct ParsedFrame {
  Frame frame;
  std::size_t bytes;  // of the whole frame
};

/// The frame at the start of `in`; nullopt when there is none that is whole.
std::optional<ParsedFrame> parse_frame(std::span<const std::byte> in);

/// Its event as JSON, by its schema; empty when the schema does not tell (a type with its own serialize()).
std::string payload_json(const DeadLetterRecord& letter);

}  // namespace actor::broker
