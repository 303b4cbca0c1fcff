#include "deadletters/store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>
#include <set>

namespace actor::broker {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t smallest_file_bytes = 64 * 1024;
constexpr std::uint64_t files_per_limit = 8;
constexpr std::string_view ending = ".letters";

std::string read_all(int fd) {
  std::string bytes;
  struct stat info {};
  if (::fstat(fd, &info) == 0) bytes.resize(static_cast<std::size_t>(info.st_size));
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = ::pread(fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    at += static_cast<std::size_t>(count);
  }
  bytes.resize(at);
  return bytes;
}

/// 0 when it is no file of ours.
std::uint64_t number_of(const fs::path& path) {
  if (path.extension() != ending) return 0;
  const std::string stem = path.stem().string();
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  return error == std::errc{} && end == stem.data() + stem.size() ? number : 0;
}

std::set<std::uint64_t> numbers_in(const fs::path& directory) {
  std::set<std::uint64_t> numbers;
  std::error_code failed;
  for (fs::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed)) {
    if (const std::uint64_t number = number_of(at->path())) numbers.insert(number);
  }
  return numbers;
}

fs::path path_in(const fs::path& directory, std::uint64_t number) {
  std::string name = std::to_string(number);
  name.insert(0, name.size() < 8 ? 8 - name.size() : 0, '0');
  return directory / (name + std::string(ending));
}

/// Calls `visit(frame, offset)` for each whole frame; returns where they end.
template <class Visit>
std::uint64_t visit_frames(const std::string& bytes, Visit&& visit) {
  const auto all = std::as_bytes(std::span(bytes));
  std::size_t at = 0;
  while (auto parsed = parse_frame(all.subspan(at))) {
    visit(parsed->frame, std::uint64_t{at});
    at += parsed->bytes;
  }
  return at;
}

}  // namespace

DeadLetterStore::DeadLetterStore(fs::path directory, std::uint64_t limit_bytes, std::uint64_t unsettled_from)
    : directory_(std::move(directory)),
      limit_bytes_(limit_bytes),
      file_bytes_(std::max(smallest_file_bytes, limit_bytes / files_per_limit)) {
  const std::string place = "the store of dead letters '" + directory_.string() + "'";
  std::error_code failed;
  fs::create_directories(directory_.parent_path(), failed);
  if (::mkdir(directory_.c_str(), 0700) != 0 && errno != EEXIST) throw_errno("making " + place);
  lock_ = Fd(::open((directory_ / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) throw_errno("opening " + place);
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorCode::Io, place + " is in use by another broker: give one of them another state_dir or name",
                errno);
  }
  load(unsettled_from);
}

fs::path DeadLetterStore::path_of(std::uint64_t number) const {
  return path_in(directory_, number);
}

void DeadLetterStore::load(std::uint64_t unsettled_from) {
  const auto numbers = numbers_in(directory_);
  for (const std::uint64_t number : numbers) {
    File file{number, Fd(::open(path_of(number).c_str(), O_RDWR | O_APPEND | O_CLOEXEC)), 0, {}};
    if (!file.fd) throw_errno("opening '" + path_of(number).string() + "'");
    files_.push_back(std::move(file));
    load_file(files_.back(), number == *numbers.rbegin(), unsettled_from);
  }
  while (!files_.empty() && files_.front().number < state_.first_file) {
    ::unlink(path_of(files_.front().number).c_str());  // its end was recorded, then somebody was killed
    files_.pop_front();
  }
  if (files_.empty() || files_.back().bytes == 0) begin_file();
  drop_unneeded();
}

void DeadLetterStore::load_file(File& file, bool is_newest, std::uint64_t unsettled_from) {
  const std::string bytes = read_all(file.fd.get());
  file.bytes = visit_frames(bytes, [&](const Frame& frame, std::uint64_t offset) {
    if (const auto* letter = std::get_if<DeadLetterRecord>(&frame)) {
      file.letters.push_back({letter->id, offset});
      state_.next_id = std::max(state_.next_id, letter->id + 1);
      if (letter->id >= unsettled_from && inherited_.emplace(copy_of(*letter), letter->id).second)
        inherited_ids_.insert(letter->id);
    } else if (const auto* removed = std::get_if<RemovedLetters>(&frame)) {
      forget(removed->ids);
    } else if (const auto* attempted = std::get_if<AttemptedLetter>(&frame)) {
      attempts_[attempted->id] = attempted->attempts;
    } else {
      const auto& state = std::get<StoreState>(frame);
      state_.next_id = std::max(state_.next_id, state.next_id);
      state_.first_file = std::max(state_.first_file, state.first_file);
      state_.given_up = std::max(state_.given_up, state.given_up);
    }
  });
  // The tail that somebody was killed over. In an older file it is damage: what follows it cannot be found any more.
  if (is_newest && file.bytes < bytes.size() && ::ftruncate(file.fd.get(), static_cast<off_t>(file.bytes)) != 0)
    throw_errno("cutting the torn end off '" + path_of(file.number).string() + "'");
}

void DeadLetterStore::begin_file() {
  if (!files_.empty() && files_.back().bytes == 0) {
    append(state_);
    return;
  }
  const std::uint64_t number = files_.empty() ? state_.first_file : files_.back().number + 1;
  const std::string path = path_of(number).string();
  File file{number, Fd(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600)), 0, {}};
  if (!file.fd) throw_errno("making '" + path + "'");
  files_.push_back(std::move(file));
  try {
    append(state_);
  } catch (...) {
    ::unlink(path.c_str());
    files_.pop_back();
    throw;
  }
}

void DeadLetterStore::append(const Frame& frame) {
  File& file = files_.back();
  buffer_.clear();
  append_frame(buffer_, frame);
  std::size_t at = 0;
  while (at < buffer_.size()) {
    const ssize_t count = ::write(file.fd.get(), buffer_.data() + at, buffer_.size() - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int why = errno;
      // Half a frame would hide what comes after it.
      if (at != 0 && ::ftruncate(file.fd.get(), static_cast<off_t>(file.bytes)) != 0) begin_file();
      errno = why;
      throw_errno("writing to '" + path_of(file.number).string() + "'");
    }
    at += static_cast<std::size_t>(count);
  }
  file.bytes += buffer_.size();
}

/// Files from the oldest on that hold no letter. One in the middle stays: what it says is removed is in older ones.
void DeadLetterStore::drop_unneeded() {
  while (files_.size() > 1 && files_.front().letters.empty()) {
    state_.first_file = files_.front().number + 1;
    append(state_);
    ::unlink(path_of(files_.front().number).c_str());
    files_.pop_front();
  }
}

void DeadLetterStore::make_room(std::uint64_t needed) {
  if (files_.back().bytes >= file_bytes_ || bytes() + needed > limit_bytes_) {
    if (!files_.back().letters.empty()) begin_file();
  }
  while (files_.size() > 1 && bytes() + needed > limit_bytes_) {
    state_.given_up += files_.front().letters.size();
    for (const Letter& letter : files_.front().letters) attempts_.erase(letter.id);
    files_.front().letters.clear();
    drop_unneeded();
  }
}

std::uint64_t DeadLetterStore::add(DeadLetterRecord letter) {
  if (const auto known = find_unsettled(letter)) return *known;
  buffer_.clear();
  append_frame(buffer_, letter);
  const std::uint64_t size = buffer_.size();
  if (size > limit_bytes_ / 2) {
    ++state_.given_up;
    append(state_);
    return 0;
  }
  make_room(size);
  letter.id = state_.next_id;
  const std::uint64_t offset = files_.back().bytes;
  append(letter);
  ++state_.next_id;
  files_.back().letters.push_back({letter.id, offset});
  added_[copy_of(letter)] = letter.id;
  return letter.id;
}

std::optional<std::uint64_t> DeadLetterStore::find_unsettled(const DeadLetterRecord& letter) {
  const Copy copy = copy_of(letter);
  if (auto again = inherited_.extract(copy)) {
    inherited_ids_.erase(again.mapped());
    added_.insert(std::move(again));  // until settle() it stays unsettled
  }
  const auto known = added_.find(copy);
  return known == added_.end() ? std::nullopt : std::optional(known->second);
}

/// REQUIRES: `ids` are sorted.
void DeadLetterStore::forget(std::span<const std::uint64_t> ids) {
  const auto gone = [&](std::uint64_t id) { return std::binary_search(ids.begin(), ids.end(), id); };
  for (File& file : files_) std::erase_if(file.letters, [&](const Letter& letter) { return gone(letter.id); });
  for (auto* unsettled : {&added_, &inherited_})
    std::erase_if(*unsettled, [&](const auto& letter) { return gone(letter.second); });
  std::erase_if(inherited_ids_, gone);
  std::erase_if(attempts_, [&](const auto& attempted) { return gone(attempted.first); });
}

std::size_t DeadLetterStore::remove(std::span<const std::uint64_t> ids) {
  RemovedLetters removed;
  for (const File& file : files_) {
    for (const Letter& letter : file.letters) {
      if (std::find(ids.begin(), ids.end(), letter.id) != ids.end()) removed.ids.push_back(letter.id);
    }
  }
  if (removed.ids.empty()) return 0;
  append(removed);
  forget(removed.ids);
  drop_unneeded();
  return removed.ids.size();
}

void DeadLetterStore::set_attempts(std::uint64_t id, std::uint32_t attempts) {
  const auto letter = read(id);
  if (!letter || letter->attempts == attempts) return;
  append(AttemptedLetter{id, attempts});
  attempts_[id] = attempts;
}

std::optional<DeadLetterRecord> DeadLetterStore::read(const File& file, const Letter& letter) const {
  const auto next = std::upper_bound(file.letters.begin(), file.letters.end(), letter.offset,
                                     [](std::uint64_t offset, const Letter& other) { return offset < other.offset; });
  const std::uint64_t end = next == file.letters.end() ? file.bytes : next->offset;
  std::vector<std::byte> bytes(end - letter.offset);
  const ssize_t count = ::pread(file.fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(letter.offset));
  if (count < 0 || static_cast<std::size_t>(count) != bytes.size()) return std::nullopt;
  auto parsed = parse_frame(bytes);
  if (!parsed || !std::holds_alternative<DeadLetterRecord>(parsed->frame)) return std::nullopt;
  auto record = std::get<DeadLetterRecord>(std::move(parsed->frame));
  if (const auto again = attempts_.find(record.id); again != attempts_.end()) record.attempts = again->second;
  return record;
}

std::optional<DeadLetterRecord> DeadLetterStore::read(std::uint64_t id) const {
  std::optional<DeadLetterRecord> found;
  visit_after(id - 1, [&](DeadLetterRecord letter) {
    if (letter.id == id) found = std::move(letter);
    return false;
  });
  return found;
}

void DeadLetterStore::visit_after(std::uint64_t id, const std::function<bool(DeadLetterRecord)>& visit) const {
  for (const File& file : files_) {
    const auto first = std::upper_bound(file.letters.begin(), file.letters.end(), id,
                                        [](std::uint64_t before, const Letter& letter) { return before < letter.id; });
    for (auto letter = first; letter != file.letters.end(); ++letter) {
      auto record = read(file, *letter);
      if (record && !visit(std::move(*record))) return;
    }
  }
}

std::size_t DeadLetterStore::size() const {
  std::size_t count = 0;
  for (const File& file : files_) count += file.letters.size();
  return count;
}

std::uint64_t DeadLetterStore::bytes() const {
  std::uint64_t sum = 0;
  for (const File& file : files_) sum += file.bytes;
  return sum;
}

/// Each file begins with it: the newest will do, unless somebody was killed while beginning that.
std::uint64_t next_dead_letter(const fs::path& directory) {
  const auto numbers = numbers_in(directory);
  std::uint64_t next = 1;
  for (auto number = numbers.rbegin(); number != numbers.rend() && next == 1; ++number) {
    const Fd file(::open(path_in(directory, *number).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) continue;
    visit_frames(read_all(file.get()), [&](const Frame& frame, std::uint64_t) {
      if (const auto* letter = std::get_if<DeadLetterRecord>(&frame)) next = std::max(next, letter->id + 1);
      if (const auto* state = std::get_if<StoreState>(&frame)) next = std::max(next, state->next_id);
    });
  }
  return next;
}

std::vector<DeadLetterRecord> read_dead_letters(const fs::path& directory) {
  std::map<std::uint64_t, DeadLetterRecord> letters;
  for (const std::uint64_t number : numbers_in(directory)) {
    const Fd file(::open(path_in(directory, number).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {  // it has made room meanwhile, and so have those before it
      letters.clear();
      continue;
    }
    visit_frames(read_all(file.get()), [&](Frame& frame, std::uint64_t) {
      if (auto* letter = std::get_if<DeadLetterRecord>(&frame)) {
        const std::uint64_t id = letter->id;
        letters.emplace(id, std::move(*letter));
      } else if (const auto* removed = std::get_if<RemovedLetters>(&frame)) {
        for (const std::uint64_t id : removed->ids) letters.erase(id);
      } else if (const auto* attempted = std::get_if<AttemptedLetter>(&frame)) {
        if (const auto found = letters.find(attempted->id); found != letters.end())
          found->second.attempts = attempted->attempts;
      }
    });
  }
  std::vector<DeadLetterRecord> sorted;
  for (auto& [id, letter] : letters) sorted.push_back(std::move(letter));
  return sorted;
}

}  // namespace actor::broker
