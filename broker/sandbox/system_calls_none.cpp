// Built where libseccomp is not installed.
#include "sandbox/system_calls.hpp"

namespace actor::broker {

const std::vector<std::string_view>& refused_system_calls() {
  static const std::vector<std::string_view> none;
  return none;
}

std::vector<std::uint64_t> system_call_filter(std::string& problem) {
  problem =
      "seccomp = \"default\" is unavailable: this broker was built without libseccomp (Debian: libseccomp-dev); "
      "install "
      "it and build again, or remove the key";
  return {};
}

}  // namespace actor::broker
