#include "manifest/table_reader.hpp"

#include <algorithm>

#include "manifest/names.hpp"
#include "manifest/suggestion.hpp"
#include "manifest/units.hpp"

namespace actor::broker {
namespace {

std::string list(const std::vector<std::string>& names, bool with_quotes) {
  std::string text;
  for (const std::string& name : names) {
    if (!text.empty()) text += ", ";
    text += with_quotes ? in_quotes(name) : name;
  }
  return text;
}

std::string out_of_range(const std::string& text, const std::string& min, const std::string& max) {
  return in_quotes(text) + " is out of range; allowed: " + in_quotes(min) + " to " + in_quotes(max);
}

std::string out_of_range(std::int64_t number, std::int64_t min, std::int64_t max) {
  return std::to_string(number) + " is out of range; allowed: " + std::to_string(min) + " to " + std::to_string(max);
}

}  // namespace

void Findings::error(SourcePosition at, std::string key, std::string message) {
  errors.push_back(
      {.file = file, .line = at.line, .column = at.column, .key = std::move(key), .message = std::move(message)});
}

void Findings::warn(SourcePosition at, std::string key, std::string message) {
  warnings.push_back(
      {.file = file, .line = at.line, .column = at.column, .key = std::move(key), .message = std::move(message)});
}

SourcePosition Findings::position(std::string_view key) const {
  const auto found = positions.find(key);
  return found == positions.end() ? SourcePosition{} : found->second;
}

void TableReader::read(const Table& table, SourcePosition at, const std::string& path, Findings& findings,
                       const Body& body) {
  TableReader reader(table, at, path, findings);
  body(reader);
  reader.report_unread_keys();
}

const Entry* TableReader::find(std::string_view key) const {
  const auto found = std::find_if(table_.begin(), table_.end(), [&](const Entry& entry) { return entry.key == key; });
  return found == table_.end() ? nullptr : &*found;
}

const Value* TableReader::ask(std::string_view key) {
  asked_.emplace(key);
  const Entry* const entry = find(key);
  if (!entry) return nullptr;
  findings_.positions[key_path(path_, key)] = entry->value.at;
  return &entry->value;
}

template <typename T>
const T* TableReader::ask(std::string_view key, std::string_view expected) {
  const Value* const value = ask(key);
  if (!value) return nullptr;
  const T* const data = std::get_if<T>(&value->data);
  if (!data) error(key, "must be " + std::string(expected) + ", not " + describe(*value));
  return data;
}

bool TableReader::has(std::string_view key) const {
  return find(key) != nullptr;
}

void TableReader::error(std::string_view key, std::string message) {
  const Entry* const entry = find(key);
  findings_.error(entry ? entry->value.at : at_, key.empty() ? path_ : key_path(path_, key), std::move(message));
}

void TableReader::require(std::string_view key, std::string why) {
  asked_.emplace(key);
  required_.emplace_back(key, std::move(why));
}

std::optional<std::string> TableReader::as_text(const Value& value, const std::string& path,
                                                std::string_view expected) {
  const auto* const text = std::get_if<std::string>(&value.data);
  if (!text) {
    findings_.error(value.at, path, "must be " + std::string(expected) + " in double quotes, not " + describe(value));
    return std::nullopt;
  }
  if (text->find('\0') != std::string::npos) {
    findings_.error(value.at, path, "contains a NUL character (\\u0000), which no program can be given; remove it");
    return std::nullopt;
  }
  return *text;
}

std::optional<std::string> TableReader::read_text(std::string_view key) {
  const Value* const value = ask(key);
  if (!value) return std::nullopt;
  auto text = as_text(*value, key_path(path_, key), "a string");
  if (text && text->empty()) {
    error(key, "must not be empty");
    return std::nullopt;
  }
  return text;
}

std::optional<std::chrono::nanoseconds> TableReader::read_duration(std::string_view key, DurationRange range) {
  const auto* const text = ask<std::string>(key, "a duration in double quotes: " + std::string(duration_syntax));
  if (!text) return std::nullopt;
  const auto duration = parse_duration(*text);
  if (!duration) {
    error(key, in_quotes(*text) + " is not a duration; allowed: " + std::string(duration_syntax));
  } else if (*duration < range.min || *duration > range.max) {
    error(key, out_of_range(*text, format_duration(range.min), format_duration(range.max)));
  } else {
    return duration;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> TableReader::read_bytes(std::string_view key, ByteRange range) {
  const auto* const text = ask<std::string>(key, "a size in double quotes: " + std::string(bytes_syntax));
  if (!text) return std::nullopt;
  const auto bytes = parse_bytes(*text);
  if (!bytes) {
    error(key, in_quotes(*text) + " is not a size; allowed: " + std::string(bytes_syntax));
  } else if (*bytes < range.min || *bytes > range.max) {
    error(key, out_of_range(*text, format_bytes(range.min), format_bytes(range.max)));
  } else {
    return bytes;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> TableReader::read_integer(std::string_view key, Range<std::uint32_t> range) {
  const auto* const integer = ask<std::int64_t>(key, "an integer");
  if (!integer) return std::nullopt;
  if (*integer < range.min || *integer > range.max) {
    error(key, out_of_range(*integer, std::int64_t{range.min}, std::int64_t{range.max}));
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*integer);
}

std::optional<std::int32_t> TableReader::read_signed_integer(std::string_view key, Range<std::int32_t> range) {
  const auto* const integer = ask<std::int64_t>(key, "an integer");
  if (!integer) return std::nullopt;
  if (*integer < range.min || *integer > range.max) {
    error(key, out_of_range(*integer, std::int64_t{range.min}, std::int64_t{range.max}));
    return std::nullopt;
  }
  return static_cast<std::int32_t>(*integer);
}

std::optional<bool> TableReader::read_boolean(std::string_view key) {
  const auto* const value = ask<bool>(key, "true or false");
  return value ? std::optional(*value) : std::nullopt;
}

void TableReader::integers(std::string_view key, std::vector<std::uint32_t>& out, Range<std::uint32_t> range) {
  const auto* const array = ask<Array>(key, "an array of integers, such as [0, 1]");
  if (!array) return;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const Value& value = (*array)[i];
    const std::string path = key_path(path_, key) + '[' + std::to_string(i) + ']';
    const auto* const integer = std::get_if<std::int64_t>(&value.data);
    if (!integer) {
      findings_.error(value.at, path, "must be an integer, not " + describe(value));
    } else if (*integer < range.min || *integer > range.max) {
      findings_.error(value.at, path, out_of_range(*integer, std::int64_t{range.min}, std::int64_t{range.max}));
    } else {
      out.push_back(static_cast<std::uint32_t>(*integer));
    }
  }
}

std::optional<std::ptrdiff_t> TableReader::read_choice(std::string_view key, const std::vector<std::string>& names) {
  const auto* const text = ask<std::string>(key, "one of " + list(names, true));
  if (!text) return std::nullopt;
  const auto found = std::find(names.begin(), names.end(), *text);
  if (found == names.end()) {
    error(key, in_quotes(*text) + " is not allowed; allowed: " + list(names, true) + did_you_mean(*text, names));
    return std::nullopt;
  }
  return found - names.begin();
}

void TableReader::texts(std::string_view key, std::vector<std::string>& out) {
  const auto* const array = ask<Array>(key, "an array of strings, such as [\"one\", \"two\"]");
  if (!array) return;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string path = key_path(path_, key) + '[' + std::to_string(i) + ']';
    findings_.positions[path] = (*array)[i].at;
    if (auto text = as_text((*array)[i], path, "a string")) out.push_back(std::move(*text));
  }
}

void TableReader::text_map(std::string_view key, std::map<std::string, std::string>& out) {
  tables_.emplace(key);
  const auto* const entries = ask<Table>(key, "a table of strings, such as { NAME = \"value\" }");
  if (!entries) return;
  for (const Entry& entry : *entries) {
    const std::string path = key_path(key_path(path_, key), entry.key);
    findings_.positions[path] = entry.value.at;
    if (auto text = as_text(entry.value, path, "a string")) out.emplace(entry.key, std::move(*text));
  }
}

void TableReader::topics(std::string_view key, TopicSet& out) {
  const auto* const array = ask<Array>(key, "an array of topic names, such as [\"StationTopic.Reading\"] or [\"*\"]");
  if (!array) return;
  out = {};
  for (std::size_t i = 0; i < array->size(); ++i) {
    const Value& value = (*array)[i];
    const std::string path = key_path(path_, key) + '[' + std::to_string(i) + ']';
    findings_.positions[path] = value.at;
    const auto name = as_text(value, path, "a topic name");
    if (!name) continue;
    const bool all = *name == "*";
    if ((all && out.all) || std::find(out.names.begin(), out.names.end(), *name) != out.names.end()) {
      findings_.error(value.at, path, in_quotes(*name) + " is listed twice; remove one of the two");
    } else if (all) {
      out.all = true;
    } else if (std::string problem = topic_name_problem(*name); !problem.empty()) {
      findings_.error(value.at, path, std::move(problem));
    } else {
      out.names.push_back(*name);
      findings_.positions[key_path(key_path(path_, key), *name)] = value.at;
    }
  }
}

void TableReader::table(std::string_view key, const Body& body) {
  tables_.emplace(key);
  const auto* const entries = ask<Table>(key, "a table, such as " + std::string(key) + " = { ... }");
  if (entries) read(*entries, find(key)->value.at, key_path(path_, key), findings_, body);
}

bool TableReader::sections(std::string_view key, const std::function<void(const std::string&, TableReader&)>& body) {
  const std::string header = '[' + key_path(path_, key) + ".NAME]";
  const auto* const entries = ask<Table>(key, "sections with a name each: " + header);
  if (!entries) return has(key);
  for (const Entry& entry : *entries) {
    const std::string path = key_path(key_path(path_, key), entry.key);
    findings_.positions[path] = entry.key_at;
    const auto* const section = std::get_if<Table>(&entry.value.data);
    if (!section) {
      findings_.error(entry.value.at, path, "must be a section [" + path + "], not " + describe(entry.value));
      continue;
    }
    read(*section, entry.key_at, path, findings_, [&](TableReader& reader) {
      reader.section_name_ = entry.key;
      body(entry.key, reader);
    });
  }
  return !entries->empty();
}

void TableReader::report_unread_keys() {
  bool name_is_cut = false;
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  const std::vector<std::string> known_tables(tables_.begin(), tables_.end());
  for (const Entry& entry : table_) {
    if (asked_.contains(entry.key)) continue;
    const bool is_section = section_name_ && std::holds_alternative<Table>(entry.value.data);
    const std::string suggestion = did_you_mean(entry.key, is_section ? known_tables : known);
    if (suggestion.empty() && report_unquoted_name(entry)) {
      name_is_cut = true;
      continue;
    }
    findings_.error(entry.key_at, key_path(path_, entry.key),
                    "unknown key" + suggestion + "; allowed here: " + list(known, false));
  }
  if (name_is_cut) return;  // [actors.sensor.cpu] misses nothing in "actors.sensor": that section was never meant
  for (const auto& [key, why] : required_) {
    if (!has(key)) findings_.error(at_, key_path(path_, key), "missing; " + why);
  }
}

// [topics.StationTopic.Reading] is, to TOML, a table Reading in the section topics.StationTopic.
bool TableReader::report_unquoted_name(const Entry& entry) {
  if (!section_name_ || !std::holds_alternative<Table>(entry.value.data)) return false;
  const std::string parent = path_.substr(0, path_.size() - key_path({}, *section_name_).size());  // "topics."
  findings_.error(entry.key_at, key_path(path_, entry.key),
                  "unknown section; a name with a dot in it is quoted: [" + parent +
                      in_quotes(*section_name_ + '.' + entry.key) + ']');
  return true;
}

}  // namespace actor::broker
