#pragma once
// A hint to the processor, which may ignore it; it changes nothing that a program can see.

namespace actor::shm {

/// Brings the cache line at `at` here, to be written to: no other core has it afterwards. Intel's processors from the
/// Core 2 on and all of AMD's with 64 bits know the instruction or pass over it, of which compilers are not sure: their
/// builtin fetches for reading, and then the line has to be asked for twice.
inline void fetch_to_write(const void* at) {
#ifdef __x86_64__
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

}  // namespace actor::shm
