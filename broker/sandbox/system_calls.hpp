#pragma once
// The filter of system calls for seccomp = "default". The brain's; needs libseccomp, which is optional when building:
// without it, system_calls_none.cpp says so.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace actor::broker {

/// The program for SECCOMP_MODE_FILTER, one struct sock_filter in each word. Empty, with `problem` saying why, when it
/// cannot be made.
std::vector<std::uint64_t> system_call_filter(std::string& problem);

/// What it refuses, with EPERM.
const std::vector<std::string_view>& refused_system_calls();

}  // namespace actor::broker
