#pragma once
// What travels with every event besides its payload. A value; any thread.

#include <actor/id.hpp>
#include <chrono>
#include <iosfwd>
#include <string>

namespace actor {

struct Meta {
  EventId id;
  EventId parent;  ///< the event this one was sent in answer to; all zero when there is none
  ActorId sender;
  std::chrono::system_clock::time_point wall_time;       ///< for people: may jump when the clock is set
  std::chrono::steady_clock::time_point monotonic_time;  ///< for measuring: comparable between processes of one machine
  bool redelivered = false;      ///< an earlier incarnation of the reader had this event in hand when it died
  bool maybe_duplicate = false;  ///< sent while handling a redelivered event: the first attempt may have sent it too
  std::uint32_t attempt = 1;     ///< how many times a handler was given this event, this time included
  bool latched = false;          ///< the topic's last event, handed to a reader that came later

  friend bool operator==(const Meta&, const Meta&) = default;
};

/// "7f..:12 from cpu in answer to 3c..:7 (redelivered, attempt 2)": the clock is left to who wants it.
std::string to_text(const Meta& meta);
std::ostream& operator<<(std::ostream& out, const Meta& meta);

namespace detail {
void append_meta(std::string& out, const Meta& meta, std::string_view topic);
}

}  // namespace actor
