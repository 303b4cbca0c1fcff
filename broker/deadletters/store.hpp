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
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "deadletters/record.hpp"

namespace actor::broker {

class DeadLetterStore {
 public:
  /// Nothing in it may be added again.
  static constexpr std::uint64_t all_settled = UINT64_MAX;

  /// Opens or makes the store. `limit_bytes`: of all files together. `unsettled_from`: what a predecessor that was
  /// killed had written down; the letters from there on may be added again. Throws Error(Io): the directory cannot be
  /// used, or another process has it open.
  DeadLetterStore(std::filesystem::path directory, std::uint64_t limit_bytes,
                  std::uint64_t unsettled_from = all_settled);

  /// On disk when it returns; the letter's id. 0: it is larger than the whole store, and counts as given up. An event
  /// of this reader that is there already and not settled keeps its id. Throws Error(Io): nothing was added.
  std::uint64_t add(DeadLetterRecord letter);
  /// Whoever succeeds us adds again what we add from here on, unless settle() has been called: the `unsettled_from` for
  /// it to begin with.
  std::uint64_t unsettled_from() const { return inherited_ids_.empty() ? state_.next_id : *inherited_ids_.begin(); }
  /// What follows from all that was added is safe: nobody adds it again.
  void settle() { added_.clear(); }
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

  void load(std::uint64_t unsettled_from);
  void load_file(File& file, bool is_newest, std::uint64_t unsettled_from);
  void forget(std::span<const std::uint64_t> ids);
  void begin_file();
  void drop_unneeded();
  void make_room(std::uint64_t bytes);
  void append(const Frame& frame);
  std::optional<std::uint64_t> find_unsettled(const DeadLetterRecord& letter);
  std::optional<DeadLetterRecord> read(const File& file, const Letter& letter) const;
  std::filesystem::path path_of(std::uint64_t number) const;

  std::filesystem::path directory_;
  std::uint64_t limit_bytes_;
  std::uint64_t file_bytes_;  // a file larger than this is followed by another
  Fd lock_;
  StoreState state_;
  std::deque<File> files_;  // oldest first; the last one is written
  /// Whose copy of which event it is: the letters' ids by that.
  using Copy = std::tuple<std::uint64_t, std::uint64_t, std::string>;
  static Copy copy_of(const DeadLetterRecord& letter) {
    return {letter.event.actor, letter.event.counter, letter.reader};
  }
  std::map<Copy, std::uint64_t> added_;              // since settle()
  std::map<Copy, std::uint64_t> inherited_;          // by a predecessor, and not yet by us
  std::set<std::uint64_t> inherited_ids_;            // of those
  std::map<std::uint64_t, std::uint32_t> attempts_;  // of those that were tried again
  std::vector<std::byte> buffer_;
};

/// The id that the next letter in the directory will have, for whoever will open it later.
std::uint64_t next_dead_letter(const std::filesystem::path& directory);
/// All letters in the directory, oldest first, whether or not a broker has it open; empty when there are none.
std::vector<DeadLetterRecord> read_dead_letters(const std::filesystem::path& directory);

}  // namespace actor::broker
