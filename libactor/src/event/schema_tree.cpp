#include <actor/error.hpp>
#include <algorithm>
#include <charconv>
#include <event/schema_tree.hpp>

namespace actor::detail {
namespace {

using Node = SchemaNode;
using Kind = SchemaNode::Kind;

/// Of types inside each other: a text from elsewhere must not overrun the stack.
constexpr int deepest = 200;

struct Word {
  std::string_view text;
  Kind kind;
  std::uint32_t size;
};
constexpr Word plain[] = {{"bool", Kind::Bool, 1},    {"char", Kind::Char, 1},    {"i8", Kind::Signed, 1},
                          {"i16", Kind::Signed, 2},   {"i32", Kind::Signed, 4},   {"i64", Kind::Signed, 8},
                          {"u8", Kind::Unsigned, 1},  {"u16", Kind::Unsigned, 2}, {"u32", Kind::Unsigned, 4},
                          {"u64", Kind::Unsigned, 8}, {"f32", Kind::Float, 4},    {"f64", Kind::Float, 8},
                          {"string", Kind::String, 0}};
constexpr Word composite[] = {{"vector", Kind::Vector, 1},
                              {"optional", Kind::Optional, 1},
                              {"variant", Kind::Variant, 0},
                              {"pair", Kind::Tuple, 2},
                              {"tuple", Kind::Tuple, 0},
                              {"map", Kind::Map, 2},
                              {"unordered_map", Kind::Map, 2},
                              {"multimap", Kind::MultiMap, 2},
                              {"unordered_multimap", Kind::MultiMap, 2},
                              {"set", Kind::Set, 1},
                              {"multiset", Kind::Set, 1},
                              {"unordered_set", Kind::Set, 1},
                              {"unordered_multiset", Kind::Set, 1}};

constexpr bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Schema parse() {
    Schema schema;
    std::uint32_t size = 0;
    std::uint32_t align = 0;
    schema.raw = accept("raw(");
    if (schema.raw) {
      size = number<std::uint32_t>();
      expect(",");
      align = number<std::uint32_t>();
      expect(")");
    }
    schema.root = type();
    if (at_ != text_.size()) refuse("the end");
    if (schema.raw && (schema.root->size != size || schema.root->align != align))
      refuse("fields that add up to " + std::to_string(size) + " bytes (some are packed or aligned by hand)");
    return schema;
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw Error(ErrorCode::Incompatible, "reading the schema " + std::string(text_) + ": expected " + expected +
                                             " at character " + std::to_string(at_ + 1));
  }
  bool accept(std::string_view text) {
    if (!text_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  void expect(std::string_view text) {
    if (!accept(text)) refuse("\"" + std::string(text) + "\"");
  }
  template <class T>
  T number() {
    T value{};
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) refuse("a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }
  std::string until(std::string_view mark) {
    const std::size_t end = text_.find(mark, at_);
    if (end == std::string_view::npos) refuse("\"" + std::string(mark) + "\" further on");
    const std::string found(text_.substr(at_, end - at_));
    at_ = end + mark.size();
    return found;
  }
  /// The word here, if one of `words` is all of it.
  template <std::size_t N>
  const Word* word(const Word (&words)[N]) {
    std::size_t end = at_;
    while (end < text_.size() && is_word_char(text_[end])) ++end;
    const auto found = std::find_if(std::begin(words), std::end(words),
                                    [&](const Word& word) { return word.text == text_.substr(at_, end - at_); });
    if (found == std::end(words)) return nullptr;
    at_ = end;
    return found;
  }

  std::unique_ptr<Node> type() {
    if (++depth_ > deepest) refuse("less nesting");
    auto node = std::make_unique<Node>();
    if (accept("{")) {
      structure(*node);
    } else if (accept("^")) {
      outer(*node);
    } else if (accept("enum ")) {
      enumeration(*node);
    } else if (accept("opaque ")) {
      opaque(*node);
    } else if (accept("array<")) {
      array(*node);
    } else if (accept("duration<")) {
      duration(*node);
    } else if (accept("time_point<")) {
      time_point(*node);
    } else if (const Word* found = word(plain)) {
      node->kind = found->kind;
      node->size = found->size;
      node->align = std::max(found->size, 1u);
    } else if (const Word* template_ = word(composite)) {
      node->kind = template_->kind;
      expect("<");
      do node->parts.push_back(type());
      while (accept(","));
      expect(">");
      if (template_->size != 0 && node->parts.size() != template_->size) refuse("another number of types");
    } else {
      refuse("a type");
    }
    --depth_;
    return node;
  }

  void structure(Node& node) {
    node.kind = Kind::Struct;
    open_.push_back(&node);
    std::uint64_t size = 0;
    if (!accept("}")) {
      do {
        node.names.push_back(until(":"));
        const Node& field = *node.parts.emplace_back(type());
        size = (size + field.align - 1) / field.align * field.align + field.size;
        node.align = std::max(node.align, field.align);
      } while (accept(","));
      expect("}");
    }
    size = (size + node.align - 1) / node.align * node.align;
    node.size = limited(std::max<std::uint64_t>(size, 1));  // an empty struct takes a byte
    open_.pop_back();
  }
  void outer(Node& node) {
    node.kind = Kind::Outer;
    const auto level = number<std::size_t>();
    if (level == 0 || level > open_.size()) refuse("the number of a struct around this place");
    node.outer = open_[open_.size() - level];
  }
  void enumeration(Node& node) {
    node.kind = Kind::Enum;
    // The name may hold colons, in template arguments; what follows it cannot be mistaken.
    for (node.name = until(":"); !word(plain) || !accept("{"); node.name += ":" + until(":")) {
    }
    const std::size_t after = at_;
    at_ = text_.rfind(':', at_) + 1;
    const Node& underlying = *node.parts.emplace_back(type());
    if (underlying.kind == Kind::Float || underlying.kind == Kind::String) refuse("a whole number's type");
    at_ = after;
    node.size = node.align = node.parts[0]->size;
    if (accept("}")) return;
    do {
      node.names.push_back(until("="));
      node.values.push_back(number<std::int64_t>());
    } while (accept(","));
    expect("}");
  }
  void opaque(Node& node) {
    const std::size_t start = at_;
    int brackets = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (brackets == 0 && (c == ',' || c == '>' || c == '}')) break;
      brackets += c == '<' ? 1 : (c == '>' ? -1 : 0);
    }
    node.name = std::string(text_.substr(start, at_ - start));
  }
  void array(Node& node) {
    node.kind = Kind::Array;
    const Node& element = *node.parts.emplace_back(type());
    expect(",");
    node.extent = number<std::uint64_t>();
    expect(">");
    node.align = element.align;
    if (element.size != 0 && node.extent > UINT32_MAX / element.size) refuse("a shorter array");
    node.size = limited(node.extent * element.size);
  }
  void duration(Node& node) {
    node.kind = Kind::Duration;
    const Node& ticks = *node.parts.emplace_back(type());
    if (ticks.kind != Kind::Signed && ticks.kind != Kind::Unsigned && ticks.kind != Kind::Float)
      refuse("a number type");
    expect(",");
    node.num = number<std::int64_t>();
    expect("/");
    node.den = number<std::int64_t>();
    expect(">");
    if (node.num <= 0 || node.den <= 0) refuse("seconds above 0");
    node.size = node.align = ticks.size;
  }
  void time_point(Node& node) {
    node.kind = Kind::TimePoint;
    node.name = until(",duration<");
    at_ -= std::string_view("duration<").size();
    const Node& since_epoch = *node.parts.emplace_back(type());
    expect(">");
    node.size = node.align = since_epoch.size;
  }
  std::uint32_t limited(std::uint64_t size) const {
    if (size > UINT32_MAX) refuse("a smaller type");
    return static_cast<std::uint32_t>(size);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::vector<const Node*> open_;
};

}  // namespace

bool is_event_id(const SchemaNode& node) {
  const auto is_u64 = [](const SchemaNode& part) { return part.kind == Kind::Unsigned && part.size == 8; };
  return node.names == std::vector<std::string>{"actor", "counter"} && is_u64(*node.parts[0]) && is_u64(*node.parts[1]);
}

Schema parse_schema(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace actor::detail
