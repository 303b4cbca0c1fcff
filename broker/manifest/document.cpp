#include "manifest/document.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <optional>

#include "manifest/names.hpp"

namespace actor::broker {
namespace {

SourcePosition to_position(const toml::source_position& at) {
  return {.line = at.line, .column = at.column};
}

Value convert(const toml::node& node);

Table convert(const toml::table& table) {
  Table entries;
  entries.reserve(table.size());
  for (const auto& [key, node] : table) {
    entries.push_back(
        {.key = std::string(key.str()), .key_at = to_position(key.source().begin), .value = convert(node)});
  }
  // toml++ keeps tables by name; who reads the file thinks in its order.
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.key_at.line, a.key_at.column) < std::pair(b.key_at.line, b.key_at.column);
  });
  return entries;
}

Value convert(const toml::node& node) {
  Value value;
  value.at = to_position(node.source().begin);
  if (const auto* table = node.as_table()) {
    value.data = convert(*table);
  } else if (const auto* array = node.as_array()) {
    Array values;
    for (const toml::node& element : *array) values.push_back(convert(element));
    value.data = std::move(values);
  } else if (const auto* text = node.as_string()) {
    value.data = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.data = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.data = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.data = boolean->get();
  }
  return value;
}

// Finds where nesting is deeper than any manifest's, before toml++ sees the text: it destroys its tree recursively, and
// the key a.a.a.a... with 50 000 dots, which fits well into a manifest, overflows the stack. Skips comments and strings
// as TOML defines them; where the text is not TOML it may stop early, and toml++ stops at the same place.
class NestingScan {
 public:
  explicit NestingScan(std::string_view text) : text_(text) {}

  std::optional<SyntaxError> run() {
    while (next_ < text_.size()) {
      const char c = text_[next_];
      if (c == '#') {
        next_ = std::min(text_.find('\n', next_), text_.size());
        continue;
      }
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (!step(c)) return error();
      ++next_;
    }
    return std::nullopt;
  }

 private:
  static constexpr int max_dots = 32;
  static constexpr int max_brackets = 32;

  bool step(char c) {
    if (c == '[' || c == '{') ++brackets_;
    if (c == ']' || c == '}') --brackets_;
    if (c == '.') {
      ++dots_;
    } else if (std::string_view("[]{}=,\n").find(c) != std::string_view::npos) {
      dots_ = 0;
    }
    return dots_ <= max_dots && brackets_ <= max_brackets;
  }

  void skip_string(char quote) {
    const std::string triple(3, quote);
    const bool multi_line = text_.substr(next_, 3) == triple;
    next_ += multi_line ? 3 : 1;
    while (next_ < text_.size()) {
      const char c = text_[next_];
      if (c == '\\' && quote == '"') {
        next_ += 2;
      } else if (multi_line && text_.substr(next_, 3) == triple) {
        next_ += 3;
        while (next_ < text_.size() && text_[next_] == quote) ++next_;  // up to two quotes may belong to the text
        return;
      } else if (!multi_line && (c == quote || c == '\n')) {
        ++next_;
        return;
      } else {
        ++next_;
      }
    }
  }

  SyntaxError error() const {
    const std::string_view before = text_.substr(0, next_);
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {.at = {.line = static_cast<unsigned>(std::count(before.begin(), before.end(), '\n') + 1),
                   .column = static_cast<unsigned>(next_ - line_start + 1)},
            .message = "nested more than 32 deep; no key of a manifest is"};
  }

  std::string_view text_;
  std::size_t next_ = 0;
  int dots_ = 0;
  int brackets_ = 0;
};

// toml++ says where and what; most who write a manifest need to hear what to write instead.
std::string advice(std::string_view description) {
  struct Advice {
    std::string_view when;
    std::string_view then;
  };
  constexpr std::string_view unclosed_header = "the ] that ends the section's header is missing";
  constexpr std::string_view unclosed_text =
      "is the quote that ends the text missing? A line break inside it would be written \\n";
  static constexpr std::array<Advice, 11> known{{
      {"cannot redefine existing table", "each section is written once: merge the two, or give one another name"},
      {"cannot redefine existing", "this key is set above already: keep one of the two"},
      {"table header: expected ']', saw '\\", unclosed_header},  // \n, \r
      {"table header: expected ']', saw '#'", unclosed_header},
      {"table header: encountered end-of-file", unclosed_header},
      {"table header: expected ']'",
       "a name that is more than letters, digits, - and _ is quoted: [topics.\"Type{field=value}\"]"},
      {"could not determine value type",
       "texts, durations (\"5s\") and sizes (\"64MiB\") are written in double quotes"},
      {"while parsing decimal", "texts, durations (\"5s\") and sizes (\"64MiB\") are written in double quotes"},
      {"control characters other than TAB", unclosed_text},
      {"string: encountered end-of-file", unclosed_text},
      {"inline table", "an inline table { ... } stands on one line, without a comma at its end"},
  }};
  for (const Advice& each : known) {
    if (description.find(each.when) != std::string_view::npos) return "; " + std::string(each.then);
  }
  return {};
}

}  // namespace

std::variant<Table, SyntaxError> parse_document(std::string_view text) {
  if (auto too_deep = NestingScan(text).run()) return std::move(*too_deep);
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& error) {
    std::string description(error.description());  // may quote raw bytes of the text
    std::replace_if(description.begin(), description.end(), is_control_character, '?');
    return SyntaxError{.at = to_position(error.source().begin),
                       .message = "not valid TOML: " + description + advice(description)};
  }
}

std::string describe(const Value& value) {
  struct Describe {
    std::string operator()(DateOrTime) const { return "a date or time"; }
    std::string operator()(bool boolean) const { return boolean ? "true" : "false"; }
    std::string operator()(std::int64_t integer) const { return "the integer " + std::to_string(integer); }
    std::string operator()(double) const { return "a decimal number"; }
    std::string operator()(const std::string&) const { return "a string"; }
    std::string operator()(const Array&) const { return "an array"; }
    std::string operator()(const Table&) const { return "a table"; }
  };
  return std::visit(Describe{}, value.data);
}

}  // namespace actor::broker
