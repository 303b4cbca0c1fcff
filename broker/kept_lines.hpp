#pragma once
// What each actor printed last: for `actorctl logs` and for the report of a death. Bounded for each actor; the oldest
// lines go first. In memory that every brain of a broker inherits: made by main before the keeper starts its first
// brain, used by the brain that lives, through Output, on its one thread.
//
// Each actor has a ring of bytes. A line is in it when `end` has passed it, and gone when `begin` has: a brain that is
// killed at any instruction leaves whole lines.

#include <sys/types.h>

#include <atomic>
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
  static constexpr std::size_t max_actors = 4096;

  KeptLines();  ///< Throws Error(Io).
  ~KeptLines();
  KeptLines(const KeptLines&) = delete;
  KeptLines& operator=(const KeptLines&) = delete;

  /// No effect when there are too many actors, or for a line that is longer than all that is kept.
  void add(const std::string& actor, pid_t pid, OutputStream stream, std::string_view text, std::int64_t wall_ns);
  /// Oldest first, over all its lives.
  std::deque<KeptLine> of(const std::string& actor) const;
  /// The last of one life, at most so many.
  std::vector<KeptLine> last_of(const std::string& actor, pid_t pid, std::size_t count) const;
  /// The actor is no more.
  void forget(const std::string& actor);

 private:
  struct Shared;
  struct Place;
  struct Head;
  /// What can be told from the ring, but is faster known.
  struct Known {
    std::size_t place = 0;
    std::size_t lines = 0;
    std::size_t bytes = 0;
    std::uint64_t last_number = 0;
  };

  void learn() const;
  Known* find_or_take(const std::string& actor);
  Place& place(std::size_t number) const;
  void copy_in(std::size_t place, std::uint64_t at, const void* from, std::size_t bytes) const;
  void copy_out(std::size_t place, std::uint64_t at, void* to, std::size_t bytes) const;
  void drop_oldest(Known& known) const;
  template <class Visit>
  void visit(std::size_t place, Visit&& visit) const;

  Shared* shared_ = nullptr;
  mutable bool has_learned_ = false;  // what a process before this one has left
  mutable std::map<std::string, Known, std::less<>> known_;
};

}  // namespace actor::broker
