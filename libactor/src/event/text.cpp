#include <actor/detail/text.hpp>
#include <array>
#include <charconv>
#include <ctime>
#include <ostream>
#include <sstream>

namespace actor::detail {
namespace {

constexpr std::size_t most_characters_in_text = 256;
constexpr std::int64_t ns_per_s = 1'000'000'000;

template <class T>
void append_shortest(std::string& out, T value) {
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  (void)error;  // 64 characters hold every 64-bit number and every shortest double
  out.append(text, end);
}

void append_escaped(std::string& out, char c, char quote) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else if (c == quote || c == '\\') {
    out += '\\';
    out += c;
  } else if (byte < 0x20 || byte == 0x7f) {
    out += "\\x";
    out += digits[byte >> 4];
    out += digits[byte & 15];
  } else {
    out += c;  // UTF-8 as it is
  }
}

struct Unit {
  std::intmax_t num, den;
  std::string_view name;
};
constexpr std::array<Unit, 7> units{{{1, ns_per_s, "ns"},
                                     {1, 1'000'000, "us"},
                                     {1, 1000, "ms"},
                                     {1, 1, "s"},
                                     {60, 1, "min"},
                                     {3600, 1, "h"},
                                     {86400, 1, "d"}}};

/// Where a text of more than `limit` bytes is cut: not inside a character of UTF-8.
std::size_t cut_at(std::string_view text, std::size_t limit) {
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  return limit;
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  const std::size_t size = text.size() > most_characters_in_text ? cut_at(text, most_characters_in_text) : text.size();
  out += '"';
  for (const char c : text.substr(0, size)) append_escaped(out, c, '"');
  out += '"';
  if (size < text.size()) append_rest(out, text.size() - size);
}

void append_number(std::string& out, std::int64_t value) {
  append_shortest(out, value);
}
void append_number(std::string& out, std::uint64_t value) {
  append_shortest(out, value);
}
void append_number(std::string& out, double value) {
  append_shortest(out, value);
}
void append_number(std::string& out, float value) {
  append_shortest(out, value);
}

void append_char(std::string& out, char value) {
  out += '\'';
  append_escaped(out, value, '\'');
  out += '\'';
}

void append_rest(std::string& out, std::size_t not_written) {
  out += "... ";
  append_shortest(out, not_written);
  out += " more";
}

void append_duration(std::string& out, std::string_view rep, std::intmax_t num, std::intmax_t den) {
  out += rep;
  for (const Unit& unit : units) {
    if (unit.num != num || unit.den != den) continue;
    out += unit.name;
    return;
  }
  out += '[';
  append_shortest(out, num);
  if (den != 1) {
    out += '/';
    append_shortest(out, den);
  }
  out += "]s";
}

void append_brief_duration(std::string& out, std::chrono::nanoseconds duration) {
  std::int64_t count = duration.count();
  std::intmax_t ticks_per_second = ns_per_s;
  while (ticks_per_second > 1 && count % 1000 == 0) {
    count /= 1000;
    ticks_per_second /= 1000;
  }
  append_duration(out, std::to_string(count), 1, ticks_per_second);
}

void append_wall_time(std::string& out, std::int64_t ns_since_epoch) {
  std::int64_t fraction = ns_since_epoch % ns_per_s;
  if (fraction < 0) fraction += ns_per_s;
  const std::time_t seconds = (ns_since_epoch - fraction) / ns_per_s;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  out.append(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts));
  if (fraction != 0) {
    std::string digits = std::to_string(ns_per_s + fraction);  // nine digits behind a 1
    digits[0] = '.';
    out.append(digits, 0, digits.find_last_not_of('0') + 1);
  }
  out += 'Z';
}

std::ostream& write_text(std::ostream& out, std::string_view text) {
  return out << text;
}

void append_streamed(std::string& out, const void* value, void (*print)(std::ostream&, const void*)) {
  std::ostringstream stream;
  print(stream, value);
  out += stream.str();
}

}  // namespace actor::detail
