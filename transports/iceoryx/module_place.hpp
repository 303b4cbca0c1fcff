#pragma once
// Where the module is that actors load for topics that travel by iceoryx: the broker tells them. Any thread.

#include <filesystem>
#include <string>

namespace actor::iceoryx {

inline constexpr const char* module_name = "libactor-iceoryx.so";
/// Where it is installed, seen from the directory of the programs: it is no library that anybody links with, so it is
/// in a directory of libactor's own.
std::filesystem::path installed_place();

/// `daemon`: actor-roudi, which comes with the module. Beside it, where both were built; or where both were installed;
/// else its bare name, for the loader to find.
std::string find_module(const std::filesystem::path& daemon);

}  // namespace actor::iceoryx
