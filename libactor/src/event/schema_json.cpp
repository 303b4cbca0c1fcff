// Bytes to JSON beside a schema. Both come from elsewhere: every count is compared with what is left, nesting is
// limited.

#include <actor/detail/json.hpp>
#include <actor/error.hpp>
#include <actor/json.hpp>
#include <algorithm>
#include <cstring>
#include <event/schema_tree.hpp>

namespace actor {
namespace detail {
namespace {

using Node = SchemaNode;
using Kind = SchemaNode::Kind;

class SchemaDecoder {
 public:
  SchemaDecoder(bool raw, std::span<const std::byte> bytes) : raw_(raw), bytes_(bytes) {}

  void value(const Node& node, JsonWriter& out) {
    // What takes no bytes, such as an array of empty structs, could go on for as long as a forged schema says.
    if (++values_ > 16 * bytes_.size() + 1'000'000) refuse("more values than any event has");
    switch (node.kind) {
      case Kind::Bool:
        return out.boolean(flag());
      case Kind::Char:
        return out.character(static_cast<char>(integer(node)));
      case Kind::Signed:
        return out.integer(integer(node));
      case Kind::Unsigned:
        return out.natural(natural(node));
      case Kind::Float:
        return real(node, out);
      case Kind::Enum:
        return enumerator(node, out);
      case Kind::String:
        return out.string(text(count()));
      case Kind::Vector:
      case Kind::Set:
        return sequence(node, count(), out);
      case Kind::Array:
        return sequence(node, node.extent, out);
      case Kind::Optional:
        return optional(node, out);
      case Kind::Variant:
        return variant(node, out);
      case Kind::Tuple:
        return tuple(node, out);
      case Kind::Map:
      case Kind::MultiMap:
        return map(node, out);
      case Kind::Duration:
        return duration(node, out);
      case Kind::TimePoint:
        return time_point(node, out);
      case Kind::Struct:
        return structure(node, out);
      case Kind::Outer:
        return structure(*node.outer, out);
      case Kind::Opaque:
        return opaque(node, out);
    }
  }
  void expect_end() const {
    if (at_ != bytes_.size()) refuse(std::to_string(bytes_.size() - at_) + " bytes are left over");
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::Incompatible,
                "after " + std::to_string(at_) + " of " + std::to_string(bytes_.size()) + " bytes: " + why);
  }
  std::size_t left() const { return bytes_.size() - at_; }
  const std::byte* take(std::size_t size) {
    if (size > left()) refuse(std::to_string(size) + " more are needed");
    at_ += size;
    return bytes_.data() + at_ - size;
  }
  void align(std::size_t to) {
    if (raw_ && at_ % to != 0) take(to - at_ % to);
  }
  template <class T>
  T number() {
    align(sizeof(T));
    T value{};
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }
  std::int64_t integer(const Node& node) {
    switch (node.size) {
      case 1:
        return number<std::int8_t>();
      case 2:
        return number<std::int16_t>();
      case 4:
        return number<std::int32_t>();
      default:
        return number<std::int64_t>();
    }
  }
  std::uint64_t natural(const Node& node) {
    switch (node.size) {
      case 1:
        return number<std::uint8_t>();
      case 2:
        return number<std::uint16_t>();
      case 4:
        return number<std::uint32_t>();
      default:
        return number<std::uint64_t>();
    }
  }
  void real(const Node& node, JsonWriter& out) {
    node.size == sizeof(float) ? out.real(number<float>()) : out.real(number<double>());
  }
  bool flag() {
    const auto byte = number<std::uint8_t>();
    if (byte > 1) refuse("a bool is 0 or 1");
    return byte == 1;
  }
  /// Each element takes a byte at least: check_encodable() refuses others.
  std::size_t count() {
    const auto count = number<std::uint64_t>();
    if (count > left()) refuse("a count of " + std::to_string(count) + " is more than they hold");
    return count;
  }
  std::string_view text(std::size_t size) { return {reinterpret_cast<const char*>(take(size)), size}; }

  void enumerator(const Node& node, JsonWriter& out) {
    const Node& underlying = *node.parts[0];
    const bool is_unsigned = underlying.kind == Kind::Unsigned;
    const std::int64_t value =
        underlying.kind == Kind::Bool
            ? flag()
            : (is_unsigned ? static_cast<std::int64_t>(natural(underlying)) : integer(underlying));
    const auto known = std::find(node.values.begin(), node.values.end(), value);
    if (known != node.values.end()) {
      out.string(node.names[static_cast<std::size_t>(known - node.values.begin())]);
    } else if (underlying.kind == Kind::Bool) {
      out.boolean(value != 0);
    } else {
      is_unsigned ? out.natural(static_cast<std::uint64_t>(value)) : out.integer(value);
    }
  }
  void sequence(const Node& node, std::size_t size, JsonWriter& out) {
    const Node& element = *node.parts[0];
    if (element.kind == Kind::Char && node.kind != Kind::Set) {
      std::string_view characters = text(size);
      while (node.kind == Kind::Array && characters.ends_with('\0')) characters.remove_suffix(1);
      return out.string(characters);
    }
    out.open('[');
    for (std::size_t i = 0; i < size; ++i) value(element, out);
    out.close(']');
  }
  void optional(const Node& node, JsonWriter& out) {
    if (flag()) return out.null();
    const bool wrap = node.parts[0]->kind == Kind::Optional;
    if (wrap) out.open('[');
    value(*node.parts[0], out);
    if (wrap) out.close(']');
  }
  void variant(const Node& node, JsonWriter& out) {
    const auto index = number<std::int32_t>();
    if (index < 0 || static_cast<std::size_t>(index) >= node.parts.size())
      refuse("a variant has no alternative " + std::to_string(index));
    out.open('{');
    out.key(std::to_string(index));
    value(*node.parts[static_cast<std::size_t>(index)], out);
    out.close('}');
  }
  void tuple(const Node& node, JsonWriter& out) {
    out.open('[');
    for (const auto& part : node.parts) value(*part, out);
    out.close(']');
  }
  void map(const Node& node, JsonWriter& out) {
    const std::size_t size = count();
    const bool is_object = node.kind == Kind::Map && node.parts[0]->kind == Kind::String && keys_are_text(node, size);
    out.open(is_object ? '{' : '[');
    for (std::size_t i = 0; i < size; ++i) {
      if (is_object) {
        out.key(text(count()));
        value(*node.parts[1], out);
      } else {
        tuple(node, out);
      }
    }
    out.close(is_object ? '}' : ']');
  }
  /// Looks ahead.
  bool keys_are_text(const Node& node, std::size_t size) {
    const std::size_t start = at_;
    bool all = true;
    std::string passed;
    for (std::size_t i = 0; i < size; ++i) {
      all = is_utf8(text(count())) && all;
      JsonWriter nowhere(passed);
      value(*node.parts[1], nowhere);
      passed.clear();
    }
    at_ = start;
    return all;
  }
  void duration(const Node& node, JsonWriter& out) {
    std::string ticks;
    JsonWriter writer(ticks);
    value(*node.parts[0], writer);
    out.duration(ticks, node.num, node.den);
  }
  void time_point(const Node& node, JsonWriter& out) {
    const Node& since_epoch = *node.parts[0];
    if (node.name == "system" && since_epoch.parts[0]->kind == Kind::Signed) {
      out.wall_time(integer(*since_epoch.parts[0]), since_epoch.num, since_epoch.den);
    } else {
      duration(since_epoch, out);
    }
  }
  void structure(const Node& node, JsonWriter& out) {
    if (++depth_ > max_depth) refuse("structs nest deeper than " + std::to_string(max_depth) + " levels");
    align(node.align);
    if (is_event_id(node)) {
      const auto actor = number<std::uint64_t>();
      out.string(to_string(EventId{actor, number<std::uint64_t>()}));
    } else {
      out.open('{');
      for (std::size_t i = 0; i < node.parts.size(); ++i) {
        out.key(node.names[i]);
        value(*node.parts[i], out);
      }
      out.close('}');
      if (raw_ && node.parts.empty()) take(1);
    }
    align(node.align);
    --depth_;
  }
  void opaque(const Node& node, JsonWriter& out) {
    if (node.name != "actor::ActorId")
      refuse("a " + node.name + " has an encoding of its own, which its schema does not tell");
    out.string(text(count()));
  }

  const bool raw_;
  const std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::size_t values_ = 0;
};

}  // namespace
}  // namespace detail

std::string json_of(std::string_view schema, std::span<const std::byte> payload) {
  const detail::Schema parsed = detail::parse_schema(schema);
  try {
    std::string text;
    detail::JsonWriter out(text);
    detail::SchemaDecoder decoder(parsed.raw, payload);
    decoder.value(*parsed.root, out);
    decoder.expect_end();
    return text;
  } catch (const Error& error) {
    throw Error(error.code(), "decoding an event by its schema " + std::string(schema) + ": " + error.what());
  }
}

}  // namespace actor
