#pragma once
// How often this program asks for memory: every operator new of it is replaced. Counting is off until it is switched
// on, because a counter that all threads share costs time. Any thread.

#include <cstdint>

namespace bench {

void count_allocations(bool on);
/// Calls of operator new, of any thread and any form, while counting was on.
std::uint64_t allocations();

}  // namespace bench
