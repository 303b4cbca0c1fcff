#pragma once
// Where events live while they are on their way: blocks in steps of 64 bytes, each thread with a few at hand, so that
// neither a lock nor malloc is on an event's path. Any thread may give back what another took. What a thread has too
// many of goes to the others in batches, under a mutex; memory of a peak stays for the next one.
//
// AddressSanitizer and ThreadSanitizer get operator new instead: they see what is used after it was freed.

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ACTOR_PLAIN_EVENT_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ACTOR_PLAIN_EVENT_MEMORY 1
#endif
#endif
#ifndef ACTOR_PLAIN_EVENT_MEMORY
#define ACTOR_PLAIN_EVENT_MEMORY 0
#endif

namespace actor::inproc::memory {

inline constexpr std::size_t line_bytes = 64;
inline constexpr std::size_t largest_lines = 17;  // an event of 1 KiB and what stands before it

/// A free block; the head of a batch also leads to the next batch.
struct Block {
  Block* next;
  Block* next_batch;
  std::uint32_t batch_count;
};

/// One thread's blocks of one size.
struct Shelf {
  Block* free;
  std::uint32_t count;
  std::uint32_t most;  // 0 until the thread's cache is known to be given back at its exit, and after that
  Block* spare;        // a whole batch, or null
};

/// SUBTLE: needs neither constructor nor destructor, so that an access is no more than an address.
struct ThreadCache {
  Shelf shelves[largest_lines + 1];
};
extern constinit thread_local ThreadCache thread_cache;

void* take_slowly(std::size_t lines);
void give_slowly(Block* block, std::size_t lines) noexcept;

constexpr std::size_t lines_of(std::size_t bytes) {
  return (bytes + line_bytes - 1) / line_bytes;
}

/// Memory for `bytes`, aligned to 64.
inline void* take(std::size_t bytes) {
  const std::size_t lines = lines_of(bytes);
  if (ACTOR_PLAIN_EVENT_MEMORY || lines > largest_lines) return ::operator new(bytes, std::align_val_t(line_bytes));
  Shelf& shelf = thread_cache.shelves[lines];
  Block* block = shelf.free;
  if (!block) [[unlikely]]
    return take_slowly(lines);
  shelf.free = block->next;
  --shelf.count;
  return block;
}

/// REQUIRES: take(bytes) returned `at`.
inline void give(void* at, std::size_t bytes) noexcept {
  const std::size_t lines = lines_of(bytes);
  if (ACTOR_PLAIN_EVENT_MEMORY || lines > largest_lines) return ::operator delete(at, std::align_val_t(line_bytes));
  Block* block = new (at) Block;
  Shelf& shelf = thread_cache.shelves[lines];
  if (shelf.count >= shelf.most) [[unlikely]]
    return give_slowly(block, lines);
  block->next = shelf.free;
  shelf.free = block;
  ++shelf.count;
}

}  // namespace actor::inproc::memory
