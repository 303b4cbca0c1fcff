#pragma once
// A schema text (actor/schema.hpp has the grammar) as a tree that a tool can walk beside an event's bytes. Owned by
// whoever parsed it, constant afterwards: any thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace actor::detail {

struct SchemaNode {
  enum class Kind : std::uint8_t {
    Bool,
    Char,
    Signed,
    Unsigned,
    Float,
    Enum,
    String,
    Vector,
    Array,
    Optional,
    Variant,
    Tuple,
    Map,       ///< keys are unique
    MultiMap,  ///< they are not
    Set,
    Duration,
    TimePoint,
    Struct,
    Outer,  ///< a struct around this place: `outer`
    Opaque,
  };

  Kind kind = Kind::Opaque;
  std::vector<std::unique_ptr<SchemaNode>> parts;  ///< elements, alternatives, fields; an enum's or duration's number
  std::vector<std::string> names;                  ///< of fields and enumerators
  std::vector<std::int64_t> values;                ///< of enumerators
  const SchemaNode* outer = nullptr;
  std::string name;          ///< of a clock or an opaque type
  std::uint64_t extent = 0;  ///< of an array
  std::int64_t num = 1, den = 1;
  std::uint32_t size = 0, align = 1;  ///< in memory, where it has one layout everywhere; see Schema::raw
};

struct Schema {
  bool raw = false;  ///< the bytes on the wire are the object's
  std::unique_ptr<SchemaNode> root;
};

/// Schemas do not name structs; this one is ours, and people look for its 32 digits.
bool is_event_id(const SchemaNode& node);

/// Throws Error(Incompatible) with the place where the text makes no sense, and for a raw struct whose size is not what
/// its fields add up to.
Schema parse_schema(std::string_view text);

}  // namespace actor::detail
