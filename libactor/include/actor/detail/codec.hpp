#pragma once

// The walk behind encode() and decode(): cereal's binary format over the caller's bytes. A Sink has put(bytes, size)
// and own(value); a Source has take(bytes, size), remaining(), own(value) and enter()/leave(). No state of its own: any
// thread.
//
//   number, enum, bool   its bytes (bool: 0 or 1)         optional   1 byte "is null", then the value
//   string, vector       u64 count, then the elements     variant    i32 index, then the alternative
//   array                the elements                     map, set   u64 count, then key (and value) each
//   struct, tuple, pair  its fields in order              duration, time_point   the count of ticks

#include <actor/detail/kind.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

namespace actor::detail {

static_assert(std::endian::native == std::endian::little, "the wire format is little-endian");

class SizeCounter {
 public:
  void put(const void*, std::size_t size) { size_ += size; }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

class ByteWriter {
 public:
  explicit ByteWriter(std::byte* at) : at_(at) {}
  void put(const void* bytes, std::size_t size) {
    if (size != 0) std::memcpy(at_, bytes, size);
    at_ += size;
  }

 private:
  std::byte* at_;
};

/// How deep a type that holds itself may nest: hostile bytes could otherwise overrun the stack.
inline constexpr int max_depth = 100;

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> in) : at_(in.data()), end_(in.data() + in.size()) {}
  std::size_t remaining() const { return static_cast<std::size_t>(end_ - at_); }
  bool take(void* bytes, std::size_t size) {
    if (size > remaining()) return false;
    if (size != 0) std::memcpy(bytes, at_, size);
    at_ += size;
    return true;
  }
  /// The next `size` bytes where they lie. REQUIRES: size <= remaining()
  const std::byte* pass(std::size_t size) {
    const std::byte* here = at_;
    at_ += size;
    return here;
  }
  bool enter() { return ++depth_ <= max_depth; }
  void leave() { --depth_; }

 private:
  const std::byte* at_;
  const std::byte* end_;
  int depth_ = 0;
};

/// Elements whose bytes in memory are their encoding.
template <class T>
inline constexpr bool is_bulk = kind_of<T>() == Kind::Number || kind_of<T>() == Kind::Enum;

// ---- writing ----

template <class Sink, class T>
void write(Sink& sink, const T& value);

template <class Sink>
void write_count(Sink& sink, std::size_t count) {
  const std::uint64_t wide = count;
  sink.put(&wide, sizeof wide);
}

template <class Sink, class Sequence>
void write_elements(Sink& sink, const Sequence& elements) {
  using Element = std::remove_cvref_t<decltype(*std::begin(elements))>;
  if constexpr (requires { std::data(elements); } && is_bulk<Element>) {
    sink.put(std::data(elements), std::size(elements) * sizeof(Element));
  } else if constexpr (std::is_same_v<Element, bool>) {  // std::vector<bool> has no references
    for (const bool element : elements) write(sink, element);
  } else {
    for (const auto& element : elements) write(sink, element);
  }
}

template <class Sink, class T>
void write_variant(Sink& sink, const T& value) {
  const auto index = static_cast<std::int32_t>(value.index());  // -1 when valueless: decode() refuses it
  sink.put(&index, sizeof index);
  if (value.valueless_by_exception()) return;
  std::visit([&](const auto& alternative) { write(sink, alternative); }, value);
}

template <class Sink, class T>
void write(Sink& sink, const T& value) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Bool || kind == Kind::Number || kind == Kind::Enum) {
    sink.put(&value, sizeof value);
  } else if constexpr (kind == Kind::String) {
    write_count(sink, value.size());
    sink.put(value.data(), value.size());
  } else if constexpr (kind == Kind::Array) {
    write_elements(sink, value);
  } else if constexpr (kind == Kind::Vector || kind == Kind::Set) {
    write_count(sink, value.size());
    write_elements(sink, value);
  } else if constexpr (kind == Kind::Map) {
    write_count(sink, value.size());
    for (const auto& [key, mapped] : value) {
      write(sink, key);
      write(sink, mapped);
    }
  } else if constexpr (kind == Kind::Optional) {
    write(sink, !value.has_value());
    if (value) write(sink, *value);
  } else if constexpr (kind == Kind::Variant) {
    write_variant(sink, value);
  } else if constexpr (kind == Kind::Tuple) {
    std::apply([&](const auto&... part) { (write(sink, part), ...); }, value);
  } else if constexpr (kind == Kind::Duration) {
    write(sink, value.count());
  } else if constexpr (kind == Kind::TimePoint) {
    write(sink, value.time_since_epoch());
  } else if constexpr (kind == Kind::Own) {
    sink.own(value);
  } else {
    for_each_field(value, [&](const auto& field) { write(sink, field); });
  }
}

// ---- reading: false as soon as the bytes make no sense ----

template <class Source, class T>
[[nodiscard]] bool read(Source& source, T& value);

/// A count that the bytes left can hold. Elements of unknown size (Own) count as a byte each.
template <class Source>
[[nodiscard]] bool read_count(Source& source, std::size_t fewest_bytes_each, std::size_t& count) {
  std::uint64_t wide = 0;
  if (!source.take(&wide, sizeof wide)) return false;
  count = wide;
  return wide <= source.remaining() / (fewest_bytes_each == 0 ? 1 : fewest_bytes_each);
}

template <class Source, class Sequence>
[[nodiscard]] bool read_elements(Source& source, Sequence& elements) {
  using Element = std::remove_cvref_t<decltype(*std::begin(elements))>;
  if constexpr (is_bulk<Element>) {
    return source.take(std::data(elements), std::size(elements) * sizeof(Element));
  } else {
    for (auto& element : elements) {
      if (!read(source, element)) return false;
    }
    return true;
  }
}

template <class Source, class T>
[[nodiscard]] bool read_vector(Source& source, T& value) {
  using Element = typename T::value_type;
  std::size_t count = 0;
  if (!read_count(source, fewest_bytes<Element>(), count)) return false;
  if constexpr (std::is_same_v<Element, bool>) {
    value.assign(count, false);
    for (std::size_t i = 0; i < count; ++i) {
      bool element = false;
      if (!read(source, element)) return false;
      value[i] = element;
    }
    return true;
  } else {
    value.resize(count);
    return read_elements(source, value);
  }
}

/// Inserts as cereal does, at the end; refuses a key that comes twice where keys are unique.
template <class T, class Entry>
[[nodiscard]] bool insert_last(T& container, Entry&& entry) {
  const std::size_t before = container.size();
  container.emplace_hint(container.end(), std::forward<Entry>(entry));
  return container.size() == before + 1;
}

template <class Source, class T>
[[nodiscard]] bool read_map(Source& source, T& value) {
  using Key = typename T::key_type;
  using Mapped = typename T::mapped_type;
  std::size_t count = 0;
  if (!read_count(source, fewest_bytes<Key>() + fewest_bytes<Mapped>(), count)) return false;
  value.clear();
  for (std::size_t i = 0; i < count; ++i) {
    std::pair<Key, Mapped> entry;
    if (!read(source, entry.first) || !read(source, entry.second) || !insert_last(value, std::move(entry)))
      return false;
  }
  return true;
}

template <class Source, class T>
[[nodiscard]] bool read_set(Source& source, T& value) {
  using Key = typename T::key_type;
  std::size_t count = 0;
  if (!read_count(source, fewest_bytes<Key>(), count)) return false;
  value.clear();
  for (std::size_t i = 0; i < count; ++i) {
    Key key{};
    if (!read(source, key) || !insert_last(value, std::move(key))) return false;
  }
  return true;
}

template <std::size_t I, class Source, class T>
[[nodiscard]] bool read_alternative(Source& source, T& value) {
  if (value.index() != I) value.template emplace<I>();
  return read(source, *std::get_if<I>(&value));
}

template <class Source, class T>
[[nodiscard]] bool read_variant(Source& source, T& value) {
  std::int32_t index = 0;
  if (!source.take(&index, sizeof index)) return false;
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    bool done = false;
    const auto read_if = [&]<std::size_t Index>(std::in_place_index_t<Index>) {
      if (index != static_cast<std::int32_t>(Index)) return false;
      done = read_alternative<Index>(source, value);
      return true;
    };
    return (read_if(std::in_place_index<I>) || ...) && done;
  }
  (std::make_index_sequence<std::variant_size_v<T>>{});
}

template <class Source, class T>
[[nodiscard]] bool read_optional(Source& source, T& value) {
  bool is_null = false;
  if (!read(source, is_null)) return false;
  if (is_null) {
    value.reset();
    return true;
  }
  if (!value) value.emplace();
  return read(source, *value);
}

template <class Source, class T>
[[nodiscard]] bool read_struct(Source& source, T& value) {
  const auto read_field = [&](auto& field) { return read(source, field); };
  if constexpr (is_recursive<T>) {
    const bool read_all = source.enter() && all_fields(value, read_field);
    source.leave();
    return read_all;
  } else {
    return all_fields(value, read_field);
  }
}

template <class Source, class T>
[[nodiscard]] bool read(Source& source, T& value) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (kind == Kind::Bool) {
    std::uint8_t byte = 0;
    if (!source.take(&byte, 1) || byte > 1) return false;
    value = static_cast<T>(byte == 1);
    return true;
  } else if constexpr (kind == Kind::Number || kind == Kind::Enum) {
    return source.take(&value, sizeof value);
  } else if constexpr (kind == Kind::String) {
    std::size_t count = 0;
    if (!read_count(source, 1, count)) return false;
    value.assign(reinterpret_cast<const char*>(source.pass(count)), count);
    return true;
  } else if constexpr (kind == Kind::Array) {
    return read_elements(source, value);
  } else if constexpr (kind == Kind::Vector) {
    return read_vector(source, value);
  } else if constexpr (kind == Kind::Map) {
    return read_map(source, value);
  } else if constexpr (kind == Kind::Set) {
    return read_set(source, value);
  } else if constexpr (kind == Kind::Optional) {
    return read_optional(source, value);
  } else if constexpr (kind == Kind::Variant) {
    return read_variant(source, value);
  } else if constexpr (kind == Kind::Tuple) {
    return std::apply([&](auto&... part) { return (read(source, part) && ...); }, value);
  } else if constexpr (kind == Kind::Duration) {
    typename T::rep ticks{};
    if (!read(source, ticks)) return false;
    value = T(ticks);
    return true;
  } else if constexpr (kind == Kind::TimePoint) {
    typename T::duration since_epoch{};
    if (!read(source, since_epoch)) return false;
    value = T(since_epoch);
    return true;
  } else if constexpr (kind == Kind::Own) {
    return source.own(value);
  } else {
    return read_struct(source, value);
  }
}

}  // namespace actor::detail
