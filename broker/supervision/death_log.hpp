#pragma once
// How an actor died lately: the reports of its last deaths, for `actorctl why`. Plain values, so that whoever takes
// over from a brain that has died finds them again. Owned by the brain, one for each actor.

#include <cstdint>
#include <string>
#include <vector>

namespace actor::broker {

struct LastLine {
  std::int64_t wall_ns = 0;  // since 1970
  bool is_error = false;     // stderr
  std::string text;
};

/// The event that was being handled.
struct EventInHand {
  std::string type;
  std::string topic;
  std::string sender;
  std::string event;  // its id
  std::uint32_t attempt = 0;
};

struct Death {
  std::int64_t wall_ns = 0;  // since 1970
  std::string reason;        // "signal(SEGV)"
  std::uint32_t incarnation = 0;
  std::int32_t pid = 0;
  std::int64_t uptime_ns = 0;
  std::string last_words;  // what it said in its goodbye
  std::string then;        // what became of it: "restarting in 200 ms"
  bool had_event = false;
  EventInHand in_hand;
  std::vector<LastLine> last_lines;  // oldest first
};

class DeathLog {
 public:
  static constexpr std::size_t max_deaths = 10;
  static constexpr std::size_t max_lines = 20;         // of the last death
  static constexpr std::size_t max_older_lines = 3;    // of each before it
  static constexpr std::size_t max_line_bytes = 200;   // of one line; the rest is cut
  static constexpr std::size_t max_words_bytes = 200;  // of any other text

  /// What is too long is cut.
  void add(Death death);
  /// Oldest first.
  const std::vector<Death>& last() const { return state_.deaths; }
  /// All there ever were.
  std::uint64_t count() const { return state_.count; }

  struct State {
    std::uint64_t count = 0;
    std::vector<Death> deaths;
  };
  const State& save() const { return state_; }
  void load(State state);

 private:
  State state_;
};

}  // namespace actor::broker
