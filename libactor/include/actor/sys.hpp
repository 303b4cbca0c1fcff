#pragma once
// What the runtime itself tells: the lives and deaths of actors, on the system topic "$sys/actor". Plain events: put
// those that you want into your event variant, subscribe to the topic by name ("*" does not include it), handle them
// like any other. Only the runtime publishes them; its sender's name is "$sys". They never make anybody wait: a
// subscriber that does not keep up misses the oldest. Down comes before the next life of that actor is Ready.
//
//   using Events = std::variant<Reading, actor::sys::Down>;
//   supervisor.add_actor<Watcher>("watcher",
//   actor::Subscribe::to(StationTopic::Reading).and_named({actor::sys::topic})); # manifest: subscribes =
//   ["StationTopic.Reading", "$sys/actor"]

#include <actor/id.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace actor {
namespace sys {

inline constexpr std::string_view topic = "$sys/actor";

/// A life begins: its process runs, or its object is made.
struct Up {
  std::string actor;
  std::uint32_t incarnation = 0;  ///< 1, 2, ... in the order of its lives
};

/// Its on_start() has returned and its subscriptions are in place.
struct Ready {
  std::string actor;
  std::uint32_t incarnation = 0;
};

/// A life has ended.
struct Down {
  std::string actor;
  std::uint32_t incarnation = 0;
  std::string reason;        ///< "clean", "error(3)", "signal(SIGSEGV)", "start_timeout", ...
  std::int32_t code = 0;     ///< the exit status, or the signal's number
  EventId last_event;        ///< the one that it had in hand; all zero when it had none
  bool comes_back = false;   ///< it is to be started again
  std::string last_message;  ///< what an exception, or its last words, said
};

/// Its restarts are used up: it stays away until somebody, or its group, starts it again.
struct Quarantined {
  std::string actor;
  std::uint32_t incarnation = 0;  ///< its last life
};

}  // namespace sys

namespace detail {
/// Is it one of the runtime's own events? It has a topic of its own, whatever the topics of its variant are.
template <class T>
inline constexpr bool is_sys_event = std::is_same_v<T, sys::Up> || std::is_same_v<T, sys::Ready> ||
                                     std::is_same_v<T, sys::Down> || std::is_same_v<T, sys::Quarantined>;
}  // namespace detail
}  // namespace actor
