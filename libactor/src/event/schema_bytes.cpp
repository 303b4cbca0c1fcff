// JSON to bytes beside a schema: the way back from json_of(). The schema may be hostile; what it makes of a text is
// bounded by the text's own size, but for arrays of characters.

#include <actor/detail/json.hpp>
#include <actor/error.hpp>
#include <actor/json.hpp>
#include <cstring>
#include <event/schema_tree.hpp>
#include <limits>

namespace actor {
namespace detail {
namespace {

using Node = SchemaNode;
using Kind = SchemaNode::Kind;

constexpr std::size_t max_bytes = std::size_t{256} << 20;

std::vector<std::string_view> views_of(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

std::int64_t least_of(const Node& node) {
  return node.size >= 8 ? INT64_MIN : -(std::int64_t{1} << (node.size * 8 - 1));
}
std::int64_t most_of(const Node& node) {
  return node.size >= 8 ? INT64_MAX : (std::int64_t{1} << (node.size * 8 - 1)) - 1;
}
std::uint64_t most_natural_of(const Node& node) {
  return node.size >= 8 ? UINT64_MAX : (std::uint64_t{1} << (node.size * 8)) - 1;
}

class SchemaEncoder {
 public:
  SchemaEncoder(bool raw, JsonReader& in) : raw_(raw), in_(in) {}

  void value(const Node& node) {
    switch (node.kind) {
      case Kind::Bool:
        return number<std::uint8_t>(in_.boolean() ? 1 : 0);
      case Kind::Char:
        return number(in_.character());
      case Kind::Signed:
        return integer(node, in_.integer(least_of(node), most_of(node)));
      case Kind::Unsigned:
        return natural(node, in_.natural(most_natural_of(node)));
      case Kind::Float:
        return real(node, in_.real());
      case Kind::Enum:
        return enumerator(node);
      case Kind::String:
        return text(in_.string());
      case Kind::Vector:
      case Kind::Set:
      case Kind::Array:
        return sequence(node);
      case Kind::Optional:
        return optional(node);
      case Kind::Variant:
        return variant(node);
      case Kind::Tuple:
        return tuple(node);
      case Kind::Map:
      case Kind::MultiMap:
        return map(node);
      case Kind::Duration:
        return ticks(node);
      case Kind::TimePoint:
        return time_point(node);
      case Kind::Struct:
        return structure(node);
      case Kind::Outer:
        return structure(*node.outer);
      case Kind::Opaque:
        return opaque(node);
    }
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void put(const void* data, std::size_t size) {
    room_for(size);
    const auto* first = static_cast<const std::byte*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  void pad(std::size_t size) {
    room_for(size);
    bytes_.resize(bytes_.size() + size);
  }
  void room_for(std::size_t size) const {
    if (size > max_bytes - bytes_.size()) in_.refuse("an event of at most 256 MiB");
  }
  void align(std::size_t to) {
    if (raw_ && bytes_.size() % to != 0) pad(to - bytes_.size() % to);
  }
  template <class T>
  void number(T value) {
    align(sizeof(T));
    put(&value, sizeof(T));
  }
  void integer(const Node& node, std::int64_t value) {
    align(node.size);
    put(&value, node.size);  // little-endian, as events travel on one machine: the low bytes come first
  }
  void natural(const Node& node, std::uint64_t value) {
    align(node.size);
    put(&value, node.size);
  }
  void real(const Node& node, double value) {
    node.size == sizeof(float) ? number(static_cast<float>(value)) : number(value);
  }
  void text(std::string_view text) {
    number<std::uint64_t>(text.size());
    put(text.data(), text.size());
  }

  void enumerator(const Node& node) {
    const Node& underlying = *node.parts[0];
    std::int64_t value = 0;
    if (in_.is_string()) {
      value = node.values[index_of_name(in_, views_of(node.names))];
    } else if (underlying.kind == Kind::Bool) {
      value = in_.boolean() ? 1 : 0;
    } else if (underlying.kind == Kind::Unsigned) {
      value = static_cast<std::int64_t>(in_.natural(most_natural_of(underlying)));
    } else {
      value = in_.integer(least_of(underlying), most_of(underlying));
    }
    integer(underlying, value);
  }
  void sequence(const Node& node) {
    const Node& element = *node.parts[0];
    const bool counted = node.kind != Kind::Array;
    if (element.kind == Kind::Char && node.kind != Kind::Set) {
      const std::string characters = in_.string();
      if (counted) return text(characters);
      if (characters.size() > node.extent) in_.refuse("at most " + std::to_string(node.extent) + " characters");
      put(characters.data(), characters.size());
      return pad(node.extent - characters.size());
    }
    if (!counted) in_.array_of(node.extent);
    const std::size_t size = in_.array();
    if (counted) number<std::uint64_t>(size);
    for (std::size_t i = 0; i < size; ++i) at(i, element);
  }
  void at(std::size_t index, const Node& node) {
    in_.enter(index);
    value(node);
    in_.leave();
  }
  void optional(const Node& node) {
    const bool none = in_.is_null();
    number<std::uint8_t>(none ? 1 : 0);
    if (none) return;
    if (node.parts[0]->kind != Kind::Optional) return value(*node.parts[0]);
    in_.array_of(1);
    at(0, *node.parts[0]);
  }
  /// Alternatives go by their numbers: schemas do not name structs.
  void variant(const Node& node) {
    std::vector<std::string> numbers;
    for (std::size_t i = 0; i < node.parts.size(); ++i) numbers.push_back(std::to_string(i));
    const std::size_t index = in_.alternative(views_of(numbers));
    number(static_cast<std::int32_t>(index));
    in_.enter_only();
    value(*node.parts[index]);
    in_.leave();
  }
  void tuple(const Node& node) {
    in_.array_of(node.parts.size());
    for (std::size_t i = 0; i < node.parts.size(); ++i) at(i, *node.parts[i]);
  }
  void map(const Node& node) {
    if (node.kind == Kind::Map && node.parts[0]->kind == Kind::String && in_.is_object()) {
      const std::vector<std::string> keys = in_.names();
      number<std::uint64_t>(keys.size());
      for (const std::string& key : keys) {
        text(key);
        in_.enter(key);
        value(*node.parts[1]);
        in_.leave();
      }
      return;
    }
    const std::size_t size = in_.array();
    number<std::uint64_t>(size);
    for (std::size_t i = 0; i < size; ++i) {
      in_.enter(i);
      tuple(node);
      in_.leave();
    }
  }
  void ticks(const Node& node) {
    const Node& rep = *node.parts[0];
    const std::string ticks = in_.ticks(node.num, node.den);
    if (rep.kind == Kind::Float) return real(rep, ticks_as_real(in_, ticks));
    if (rep.kind == Kind::Unsigned) return natural(rep, ticks_as_natural(in_, ticks, most_natural_of(rep)));
    integer(rep, ticks_as_integer(in_, ticks, least_of(rep), most_of(rep)));
  }
  void time_point(const Node& node) {
    const Node& since_epoch = *node.parts[0];
    if (since_epoch.kind != Kind::Duration) in_.refuse("a time point that counts a duration");
    const Node& rep = *since_epoch.parts[0];
    if (node.name != "system" || rep.kind != Kind::Signed) return ticks(since_epoch);
    const std::int64_t value = in_.wall_time(since_epoch.num, since_epoch.den);
    if (value < least_of(rep) || value > most_of(rep)) in_.refuse("a time that the field can hold");
    integer(rep, value);
  }
  void structure(const Node& node) {
    align(node.align);
    if (is_event_id(node)) {
      const EventId id = read_json_event_id(in_);
      number(id.actor);
      number(id.counter);
    } else {
      in_.object_of(views_of(node.names));
      for (std::size_t i = 0; i < node.parts.size(); ++i) {
        in_.enter(node.names[i]);
        value(*node.parts[i]);
        in_.leave();
      }
      if (raw_ && node.parts.empty()) pad(1);
    }
    align(node.align);
  }
  void opaque(const Node& node) {
    if (node.name != "actor::ActorId")
      in_.refuse("no " + node.name + ": it has an encoding of its own, which its schema does not tell");
    text(in_.string());
  }

  const bool raw_;
  JsonReader& in_;
  std::vector<std::byte> bytes_;
};

}  // namespace
}  // namespace detail

std::vector<std::byte> bytes_of(std::string_view schema, std::string_view json) {
  const detail::Schema parsed = detail::parse_schema(schema);
  detail::JsonReader in(json);
  detail::SchemaEncoder encoder(parsed.raw, in);
  encoder.value(*parsed.root);
  return encoder.take();
}

}  // namespace actor
