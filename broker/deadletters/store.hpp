#pragma once
// Dead letters on disk: events that were given up on, kept until somebody looks. Append-only files in one directory
// (0700), the oldest given up first when together they grow beyond a limit. Whoever is killed in mid-write loses the
// letter that it was writing and no other: a torn tail is cut off when the store is opened. What a power cut takes is
// the file system's business: nothing here waits for the disk.
//
// Owned by the broker's brain, one thread; one process at a time has a directory open (a lock says so). Others may read
// the files meanwhile: read_dead_letters().

#include <control/fd.hpp>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "deadletters/record.hpp"

namespace actor::broker {

class DeadLetterStore {
 public:
  /// Opens or makes the store. `limit_bytes`: of all files together. Throws Error(Io): the directory cannot be used, or
  /// another process has it open.
  DeadLetterStore(std::filesystem::path directory, std::uint64_t limit_bytes);

  /// On disk when it returns; the letter's id. 0: it is larger than the whole store, and counts as given up. An event
  /// that was added for this reader shortly before (a brain that died before it could say so) keeps its id. Throws
  /// Error(Io): nothing was added.
  std::uint64_t add(DeadLetterRecord letter);
  /// Returns how many of them were there. Throws Error(Io).
  std::size_t remove(std::span<const std::uint64_t> ids);
  /// It was tried again, and stays. Throws Error(Io).
  void set_attempts(std::uint64_t id, std::uint32_t attempts);
  std::optional<DeadLetterRecord> read(std::uint64_t id) const;
  /// Oldest first, from the one after `id`, until `visit` returns false.
  void visit_after(std::uint64_t id, const std::function<bool(DeadLetterRecord)>& visit) const;

  std::size_t size() const;
  std::uint64_t bytes() const;
  /// Letters that had to make room for others, ever.
  std::uint64_t given_up() const { return state_.given_up; }
  const std::filesystem::path& directory() const { return directory_; }

 private:
  struct Letter {
    std::uint64_t id;
    std::uint64_t offset;
  };
  struct File {
    std::uint64_t number;
    Fd fd;
    std::uint64_t bytes = 0;
    std::vector<Letter> letters;  // those that are kept, by id
  };

  void load();
  void load_file(File& file, bool is_newest);
  void forget(std::span<const std::uint64_t> ids);
  void begin_file();
  void drop_unneeded();
  void make_room(std::uint64_t bytes);
  void append(const Frame& frame);
  void note_recent(const DeadLetterRecord& letter);
  std::optional<std::uint64_t> find_recent(const DeadLetterRecord& letter) const;
  std::optional<DeadLetterRecord> read(const File& file, const Letter& letter) const;
  std::filesystem::path path_of(std::uint64_t number) const;

  std::filesystem::path directory_;
  std::uint64_t limit_bytes_;
  std::uint64_t file_bytes_;  // a file larger than this is followed by another
  Fd lock_;
  StoreState state_;
  std::deque<File> files_;  // oldest first; the last one is written
  struct RecentLetter {
    EventId event;
    std::size_t reader;
    std::uint64_t id;
  };
  std::deque<RecentLetter> recent_;
  std::map<std::uint64_t, std::uint32_t> attempts_;  // of those that were tried again
  std::vector<std::byte> buffer_;
};

/// All letters in the directory, oldest first, whether or not a broker has it open; empty when there are none.
std::vector<DeadLetterRecord> read_dead_letters(const std::filesystem::path& directory);

}  // namespace actor::broker
