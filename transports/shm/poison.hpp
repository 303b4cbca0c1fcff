#pragma once
// Under AddressSanitizer a payload is readable only while its event is being handled: a view that is kept too long is
// reported at the line that uses it. No effect in other builds.

#include <cstddef>
#include <span>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace actor::shm {

#if defined(__SANITIZE_ADDRESS__)
inline void poison(std::span<const std::byte> bytes) {
  ASAN_POISON_MEMORY_REGION(bytes.data(), bytes.size());
}
inline void unpoison(std::span<const std::byte> bytes) {
  ASAN_UNPOISON_MEMORY_REGION(bytes.data(), bytes.size());
}
#else
inline void poison(std::span<const std::byte>) {}
inline void unpoison(std::span<const std::byte>) {}
#endif

}  // namespace actor::shm
