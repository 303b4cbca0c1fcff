// A TOML document as a plain tree with a position at every key and value, tables in file order. It keeps toml++ inside
// one source file and its heavy header out of everybody's build. Internal to the manifest.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "manifest/manifest.hpp"

namespace actor::broker {

struct Value;
struct Entry;
using Array = std::vector<Value>;
using Table = std::vector<Entry>;
struct DateOrTime {};  // no key of the manifest takes one

struct Value {
  SourcePosition at;
  std::variant<DateOrTime, bool, std::int64_t, double, std::string, Array, Table> data;
};

struct Entry {
  std::string key;
  SourcePosition key_at;
  Value value;
};

struct SyntaxError {
  SourcePosition at;
  std::string message;
};

/// The root table, or the first place where the text is not TOML (toml++ stops there).
std::variant<Table, SyntaxError> parse_document(std::string_view text);

/// "a string", "an integer 5": what a value is, for error messages.
std::string describe(const Value& value);

}  // namespace actor::broker
