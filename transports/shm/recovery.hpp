#pragma once
// What a dead publisher left: the one place that decides how far its rings go. Called by the broker alone, after the
// exit was confirmed (its pidfd is readable), so nothing changes any more. Any thread; nothing in the memory is
// trusted.

#include <cstdint>
#include <optional>
#include <shm/ring.hpp>
#include <string>

namespace actor::shm {

struct Ending {
  std::uint64_t final_head = 0;  ///< one past the last event in the ring
  bool from_record = false;      ///< the event `final_head` itself is in the fan-out record: its push was still to come
};

/// The end of one route of a dead publisher. `reader_cursor` is the reader's `done`, or the ring's base when there
/// never was one. The head word may lag behind the slots by a burst, so slots are followed from max(head, cursor) on
/// for as long as they carry their own number, one capacity at most; in a ring that overwrites the newest slot counts.
/// nullopt with `error` set when the publisher's status cannot be mapped.
std::optional<Ending> final_head(const RingView& ring, int publisher_status_fd, std::uint32_t route,
                                 std::uint64_t reader_cursor, std::string& error);

}  // namespace actor::shm
