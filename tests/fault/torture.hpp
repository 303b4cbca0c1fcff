#pragma once
// What torture's actors do and where it is written down: a file that the driver owns and every actor maps, so that no
// kill loses the account. Each word has one writer at a time (an actor's incarnations follow one another); the driver
// only reads, but for `stop`.

#include <actor/overflow_policy.hpp>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fault/events.hpp"

namespace torture {

inline constexpr unsigned sources = 2;
inline constexpr unsigned sinks = 2;
/// Who reads what a source sends: the sinks and the relay, which sends it on to the sinks.
inline constexpr unsigned readers = sinks + 1;
inline constexpr unsigned relay = sinks;  // its place among the readers
inline constexpr unsigned actors = sources + sinks + 1;
inline constexpr std::uint64_t max_events = 16u << 20;  // per source; the file is sparse

inline constexpr const char* actor_names[actors] = {"source0", "source1", "sink0", "sink1", "relay"};

// ---- Events: a source, a number in it, and bytes that follow from both
// -----------------------------------------------

struct Tiny {
  std::uint64_t source, number, check;
};
struct Small {
  std::uint64_t source, number, check;
  std::array<std::uint64_t, 22> fill;
};
struct Large {
  std::uint64_t source, number, check;
  std::array<std::uint64_t, 637> fill;
};
struct Huge {
  std::uint64_t source, number, check;
  std::vector<std::uint64_t> fill;
};
/// What the relay makes of each.
struct Relayed {
  std::uint64_t source, number, check;
  std::vector<std::uint64_t> fill;
};
static_assert(sizeof(Tiny) == 24 && sizeof(Small) == 200 && sizeof(Large) == 5120);

using Events = std::variant<Tiny, Small, Large, Huge, Relayed>;

enum class Topic { Small, Large, Relayed };

constexpr Topic topic_of(const Tiny&) {
  return Topic::Small;
}
constexpr Topic topic_of(const Small&) {
  return Topic::Small;
}
constexpr Topic topic_of(const Large&) {
  return Topic::Large;
}
constexpr Topic topic_of(const Huge&) {
  return Topic::Large;
}
constexpr Topic topic_of(const Relayed&) {
  return Topic::Relayed;
}
constexpr actor::OverflowPolicy overflow_policy(Topic) {
  return actor::OverflowPolicy::block();
}

constexpr std::uint64_t check_of(std::uint64_t source, std::uint64_t number) {
  return actor::fault::mix(number * sources + source);
}

template <class T>
T make_event(std::uint64_t source, std::uint64_t number, std::size_t words = 0) {
  T event{};
  event.source = source;
  event.number = number;
  event.check = check_of(source, number);
  if constexpr (requires { event.fill.resize(words); }) event.fill.resize(words);
  if constexpr (requires { event.fill; }) {
    for (std::size_t i = 0; i < event.fill.size(); ++i) event.fill[i] = event.check + i;
  }
  return event;
}

template <class T>
bool is_whole(const T& event) {
  if (event.source >= sources || event.number >= max_events || event.check != check_of(event.source, event.number))
    return false;
  if constexpr (requires { event.fill; }) {
    for (std::size_t i = 0; i < event.fill.size(); ++i) {
      if (event.fill[i] != event.check + i) return false;
    }
  }
  return true;
}

// ---- The account
// -----------------------------------------------------------------------------------------------------

using Word = std::atomic<std::uint64_t>;
using Byte = std::atomic<std::uint8_t>;

/// One stream of a source's numbers as one reader gets them.
struct Stream {
  Word last;               // number handled last, 0 = none
  Word handled;            // times a handler did its work
  Byte times[max_events];  // per number
};
/// The low half of the counter in the event's id when it came first, per number.
using Ids = std::atomic<std::uint32_t>[max_events];

struct SourceAccount {
  Word intent;             // send() was or will be called for the numbers up to this one
  Word done;               // these are committed: the outbox was seen empty after send() had returned
  Byte again[max_events];  // how often it was sent again, because it was not known whether it had been committed
};

struct ActorAccount {
  Word pid;
  Word first_ns;  // CLOCK_MONOTONIC when this incarnation did its first work
};

struct Account {
  Word stop;        // sources send no more
  Word corrupted;   // events that were not whole
  Word misordered;  // a number came before one that was sent earlier
  Word unmarked;    // handled twice, and not said to be redelivered or maybe a duplicate
  Word renumbered;  // an output that was sent again had another id
  ActorAccount actor[actors];
  SourceAccount source[sources];
  Stream direct[readers][sources];
  Stream relayed[sinks][sources];
  Ids relayed_ids[sinks][sources];
};

/// Maps the file that the environment variable names; null when there is none.
inline constexpr const char* account_variable = "TORTURE_ACCOUNT";
Account* map_account(const char* path);

std::int64_t monotonic_ns();

}  // namespace torture
