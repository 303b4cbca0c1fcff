#pragma once
// A hint to the processor, which may ignore it; it changes nothing that a program can see.

namespace actor::shm {

/// Brings the cache line at `at` here, to be written to: no other core has it afterwards. Every x86-64 processor since
/// 2005 knows the instruction or takes it for none, which compilers are not told; without it they make the builtin one
/// for reading, after which the line has to be asked for twice.
inline void fetch_to_write(const void* at) {
#ifdef __x86_64__
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

}  // namespace actor::shm
