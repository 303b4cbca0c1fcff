#pragma once
// What each actor printed last: for `actorctl logs` and for the report of a death. Bounded for each actor; the oldest
// lines go first. Owned by Output, one thread.

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace actor::broker {

enum class OutputStream : std::uint8_t { Out, Err };

struct KeptLine {
  std::uint64_t number;  ///< of this actor, from 1
  std::int64_t wall_ns;  ///< since 1970
  pid_t pid;
  OutputStream stream;
  std::string text;
};

class KeptLines {
 public:
  static constexpr std::size_t max_lines = 100;
  static constexpr std::size_t max_bytes = std::size_t{64} * 1024;

  void add(const std::string& actor, pid_t pid, OutputStream stream, std::string_view text, std::int64_t wall_ns);
  /// Oldest first, over all its lives.
  const std::deque<KeptLine>& of(const std::string& actor) const;
  /// The last of one life, at most so many.
  std::vector<KeptLine> last_of(const std::string& actor, pid_t pid, std::size_t count) const;
  /// The actor is no more.
  void forget(const std::string& actor) { lines_.erase(actor); }

 private:
  struct Lines {
    std::deque<KeptLine> kept;
    std::size_t bytes = 0;
    std::uint64_t next_number = 1;
  };
  std::map<std::string, Lines> lines_;
};

}  // namespace actor::broker
