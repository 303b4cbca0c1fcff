#include "lines.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace station {
namespace {

constexpr std::size_t name_width = 20;

std::string with_decimals(double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string format_bytes(double bytes) {
  if (std::abs(bytes) < 1024) return with_decimals(bytes, 0) + " B";
  constexpr std::array prefixes = {"Ki", "Mi", "Gi", "Ti"};
  std::size_t prefix = 0;
  bytes /= 1024;
  while (std::abs(bytes) >= 1024 && prefix + 1 < prefixes.size()) {
    bytes /= 1024;
    ++prefix;
  }
  return with_decimals(bytes, 1) + ' ' + prefixes[prefix] + 'B';
}

/// "12:00:01 network eth0         "
std::string line_start(std::chrono::system_clock::time_point at, std::string name) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 16> clock{};
  std::strftime(clock.data(), clock.size(), "%H:%M:%S ", &local);
  if (name.size() < name_width) name.resize(name_width, ' ');
  return clock.data() + name + ' ';
}

std::string name_of(const std::string& source, const std::string& subject) {
  return subject.empty() ? source : source + ' ' + subject;
}

}  // namespace

std::string_view unit_symbol(Unit unit) {
  switch (unit) {
    case Unit::Percent:
      return "%";
    case Unit::Bytes:
      return "B";
    case Unit::BytesPerSecond:
      return "B/s";
    case Unit::PerSecond:
      return "/s";
    case Unit::Celsius:
      return "°C";
  }
  return "?";
}

std::string format_value(double value, Unit unit) {
  switch (unit) {
    case Unit::Bytes:
      return format_bytes(value);
    case Unit::BytesPerSecond:
      return format_bytes(value) + "/s";
    default:
      return with_decimals(value, 1) + ' ' + std::string(unit_symbol(unit));
  }
}

std::string format_line(std::chrono::system_clock::time_point at, const Reading& reading) {
  std::string line = line_start(at, name_of(reading.source, reading.subject));
  for (std::size_t i = 0; i < reading.measures.size(); ++i) {
    const Measure& measure = reading.measures[i];
    if (i != 0) line += "  ";
    line += measure.quantity + ' ' + format_value(measure.value, measure.unit);
  }
  return line;
}

std::string format_line(std::chrono::system_clock::time_point at, const Alert& alert) {
  const bool raised = alert.state == AlertState::Raised;
  return line_start(at, name_of(alert.source, alert.subject)) + (raised ? "ALERT " : "clear ") +
         alert.measure.quantity + ' ' + format_value(alert.measure.value, alert.measure.unit) + " (limit " +
         format_value(alert.limit, alert.measure.unit) + ')';
}

std::string format_line(std::chrono::system_clock::time_point at, const Note& note) {
  return line_start(at, note.source) + "note: " + note.text;
}

}  // namespace station
