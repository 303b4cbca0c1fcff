#include "inproc/event_memory.hpp"

#include <algorithm>
#include <mutex>

namespace actor::inproc::memory {
namespace {

/// How many blocks change threads at a time: 16 KiB of them.
constexpr std::uint32_t batch_of(std::size_t lines) {
  return static_cast<std::uint32_t>(std::max<std::size_t>(8, 256 / lines));
}

/// What belongs to no thread.
class Store {
 public:
  /// A batch, whose head says how many blocks it has.
  Block* take(std::size_t lines) {
    {
      const std::scoped_lock lock(mutex_);
      if (Block* batch = batches_[lines]) {
        batches_[lines] = batch->next_batch;
        return batch;
      }
    }
    return cut(lines);
  }
  void give(Block* batch, std::uint32_t count, std::size_t lines) noexcept {
    batch->batch_count = count;
    const std::scoped_lock lock(mutex_);
    batch->next_batch = batches_[lines];
    batches_[lines] = batch;
  }

 private:
  static Block* cut(std::size_t lines) {
    const std::uint32_t count = batch_of(lines);
    auto* slab = static_cast<std::byte*>(::operator new(count* lines* line_bytes, std::align_val_t(line_bytes)));
    Block* batch = nullptr;
    for (std::uint32_t i = count; i-- > 0;) batch = new (slab + i * lines * line_bytes) Block{batch, nullptr, 0};
    batch->batch_count = count;
    return batch;
  }

  std::mutex mutex_;
  Block* batches_[largest_lines + 1] = {};
};

/// Never destroyed: events may be freed by whatever runs last.
Store& store() {
  static Store& the_store = *new Store;
  return the_store;
}

/// Gives the thread's blocks back when it ends.
struct AtThreadExit {
  bool known = false;
  ~AtThreadExit() {
    for (std::size_t lines = 1; lines <= largest_lines; ++lines) {
      Shelf& shelf = thread_cache.shelves[lines];
      if (shelf.spare) store().give(shelf.spare, batch_of(lines), lines);
      if (shelf.free) store().give(shelf.free, shelf.count, lines);
      shelf = {};
    }
    over = true;
  }
  static constinit thread_local bool over;
};
constinit thread_local bool AtThreadExit::over = false;
thread_local AtThreadExit at_thread_exit;

/// May this thread keep blocks?
bool may_keep(Shelf& shelf, std::size_t lines) {
  if (AtThreadExit::over) return false;
  at_thread_exit.known = true;  // constructs it, that is: has its destructor called
  shelf.most = batch_of(lines);
  return true;
}

}  // namespace

constinit thread_local ThreadCache thread_cache = {};

void* take_slowly(std::size_t lines) {
  Shelf& shelf = thread_cache.shelves[lines];
  const bool keep = may_keep(shelf, lines);
  Block* batch = shelf.spare;
  if (batch) {
    shelf.spare = nullptr;
    shelf.count = batch_of(lines);
  } else {
    batch = store().take(lines);
    shelf.count = batch->batch_count;
  }
  Block* rest = batch->next;
  --shelf.count;
  if (keep) {
    shelf.free = rest;
  } else {
    if (rest) store().give(rest, shelf.count, lines);
    shelf.count = 0;
  }
  return batch;
}

void give_slowly(Block* block, std::size_t lines) noexcept {
  Shelf& shelf = thread_cache.shelves[lines];
  block->next = nullptr;
  if (!may_keep(shelf, lines)) return store().give(block, 1, lines);
  if (shelf.count < shelf.most) {  // the thread's first
    block->next = shelf.free;
    shelf.free = block;
    ++shelf.count;
    return;
  }
  if (shelf.spare) store().give(shelf.spare, shelf.most, lines);
  shelf.spare = shelf.free;
  shelf.free = block;
  shelf.count = 1;
}

}  // namespace actor::inproc::memory
