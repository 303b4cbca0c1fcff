#pragma once
// Which libactor a program was built with. The broker compares it at hello and names both sides when they cannot work
// together.

namespace actor {

/// The library's version, "major.minor.patch". Static storage, any thread.
const char* version();

/// Version of the control protocol and of the shared-memory layout. Two sides with different numbers refuse each other.
inline constexpr unsigned protocol_version = 6;

}  // namespace actor
