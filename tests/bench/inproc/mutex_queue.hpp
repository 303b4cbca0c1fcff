#pragma once
// The queue that everybody would write: bounded, first in, first out. It waits only when it is empty or full, and
// notifies only when somebody may wait, after the lock is released. Any thread; one at a time may pop.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>

namespace bench {

template <class T>
class MutexQueue {
 public:
  explicit MutexQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Waits while it is full.
  void push(const T& item) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [this] { return items_.size() < capacity_; });
    const bool was_empty = items_.empty();
    items_.push_back(item);
    lock.unlock();
    if (was_empty) not_empty_.notify_one();
  }
  /// False when it is full.
  bool try_push(const T& item) {
    std::unique_lock lock(mutex_);
    if (items_.size() == capacity_) return false;
    const bool was_empty = items_.empty();
    items_.push_back(item);
    lock.unlock();
    if (was_empty) not_empty_.notify_one();
    return true;
  }
  /// Waits while it is empty.
  T pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return !items_.empty(); });
    const bool was_full = items_.size() == capacity_;
    const T item = items_.front();
    items_.pop_front();
    lock.unlock();
    if (was_full) not_full_.notify_one();
    return item;
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::condition_variable not_full_;
  std::deque<T> items_;
};

}  // namespace bench
