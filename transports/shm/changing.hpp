#pragma once
// Reading memory that its owner may be changing meanwhile: what was checked is what is used. Functions only, any
// thread.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <shm/layout.hpp>

namespace actor::shm {

/// One load, whatever the compiler would like: what was checked is what is used, though its owner may change it.
template <class T>
T read_once(const T& field) {
  return __atomic_load_n(&field, __ATOMIC_RELAXED);
}

/// A slot's topic, type, flags and number of bytes, in one load.
inline std::uint64_t read_header(const Slot& slot) {
  static_assert(offsetof(Slot, payload) - offsetof(Slot, topic) == sizeof(std::uint64_t));
  using AnyWord [[gnu::may_alias]] = std::uint64_t;
  return __atomic_load_n(reinterpret_cast<const AnyWord*>(&slot.topic), __ATOMIC_RELAXED);
}

inline PoolRef read_pool_ref(const Slot& slot) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(slot.payload);
  const std::uint64_t copy[2] = {read_once(words[0]), read_once(words[1])};
  PoolRef reference;
  std::memcpy(&reference, copy, sizeof reference);
  return reference;
}

/// Copies memory that its owner may be overwriting: word by word, each an acquire load, so that the check of the slot's
/// number that follows cannot be moved before them.
inline void copy_changing(std::byte* to, const std::byte* from, std::size_t bytes) {
  for (; bytes >= 8; bytes -= 8, to += 8, from += 8) {
    const std::uint64_t word = __atomic_load_n(reinterpret_cast<const std::uint64_t*>(from), __ATOMIC_ACQUIRE);
    std::memcpy(to, &word, 8);
  }
  for (; bytes != 0; --bytes, ++to, ++from)
    *to = static_cast<std::byte>(__atomic_load_n(reinterpret_cast<const unsigned char*>(from), __ATOMIC_ACQUIRE));
}

}  // namespace actor::shm
