// Reads one TOML table into plain fields, a line for each key, and notes every error with its position instead of
// stopping at the first. What is wrong leaves the field at its default. Keys that nobody read are unknown keys.
// Internal to the manifest; lives on the stack while one document is read.
#pragma once

#include <functional>
#include <initializer_list>
#include <set>
#include <utility>

#include "manifest/document.hpp"

namespace actor::broker {

/// What reading one document has found out so far.
struct Findings {
  std::string file;
  std::vector<ManifestError> errors;
  std::vector<ManifestError> warnings;
  std::map<std::string, SourcePosition, std::less<>> positions;

  void error(SourcePosition at, std::string key, std::string message);
  void warn(SourcePosition at, std::string key, std::string message);
  SourcePosition position(std::string_view key) const;
};

template <typename T>
struct Range {
  T min;
  T max;
};
using DurationRange = Range<std::chrono::nanoseconds>;
using ByteRange = Range<std::uint64_t>;

class TableReader {
 public:
  using Body = std::function<void(TableReader&)>;

  /// Runs `body` on the table, then reports the keys that it did not ask for. `path` is the table's own key, empty for
  /// the root.
  static void read(const Table& table, SourcePosition at, const std::string& path, Findings& findings,
                   const Body& body);

  // Each reads one key into `out` (a field, or an optional one) when it is there and right.
  template <typename Out>
  void text(std::string_view key, Out& out) {
    if (auto value = read_text(key)) out = std::move(*value);
  }
  template <typename Out>
  void duration(std::string_view key, Out& out, DurationRange range) {
    if (auto value = read_duration(key, range)) out = *value;
  }
  template <typename Out>
  void bytes(std::string_view key, Out& out, ByteRange range) {
    if (auto value = read_bytes(key, range)) out = *value;
  }
  template <typename Out>
  void integer(std::string_view key, Out& out, Range<std::uint32_t> range) {
    if (auto value = read_integer(key, range)) out = *value;
  }
  template <typename Out>
  void signed_integer(std::string_view key, Out& out, Range<std::int32_t> range) {
    if (auto value = read_signed_integer(key, range)) out = *value;
  }
  template <typename Out>
  void boolean(std::string_view key, Out& out) {
    if (const auto value = read_boolean(key)) out = *value;
  }
  void integers(std::string_view key, std::vector<std::uint32_t>& out, Range<std::uint32_t> range);
  template <typename Enum, typename Out>
  void choice(std::string_view key, Out& out, std::initializer_list<std::pair<std::string_view, Enum>> choices) {
    std::vector<std::string> names;
    for (const auto& choice : choices) names.emplace_back(choice.first);
    if (const auto index = read_choice(key, names)) out = (choices.begin() + *index)->second;
  }
  /// A table whose keys are the writer's and whose values are choices: { store = "ready" }.
  template <typename Enum>
  void choices(std::string_view key, std::map<std::string, Enum>& out,
               std::initializer_list<std::pair<std::string_view, Enum>> allowed) {
    table(key, [&](TableReader& entries) {
      for (const Entry& entry : entries.table_) entries.choice<Enum>(entry.key, out[entry.key], allowed);
    });
  }
  void texts(std::string_view key, std::vector<std::string>& out);
  void text_map(std::string_view key, std::map<std::string, std::string>& out);
  void topics(std::string_view key, TopicSet& out);

  /// A table under `key`, such as `backoff = { ... }`.
  void table(std::string_view key, const Body& body);

  /// Sections with names of the writer's choice, such as [actors.NAME], in file order. False when there is none.
  bool sections(std::string_view key, const std::function<void(const std::string& name, TableReader&)>& body);

  /// Says that `key` must be there; `why` completes "missing; ".
  void require(std::string_view key, std::string why);

  bool has(std::string_view key) const;

  /// About the value of `key`, or about the table itself when the key is not written or empty.
  void error(std::string_view key, std::string message);

 private:
  TableReader(const Table& table, SourcePosition at, std::string path, Findings& findings)
      : table_(table), at_(at), path_(std::move(path)), findings_(findings) {}

  std::optional<std::string> read_text(std::string_view key);
  std::optional<std::chrono::nanoseconds> read_duration(std::string_view key, DurationRange range);
  std::optional<std::uint64_t> read_bytes(std::string_view key, ByteRange range);
  std::optional<std::uint32_t> read_integer(std::string_view key, Range<std::uint32_t> range);
  std::optional<std::int32_t> read_signed_integer(std::string_view key, Range<std::int32_t> range);
  std::optional<bool> read_boolean(std::string_view key);
  std::optional<std::ptrdiff_t> read_choice(std::string_view key, const std::vector<std::string>& names);
  std::optional<std::string> as_text(const Value& value, const std::string& path, std::string_view expected);

  const Entry* find(std::string_view key) const;
  const Value* ask(std::string_view key);
  template <typename T>
  const T* ask(std::string_view key, std::string_view expected);
  void report_unread_keys();
  bool report_unquoted_name(const Entry& entry);

  const Table& table_;
  SourcePosition at_;
  std::string path_;
  Findings& findings_;
  std::optional<std::string> section_name_;  // NAME of [actors.NAME]
  std::set<std::string, std::less<>> asked_;
  std::set<std::string, std::less<>> tables_;  // of those, the ones that take a table
  std::vector<std::pair<std::string, std::string>> required_;
};

}  // namespace actor::broker
