#include "settings.hpp"

#include <actor/error.hpp>
#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>

namespace station {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  struct TimeUnit {
    std::string_view name;
    std::int64_t milliseconds;
  };
  constexpr std::array<TimeUnit, 5> units = {
      {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  std::int64_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(stop - text.data()));
  for (const TimeUnit& unit : units) {
    if (suffix != unit.name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / 1'000'000 / unit.milliseconds) return std::nullopt;
    return std::chrono::milliseconds(number * unit.milliseconds);
  }
  return std::nullopt;
}

std::string text_setting(const char* variable, std::string_view otherwise) {
  const char* const value = std::getenv(variable);
  return std::string(value && *value ? std::string_view(value) : otherwise);
}

std::chrono::milliseconds duration_setting(const char* variable, std::chrono::milliseconds otherwise) {
  const std::string text = text_setting(variable, "");
  if (text.empty()) return otherwise;
  if (const auto duration = parse_duration(text)) return *duration;
  throw actor::Error(actor::ErrorCode::External,
                     std::string("reading the environment variable ") + variable + "=" + text +
                         ": must be a duration longer than 0; write for example 250ms, 1s or 2min");
}

}  // namespace station
