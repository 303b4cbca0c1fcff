#pragma once
// Points in time as people and programs read them. Pure; any thread.

#include <array>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>

namespace actor::broker {

/// "2026-11-22T19:55:53.250000Z", from nanoseconds since 1970.
inline std::string wall_time_text(std::int64_t ns) {
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  (void)::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text.data() + length, text.size() - length, ".%06dZ", static_cast<int>(ns % 1'000'000'000 / 1000));
  return text.data();
}

}  // namespace actor::broker
