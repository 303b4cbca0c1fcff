#include <actor/detail/json.hpp>
#include <actor/detail/text.hpp>
#include <actor/error.hpp>
#include <charconv>
#include <cmath>
#include <ctime>
#include <nlohmann/json.hpp>

namespace actor::detail {
namespace {

/// How deep lists and objects may nest: a text from elsewhere must not overrun the stack of those who walk it.
constexpr int deepest = 512;

bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_string && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_string = !in_string;
    } else if (!in_string && (text[i] == '[' || text[i] == '{')) {
      if (++depth > deepest) return true;
    } else if (!in_string && (text[i] == ']' || text[i] == '}')) {
      --depth;
    }
  }
  return false;
}

template <class T>
bool parse_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// "2026-11-22T19:55:53.25Z" to ns since the epoch.
bool parse_wall_time(const std::string& text, std::int64_t& ns) {
  std::tm parts{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (!rest) return false;
  std::int64_t fraction = 0;
  if (*rest == '.') {
    std::int64_t worth = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, worth /= 10) fraction += (*rest - '0') * worth;
  }
  if (std::string_view(rest) != "Z") return false;
  const std::int64_t seconds = timegm(&parts);
  return !__builtin_mul_overflow(seconds, std::int64_t{1'000'000'000}, &ns) &&
         !__builtin_add_overflow(ns, fraction, &ns);
}

std::string joined(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text.empty() ? "nothing" : text;
}

}  // namespace

struct JsonReader::Place {
  struct Step {
    const nlohmann::json* node;
    std::string name;  // how one comes here from the step before: ".unit", "[2]"
  };
  const nlohmann::json& here() const { return *path.back().node; }

  nlohmann::json document;
  std::vector<Step> path;
};

JsonReader::JsonReader(std::string_view text) : place_(std::make_unique<Place>()) {
  if (is_too_deep(text)) {
    throw Error(ErrorCode::Incompatible,
                "lists and objects nest deeper than " + std::to_string(deepest) + " levels: no event does");
  }
  try {
    place_->document = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    std::string what = error.what();  // "[json.exception.parse_error.101] parse error at line 1, column 3: ..."
    if (const std::size_t start = what.find("] "); start != std::string::npos) what.erase(0, start + 2);
    throw Error(ErrorCode::Incompatible, "this is no JSON: " + what);
  }
  place_->path.push_back({&place_->document, {}});
}

JsonReader::~JsonReader() = default;

void JsonReader::refuse(const std::string& expected) const {
  std::string where;
  for (const Place::Step& step : place_->path) where += step.name;
  if (where.starts_with('.')) where.erase(0, 1);
  std::string found = place_->here().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (found.size() > 80) found = found.substr(0, 77) + "...";
  throw Error(ErrorCode::Incompatible,
              (where.empty() ? "" : where + ": ") + "expected " + expected + ", found " + found);
}

bool JsonReader::is_null() const {
  return place_->here().is_null();
}
bool JsonReader::is_string() const {
  return place_->here().is_string();
}
bool JsonReader::is_object() const {
  return place_->here().is_object();
}

bool JsonReader::boolean() {
  if (!place_->here().is_boolean()) refuse("true or false");
  return place_->here().get<bool>();
}

std::int64_t JsonReader::integer(std::int64_t least, std::int64_t most) {
  const nlohmann::json& node = place_->here();
  const bool fits = node.is_number_integer() && (!node.is_number_unsigned() || node.get<std::uint64_t>() <= INT64_MAX);
  const std::int64_t value = fits ? node.get<std::int64_t>() : 0;
  if (!fits || value < least || value > most) {
    refuse("an integer from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

std::uint64_t JsonReader::natural(std::uint64_t most) {
  const nlohmann::json& node = place_->here();
  if (!node.is_number_unsigned() || node.get<std::uint64_t>() > most)
    refuse("an integer from 0 to " + std::to_string(most));
  return node.get<std::uint64_t>();
}

double JsonReader::real() {
  const nlohmann::json& node = place_->here();
  if (node.is_number()) return node.get<double>();
  if (node == "nan") return std::nan("");
  if (node == "inf") return HUGE_VAL;
  if (node == "-inf") return -HUGE_VAL;
  refuse("a number");
}

char JsonReader::character() {
  const nlohmann::json& node = place_->here();
  if (!node.is_string()) {
    return static_cast<char>(integer(std::numeric_limits<char>::min(), std::numeric_limits<char>::max()));
  }
  if (node.get_ref<const std::string&>().size() != 1) refuse("one character");
  return node.get_ref<const std::string&>()[0];
}

std::string JsonReader::string() {
  const nlohmann::json& node = place_->here();
  if (node.is_string()) return node.get<std::string>();
  if (!node.is_object()) refuse("a text");
  const std::vector<std::byte> bytes = hex();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> JsonReader::hex() {
  const nlohmann::json& node = place_->here();
  const std::string expected = "bytes, {\"hex\":\"00ff\"}";
  if (!node.is_object() || node.size() != 1 || !node.contains("hex") || !node["hex"].is_string()) refuse(expected);
  const auto& digits = node["hex"].get_ref<const std::string&>();
  if (digits.size() % 2 != 0) refuse(expected);
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_value(digits[i]);
    const int low = hex_value(digits[i + 1]);
    if (high < 0 || low < 0) refuse(expected);
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return bytes;
}

std::string JsonReader::ticks(std::intmax_t num, std::intmax_t den) {
  std::string unit;
  append_duration(unit, "", num, den);
  if (!is_string()) refuse("a duration such as \"5" + unit + "\"");
  std::string text = string();
  if (!text.ends_with(unit)) refuse("a duration such as \"5" + unit + "\"");
  text.resize(text.size() - unit.size());
  return text;
}

std::int64_t JsonReader::wall_time(std::intmax_t num, std::intmax_t den) {
  const std::string expected = "a time such as \"2026-11-22T19:55:53.25Z\"";
  if (!is_string()) refuse(expected);
  const std::string text = string();
  if (!text.ends_with('Z')) return ticks_as_integer(*this, ticks(num, den), INT64_MIN, INT64_MAX);
  std::int64_t ns = 0;
  const bool whole = num <= 1'000'000'000 && (num * 1'000'000'000) % den == 0;
  if (!whole || !parse_wall_time(text, ns)) refuse(expected);
  const std::int64_t ns_per_tick = num * 1'000'000'000 / den;
  if (ns % ns_per_tick != 0) refuse("a time that the field can hold exactly");
  return ns / ns_per_tick;
}

std::size_t JsonReader::array() {
  if (!place_->here().is_array()) refuse("a list");
  return place_->here().size();
}

void JsonReader::array_of(std::size_t size) {
  if (!place_->here().is_array() || place_->here().size() != size) refuse("a list of " + std::to_string(size));
}

void JsonReader::object_of(std::span<const std::string_view> names) {
  const nlohmann::json& node = place_->here();
  if (!node.is_object()) refuse("an object with the fields " + joined(names));
  for (const auto& item : node.items()) {
    if (std::find(names.begin(), names.end(), item.key()) == names.end())
      refuse("the fields " + joined(names) + " and no " + item.key());
  }
  for (const std::string_view name : names) {
    if (!node.contains(name)) refuse("a field " + std::string(name));
  }
}

bool JsonReader::has(std::string_view name) const {
  return place_->here().is_object() && place_->here().contains(name);
}

std::vector<std::string> JsonReader::names() {
  std::vector<std::string> names;
  for (const auto& item : place_->here().items()) names.push_back(item.key());
  return names;
}

std::size_t JsonReader::alternative(std::span<const std::string_view> names) {
  const nlohmann::json& node = place_->here();
  const std::string expected = "an object with one of " + joined(names);
  if (!node.is_object() || node.size() != 1) refuse(expected);
  const std::string name = node.items().begin().key();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name || std::to_string(i) == name) return i;
  }
  refuse(expected);
}

void JsonReader::enter(std::string_view name) {
  const nlohmann::json& node = place_->here();
  if (!has(name)) refuse("a field " + std::string(name));
  place_->path.push_back({&*node.find(name), "." + std::string(name)});
}

void JsonReader::enter(std::size_t index) {
  const nlohmann::json& node = place_->here();
  if (index >= array()) refuse("a longer list");
  place_->path.push_back({&node[index], "[" + std::to_string(index) + "]"});
}

void JsonReader::enter_only() {
  enter(place_->here().items().begin().key());
}

void JsonReader::leave() {
  place_->path.pop_back();
}

std::size_t index_of_name(JsonReader& in, std::span<const std::string_view> names) {
  const auto at = std::find(names.begin(), names.end(), in.string());
  if (at == names.end()) in.refuse("one of " + joined(names));
  return static_cast<std::size_t>(at - names.begin());
}

double ticks_as_real(JsonReader& in, const std::string& ticks) {
  double value = 0;
  if (!parse_whole(ticks, value)) in.refuse("a number and its unit");
  return value;
}

std::int64_t ticks_as_integer(JsonReader& in, const std::string& ticks, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  if (!parse_whole(ticks, value) || value < least || value > most)
    in.refuse("an integer from " + std::to_string(least) + " to " + std::to_string(most) + ", and its unit");
  return value;
}

std::uint64_t ticks_as_natural(JsonReader& in, const std::string& ticks, std::uint64_t most) {
  std::uint64_t value = 0;
  if (!parse_whole(ticks, value) || value > most)
    in.refuse("an integer from 0 to " + std::to_string(most) + ", and its unit");
  return value;
}

EventId read_json_event_id(JsonReader& in) {
  const std::string text = in.string();
  EventId id;
  const auto half = [&](std::size_t at, std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 16, value, 16);
    return error == std::errc() && end == text.data() + at + 16;
  };
  if (text.size() != 32 || !half(0, id.actor) || !half(16, id.counter))
    in.refuse("an event id of 32 hexadecimal digits");
  return id;
}

}  // namespace actor::detail
