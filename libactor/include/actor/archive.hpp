#pragma once

// Encodes plain structs to bytes and back, in the format of cereal's (portable only between like machines) binary
// archive: events that cannot travel as they lie in memory, and the control protocol's messages. A type with its own
// cereal `serialize` (or save and load) keeps it; everything else is written straight into the caller's bytes without
// a cereal archive, because that is several times faster, and because bytes from another process are hostile:
// decode() refuses them, where cereal would allocate what a forged length asks for.
// Functions only, no state: any thread.

#include <actor/detail/cereal.hpp>
#include <actor/detail/codec.hpp>
#include <actor/name.hpp>
#include <cstddef>
#include <span>

namespace actor {

/// Can T be encoded? Otherwise check_encodable<T>() says why not.
template <class T>
concept Encodable = detail::refusal_of<T>()
== detail::Refusal::None;

/// Explains at compile time why T cannot be encoded.
template <class T>
constexpr void check_encodable() {
  using detail::Refusal;
  constexpr Refusal reason = detail::refusal_of<T>();
  static_assert(reason != Refusal::Pointer,
                "this type holds a pointer or reference: it means nothing in another process; hold the value itself");
  static_assert(
      reason != Refusal::View,
      "this type holds a view (string_view, span...): its bytes are elsewhere; use std::string or std::vector");
  static_assert(reason != Refusal::SmartPointer,
                "this type holds a smart pointer: use the value itself, std::optional or std::vector");
  static_assert(reason != Refusal::LongDouble, "this type holds a long double, whose size differs between machines");
  static_assert(reason != Refusal::Union,
                "this type holds a union: nobody knows which member is set; use std::variant");
  static_assert(reason != Refusal::Base,
                "this type has a base class: its fields cannot be walked; make the base a field, or write serialize()");
  static_assert(
      reason != Refusal::NotPlain,
      "this type is not a plain struct (constructors, private or virtual members): "
      "make its fields public, or write a cereal serialize() for it; for a std type, include its cereal header");
  static_assert(reason != Refusal::HalfSerialize,
                "this type can be saved or loaded by cereal but not both: write serialize(), or save() and load()");
  static_assert(reason != Refusal::ConstField,
                "this type has a const field, which cannot be decoded into; drop the const");
  static_assert(reason != Refusal::EmptyElements, "this type holds a sequence of elements that encode to nothing");
}

/// How many bytes encode() writes.
template <class T>
[[nodiscard]] std::size_t encoded_size(const T& value) {
  check_encodable<T>();
  if constexpr (detail::has_kind<detail::Kind::Own, T>()) {
    detail::OwnWriter writer;
    detail::write(writer, value);
    return writer.size();
  } else {
    detail::SizeCounter counter;
    detail::write(counter, value);
    return counter.size();
  }
}

/// REQUIRES: out.size() == encoded_size(value), and `value` unchanged in between; a type's own serialize() sends
/// nothing, for it may be writing where the next event goes. Throws what a type's own serialize() throws, and
/// Error(External) if that writes another number of bytes than it did when it was measured.
template <class T>
void encode(const T& value, std::span<std::byte> out) {
  check_encodable<T>();
  if constexpr (detail::has_kind<detail::Kind::Own, T>()) {
    detail::OwnWriter writer(out);
    detail::write(writer, value);
    if (writer.size() != out.size()) detail::throw_size_changed(type_name<T>(), out.size(), writer.size());
  } else {
    detail::ByteWriter writer(out.data());
    detail::write(writer, value);
  }
}

/// Decodes into a live object, so that the memory of its strings and vectors is reused. False, never an exception, when
/// the bytes are malformed, too few or too many; `value` then holds some valid but unspecified state.
template <class T>
[[nodiscard]] bool decode(std::span<const std::byte> in, T& value) noexcept {
  check_encodable<T>();
  try {
    if constexpr (detail::has_kind<detail::Kind::Own, T>()) {
      detail::OwnReader reader(in);
      return detail::read(reader, value) && reader.remaining() == 0;
    } else {
      detail::ByteReader reader(in);
      return detail::read(reader, value) && reader.remaining() == 0;
    }
  } catch (...) {  // no memory, or what a type's own load throws
    return false;
  }
}

}  // namespace actor
