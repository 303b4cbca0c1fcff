#pragma once
// The dead letters of a supervisor: the newest ones, in memory. Owned by its core; any thread.

#include <actor/dead_letter.hpp>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace actor {

class DeadLetters {
 public:
  explicit DeadLetters(std::size_t limit) : limit_(limit) {}

  void add(DeadLetter letter) {
    std::vector<DeadLetter> made_room;  // their events are destroyed without the lock
    const std::scoped_lock lock(mutex_);
    ++count_;
    kept_.push_back(std::move(letter));
    for (; kept_.size() > limit_; kept_.pop_front()) made_room.push_back(std::move(kept_.front()));
  }
  std::vector<DeadLetter> kept() const {
    const std::scoped_lock lock(mutex_);
    return {kept_.begin(), kept_.end()};
  }
  std::uint64_t count() const {
    const std::scoped_lock lock(mutex_);
    return count_;
  }

 private:
  const std::size_t limit_;
  mutable std::mutex mutex_;
  std::deque<DeadLetter> kept_;
  std::uint64_t count_ = 0;
};

}  // namespace actor
