#pragma once
// Counts what a test program allocates: links operators new and delete of its own, so not for sanitized builds. Any
// thread.

#include <cstdint>

/// How often memory has been allocated so far.
std::uint64_t allocations();
