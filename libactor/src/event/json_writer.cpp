#include <actor/detail/json.hpp>
#include <actor/detail/text.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

namespace actor::detail {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\t') {
    out += "\\t";
  } else {
    out += "\\u00";
    out += hex_digits[byte >> 4];
    out += hex_digits[byte & 15];
  }
}

void append_json_string(std::string& out, std::string_view text) {
  const auto needs_escape = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '"' || c == '\\';
  };
  out += '"';
  while (!text.empty()) {  // what needs no escape goes in one piece: most texts are one
    const auto plain = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), needs_escape) - text.begin());
    out += text.substr(0, plain);
    if (plain < text.size()) append_escaped(out, text[plain]);
    text.remove_prefix(std::min(plain + 1, text.size()));
  }
  out += '"';
}

/// How many bytes the character at the front takes; 0: it is no UTF-8 (overlong, a surrogate, cut off...).
std::size_t utf8_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !follows(1)) return 0;
  if (first < 0xE0) return 2;
  if (!follows(2)) return 0;
  if (first < 0xF0) return (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ? 0 : 3;
  if (!follows(3)) return 0;
  return (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F) ? 0 : 4;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

void JsonWriter::separate() {
  if (out_.size() == start_) return;
  const char last = out_.back();  // never inside a string: those end with a quote
  if (last != '{' && last != '[' && last != ':') out_ += ',';
}

void JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
}

void JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
}

void JsonWriter::null() {
  separate();
  out_ += "null";
}

void JsonWriter::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void JsonWriter::integer(std::int64_t value) {
  separate();
  append_number(out_, value);
}

void JsonWriter::natural(std::uint64_t value) {
  separate();
  append_number(out_, value);
}

void JsonWriter::real(double value) {
  separate();
  if (std::isnan(value)) {
    out_ += "\"nan\"";
  } else if (std::isinf(value)) {
    out_ += value > 0 ? "\"inf\"" : "\"-inf\"";
  } else if (value == 0 && std::signbit(value)) {
    out_ += "-0.0";  // "-0" would be read as an integer, which has no sign
  } else {
    append_number(out_, value);
  }
}

void JsonWriter::real(float value) {
  if (!std::isfinite(value) || value == 0) return real(double{value});
  std::string text;
  append_number(text, value);
  double read_back = 0;
  std::from_chars(text.data(), text.data() + text.size(), read_back);
  // Readers take numbers for doubles. The shortest text of a float may then be rounded twice: write the double instead.
  if (static_cast<float>(read_back) != value) return real(double{value});
  separate();
  out_ += text;
}

void JsonWriter::character(char value) {
  if (static_cast<unsigned char>(value) < 0x80) {
    string({&value, 1});
  } else {
    integer(value);
  }
}

void JsonWriter::string(std::string_view text) {
  if (!is_utf8(text)) return hex(std::as_bytes(std::span(text)));
  separate();
  append_json_string(out_, text);
}

void JsonWriter::hex(std::span<const std::byte> bytes) {
  open('{');
  key("hex");
  out_ += '"';
  for (const std::byte byte : bytes) {
    out_ += hex_digits[std::to_integer<unsigned>(byte) >> 4];
    out_ += hex_digits[std::to_integer<unsigned>(byte) & 15];
  }
  out_ += "\"}";
}

void JsonWriter::duration(std::string_view ticks, std::intmax_t num, std::intmax_t den) {
  if (ticks.starts_with('"')) {  // no number: "nan", "inf"
    ticks.remove_prefix(1);
    ticks.remove_suffix(1);
  }
  std::string text;
  append_duration(text, ticks, num, den);
  string(text);
}

void JsonWriter::wall_time(std::int64_t ticks, std::intmax_t num, std::intmax_t den) {
  std::int64_t ns = 0;
  const bool whole = num <= 1'000'000'000 && (num * 1'000'000'000) % den == 0;
  if (whole && !__builtin_mul_overflow(ticks, num * 1'000'000'000 / den, &ns)) {
    std::string text;
    append_wall_time(text, ns);
    string(text);
  } else {
    duration(std::to_string(ticks), num, den);
  }
}

}  // namespace actor::detail
