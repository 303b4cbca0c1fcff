#include "allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <inproc/event_memory.hpp>
#include <new>

namespace {
std::atomic<std::uint64_t> count = 0;
}

std::uint64_t allocations() {
  return count;
}

#if !ACTOR_PLAIN_EVENT_MEMORY
namespace {
void* counted(void* memory) {
  ++count;
  if (!memory) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t bytes) {
  return counted(std::malloc(bytes));
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(align, (bytes + align - 1) / align * align));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
#endif
