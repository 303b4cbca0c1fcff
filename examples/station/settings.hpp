#pragma once

// What the environment (in the manifest: `env`) says about how an actor is to work. Any thread, as long as nobody calls
// setenv().

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace station {

/// "250ms", "1s", "2min", "24h", "7d": a whole number and its unit. nullopt for anything else, and for 0.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The variable's value, or `otherwise` where it is unset or empty.
std::string text_setting(const char* variable, std::string_view otherwise);
/// Throws actor::Error(External), naming the variable, for a value that is no duration.
std::chrono::milliseconds duration_setting(const char* variable, std::chrono::milliseconds otherwise);

}  // namespace station
