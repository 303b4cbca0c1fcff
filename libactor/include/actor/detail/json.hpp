#pragma once

// JSON as text and as values: what does not depend on an event's type, so that each type adds little code.
// json_walk.hpp goes over the fields; actor/json.hpp says what JSON. One writer or reader belongs to one thread.

#include <actor/id.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actor::detail {

/// Appends to a text; commas come by themselves.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out), start_(out.size()) {}

  void open(char bracket);
  void close(char bracket) { out_ += bracket; }
  void key(std::string_view name);
  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void natural(std::uint64_t value);
  void real(double value);
  void real(float value);
  void character(char value);
  /// {"hex":"..."} when it is no UTF-8.
  void string(std::string_view text);
  void hex(std::span<const std::byte> bytes);
  /// `ticks` of num/den seconds each, "250ms".
  void duration(std::string_view ticks, std::intmax_t num, std::intmax_t den);
  /// "2026-11-22T19:55:53.25Z", or the duration since the epoch when that would not be exact.
  void wall_time(std::int64_t ticks, std::intmax_t num, std::intmax_t den);

 private:
  void separate();

  std::string& out_;
  std::size_t start_;
};

/// A place in a parsed text. Each function throws Error(Incompatible) when it does not find what it is asked for.
class JsonReader {
 public:
  explicit JsonReader(std::string_view text);
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  bool is_null() const;
  bool is_string() const;
  bool is_object() const;
  bool boolean();
  std::int64_t integer(std::int64_t least, std::int64_t most);
  std::uint64_t natural(std::uint64_t most);
  double real();
  char character();
  std::string string();
  std::vector<std::byte> hex();
  std::string ticks(std::intmax_t num, std::intmax_t den);
  std::int64_t wall_time(std::intmax_t num, std::intmax_t den);

  /// How many elements the array has.
  std::size_t array();
  void array_of(std::size_t size);
  /// An object with these fields and no others.
  void object_of(std::span<const std::string_view> names);
  bool has(std::string_view name) const;
  /// The names in an object, or the one name of a variant.
  std::vector<std::string> names();
  std::size_t alternative(std::span<const std::string_view> names);

  void enter(std::string_view name);
  void enter(std::size_t index);
  /// Into the only value of an object.
  void enter_only();
  void leave();

  /// "thresholds[2].unit: expected a number, found "warm"."
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  struct Place;
  std::unique_ptr<Place> place_;
};

std::size_t index_of_name(JsonReader& in, std::span<const std::string_view> names);
double ticks_as_real(JsonReader& in, const std::string& ticks);
std::int64_t ticks_as_integer(JsonReader& in, const std::string& ticks, std::int64_t least, std::int64_t most);
std::uint64_t ticks_as_natural(JsonReader& in, const std::string& ticks, std::uint64_t most);

EventId read_json_event_id(JsonReader& in);
bool is_utf8(std::string_view text);

}  // namespace actor::detail
