#include "manifest/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace actor::broker {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Smallest first: formatting takes the last one that divides.
constexpr std::array<Unit, 6> duration_units{{{"ns", 1},
                                              {"us", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"min", 60'000'000'000},
                                              {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 4> byte_units{
    {{"B", 1}, {"KiB", std::uint64_t{1} << 10}, {"MiB", std::uint64_t{1} << 20}, {"GiB", std::uint64_t{1} << 30}}};

std::optional<std::uint64_t> parse_quantity(std::string_view text, std::span<const Unit> units, std::uint64_t max) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view name(rest, static_cast<std::size_t>(end - rest));
  if (name.empty() && count == 0) return 0;
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (count > max / unit.factor) return std::nullopt;
    return count * unit.factor;
  }
  return std::nullopt;
}

std::string format_quantity(std::uint64_t quantity, std::span<const Unit> units) {
  const Unit* chosen = &units.front();
  for (const Unit& unit : units) {
    if (quantity != 0 && quantity % unit.factor == 0) chosen = &unit;
  }
  return std::to_string(quantity / chosen->factor) + std::string(chosen->name);
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto count = parse_quantity(text, duration_units, std::numeric_limits<std::int64_t>::max());
  if (!count) return std::nullopt;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(*count));
}

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  return parse_quantity(text, byte_units, std::numeric_limits<std::uint64_t>::max());
}

std::string format_duration(std::chrono::nanoseconds duration) {
  if (duration.count() == 0) return "0s";
  if (duration.count() < 0) return std::to_string(duration.count()) + "ns";
  return format_quantity(static_cast<std::uint64_t>(duration.count()), duration_units);
}

std::string format_bytes(std::uint64_t bytes) {
  return format_quantity(bytes, byte_units);
}

}  // namespace actor::broker
