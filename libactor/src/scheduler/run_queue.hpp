#pragma once
// The tasks that wait for one worker of a pool: a bounded ring that its owner fills and empties and that other workers
// may take from. Scheme: the run queue of Go's scheduler (D. Vyukov, "Scalable Go Scheduler Design", 2012).
//
// INVARIANT: head <= tail, tail - head <= capacity. Only the owner moves tail; whoever takes tasks moves head with a
// compare-and-swap after it has read their slots. 32-bit numbers wrap around, which differences do not notice.

#include <array>
#include <atomic>
#include <cstdint>

namespace actor {

class Task;

class RunQueue {
 public:
  static constexpr std::uint32_t capacity = 256;

  /// False when it is full. Owner.
  bool push(Task& task) noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) >= capacity) return false;
    slot(tail).store(&task, std::memory_order_relaxed);
    tail_.store(tail + 1, std::memory_order_release);  // PAIRS: RunQueue.tail (acquire in steal_half())
    return true;
  }
  /// Null when it is empty. Owner.
  Task* pop() noexcept {
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    std::uint32_t head = head_.load(std::memory_order_relaxed);
    while (head != tail) {
      Task* task = slot(head).load(std::memory_order_relaxed);
      // Release: the slot may be written again once head has passed it.
      if (head_.compare_exchange_weak(head, head + 1, std::memory_order_acq_rel, std::memory_order_relaxed))
        return task;
    }
    return nullptr;
  }
  /// The same when there is no thief. Owner.
  Task* pop_alone() noexcept {
    const std::uint32_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_relaxed)) return nullptr;
    Task* task = slot(head).load(std::memory_order_relaxed);
    head_.store(head + 1, std::memory_order_relaxed);
    return task;
  }
  /// Moves half of what is here, one at least, to the end of `mine`, which is empty. Returns how many. Thief.
  std::uint32_t steal_half(RunQueue& mine) noexcept {
    const std::uint32_t my_tail = mine.tail_.load(std::memory_order_relaxed);
    for (;;) {
      std::uint32_t head = head_.load(std::memory_order_acquire);
      const std::uint32_t tail = tail_.load(std::memory_order_acquire);
      const std::uint32_t waiting = tail - head;
      if (waiting == 0) return 0;
      if (waiting > capacity) continue;  // head was read before the owner went on: look again
      const std::uint32_t count = waiting - waiting / 2;
      for (std::uint32_t i = 0; i < count; ++i)
        mine.slot(my_tail + i).store(slot(head + i).load(std::memory_order_relaxed), std::memory_order_relaxed);
      if (!head_.compare_exchange_strong(head, head + count, std::memory_order_acq_rel, std::memory_order_relaxed))
        continue;
      mine.tail_.store(my_tail + count, std::memory_order_release);
      return count;
    }
  }

  /// How many tasks have ever been taken and put; for the owner, and a rough guess for others.
  std::uint32_t head() const noexcept { return head_.load(std::memory_order_relaxed); }
  std::uint32_t tail() const noexcept { return tail_.load(std::memory_order_relaxed); }
  std::uint32_t size() const noexcept { return tail() - head(); }

 private:
  std::atomic<Task*>& slot(std::uint32_t at) noexcept { return slots_[at % capacity]; }

  alignas(64) std::atomic<std::uint32_t> head_ = 0;
  std::atomic<std::uint32_t> tail_ = 0;
  std::array<std::atomic<Task*>, capacity> slots_ = {};
};

}  // namespace actor
