#pragma once

// What the console prints: one readable line for each reading, alert and note. Pure functions, any thread.

#include <chrono>
#include <string>

#include "events.hpp"

namespace station {

/// "3.2 %", "1.5 MiB", "12.0 KiB/s", "0 B/s", "0.5 /s", "48.1 °C".
std::string format_value(double value, Unit unit);

/// "%", "B", "B/s", "/s", "°C".
std::string_view unit_symbol(Unit unit);

/// "12:00:01 cpu      user 3.2 %  system 1.1 %  idle 95.7 %", in local time, without a newline.
std::string format_line(std::chrono::system_clock::time_point at, const Reading& reading);
std::string format_line(std::chrono::system_clock::time_point at, const Alert& alert);
std::string format_line(std::chrono::system_clock::time_point at, const Note& note);

}  // namespace station
