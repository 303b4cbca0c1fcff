// Durations and sizes as people write them: "250us", "5s", "64MiB". Used by the manifest and by command lines (--for
// 10s). Pure functions, callable from anywhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace actor::broker {

/// How to write one, for error messages.
constexpr std::string_view duration_syntax =
    "a whole number with a unit (ns, us, ms, s, min, h), such as \"500ms\" or \"2min\"";
constexpr std::string_view bytes_syntax =
    "a whole number with a unit (B, KiB, MiB, GiB), such as \"64KiB\" or \"16MiB\"";

/// "250us", "5ms", "10s", "2min", "1h"; a bare "0" is allowed. Nothing for anything else, for signs, spaces, fractions
/// and what does not fit into 63 bits of nanoseconds (292 years).
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "512B", "64KiB", "16MiB", "1GiB"; a bare "0" is allowed. KB and MB are refused: they mean two different things.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// In the largest unit that is exact: "1500ms", "2min". Read back by parse_duration().
std::string format_duration(std::chrono::nanoseconds duration);
std::string format_bytes(std::uint64_t bytes);

}  // namespace actor::broker
