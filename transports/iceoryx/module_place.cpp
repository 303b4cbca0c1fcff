#include "iceoryx/module_place.hpp"

namespace actor::iceoryx {

std::filesystem::path installed_place() {
  return MODULE_PLACE;
}

std::string find_module(const std::filesystem::path& daemon) {
  std::error_code error;
  const auto programs = std::filesystem::weakly_canonical(daemon, error).parent_path();
  for (const auto& place : {programs, programs / installed_place()}) {
    const auto file = (place / module_name).lexically_normal();
    if (!programs.empty() && std::filesystem::exists(file, error)) return file;
  }
  return module_name;
}

}  // namespace actor::iceoryx
