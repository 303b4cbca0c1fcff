#pragma once
// What no transport can beat on this machine, at this moment: measured beside each run, because it drifts. Used by the
// driver only; each starts children of its own and waits for them.

#include "measure.hpp"

namespace bench {

/// One cache line that two cores hand to each other.
Outcome cache_line_ping_pong(std::uint64_t round_trips);
/// Two processes that wake each other through an eventfd.
Outcome eventfd_ping_pong(Mode mode, std::uint64_t round_trips);
/// What writing payloads of `size` bytes takes at the least, whose reader looks at their beginning (memory_copy) or at
/// every word (memory_exchange).
Outcome memory_floor(std::uint64_t size, Read read);
/// Copies of `size` bytes into two buffers in turns, for what was sent last is still with its reader: per_s, and the
/// time of one as p50_ns and p99_ns.
Outcome memory_copy(std::uint64_t size);
/// One process copies `size` bytes at a time into buffers, another reads every word of them: per_s.
Outcome memory_exchange(std::uint64_t size);

/// Two cores of a virtual machine may be neighbours now and far apart a second later; spinning depends on it.
enum class Distance { Near, Between, Far };
Distance distance_of(const Outcome& cache_line);
/// A short cache_line_ping_pong: a few milliseconds.
Outcome probe();

}  // namespace bench
