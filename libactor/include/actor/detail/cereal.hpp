#pragma once

// The bridge to cereal for types that bring their own `serialize`: archives that cereal accepts, over the same bytes as
// codec.hpp. What such a type passes on, `archive(a, b)`, comes back here and is walked as usual, so that it may hold
// plain structs too, and needs no <cereal/types/...> header. One archive lives as long as one encode() or decode().

#include <actor/detail/codec.hpp>
#include <actor/detail/kind.hpp>
#include <cereal/cereal.hpp>
#include <cstddef>
#include <span>
#include <string_view>

namespace actor::detail {

/// Types of cereal's own (name-value pairs, size tags, base classes...): cereal handles them, and comes back with
/// parts.
template <class T>
inline constexpr bool is_cereal_wrapper = false;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::NameValuePair<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::BinaryData<T>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::SizeTag<T>> = true;
template <class K, class V>
inline constexpr bool is_cereal_wrapper<cereal::MapItem<K, V>> = true;
template <class T>
inline constexpr bool is_cereal_wrapper<cereal::DeferredData<T>> = true;

template <class T>
constexpr bool is_for_cereal() {
  if constexpr (is_cereal_wrapper<T>) {
    return true;
  } else {
    const Kind kind = kind_of<T>();
    return kind == Kind::Own || kind == Kind::Refused;
  }
}

/// Throws Error(External): the type's own code wrote another number of bytes than when it was measured.
[[noreturn]] void throw_size_changed(std::string_view type, std::size_t measured, std::size_t written);

/// Measures without a target, writes with one. What a type's own code writes beyond the target is only measured.
class OwnWriter : public cereal::OutputArchive<OwnWriter, cereal::AllowEmptyClassElision> {
  using Base = cereal::OutputArchive<OwnWriter, cereal::AllowEmptyClassElision>;

 public:
  explicit OwnWriter(std::span<std::byte> out = {}) : Base(this), out_(out) {}

  template <class... T>
  OwnWriter& operator()(T&&... values) {
    (write_one(values), ...);
    return *this;
  }
  template <class T>
  OwnWriter& operator&(T&& value) {
    return (*this)(value);
  }
  void put(const void* bytes, std::size_t size) {
    if (size != 0 && size_ <= out_.size() && size <= out_.size() - size_) std::memcpy(out_.data() + size_, bytes, size);
    size_ += size;
  }
  template <class T>
  void own(const T& value) {
    Base::operator()(value);
  }
  std::size_t size() const { return size_; }

 private:
  template <class T>
  void write_one(const T& value) {
    if constexpr (is_for_cereal<T>()) {
      Base::operator()(value);
    } else {
      write(*this, value);
    }
  }

  std::span<std::byte> out_;
  std::size_t size_ = 0;
};

class OwnReader : public cereal::InputArchive<OwnReader, cereal::AllowEmptyClassElision> {
  using Base = cereal::InputArchive<OwnReader, cereal::AllowEmptyClassElision>;

 public:
  explicit OwnReader(std::span<const std::byte> in) : Base(this), reader_(in) {}

  /// Throws cereal::Exception when the bytes make no sense: a type's own load has no other way to stop.
  template <class... T>
  OwnReader& operator()(T&&... values) {
    (read_one(values), ...);
    return *this;
  }
  template <class T>
  OwnReader& operator&(T&& value) {
    return (*this)(value);
  }
  template <class T>
  bool own(T& value) {
    if (!reader_.enter()) return false;
    Base::operator()(value);
    reader_.leave();
    return true;
  }
  std::size_t remaining() const { return reader_.remaining(); }
  bool take(void* bytes, std::size_t size) { return reader_.take(bytes, size); }
  const std::byte* pass(std::size_t size) { return reader_.pass(size); }
  bool enter() { return reader_.enter(); }
  void leave() { reader_.leave(); }
  static void refuse() { throw cereal::Exception("malformed bytes"); }

 private:
  template <class T>
  void read_one(T& value) {
    if constexpr (is_for_cereal<std::remove_const_t<T>>()) {
      Base::operator()(value);
    } else if (!read(*this, value)) {
      refuse();
    }
  }

  ByteReader reader_;
};

// What cereal itself hands to an archive. Found by argument-dependent lookup.

template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OwnWriter& archive, const cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(OwnReader& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(OwnWriter& archive, const T& value) {
  write(archive, value);
}
template <class T>
requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(OwnReader& archive, T& value) {
  if (!read(archive, value)) OwnReader::refuse();
}
/// What a save_minimal() of text passes on.
inline void CEREAL_SAVE_FUNCTION_NAME(OwnWriter& archive, const std::string& value) {
  write(archive, value);
}
inline void CEREAL_LOAD_FUNCTION_NAME(OwnReader& archive, std::string& value) {
  if (!read(archive, value)) OwnReader::refuse();
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OwnWriter& archive, const cereal::SizeTag<T>& tag) {
  write_count(archive, static_cast<std::size_t>(tag.size));
}
/// A count larger than the bytes left is refused before anyone allocates for it.
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(OwnReader& archive, cereal::SizeTag<T>& tag) {
  std::size_t count = 0;
  if (!read_count(archive, 1, count)) OwnReader::refuse();
  tag.size = static_cast<std::remove_cvref_t<T>>(count);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(OwnWriter& archive, const cereal::BinaryData<T>& data) {
  archive.put(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(OwnReader& archive, cereal::BinaryData<T>& data) {
  if (!archive.take(data.data, static_cast<std::size_t>(data.size))) OwnReader::refuse();
}

template <class T>
constexpr OwnCode own_code() {
  constexpr bool saves = cereal::traits::is_output_serializable<T, OwnWriter>::value;
  constexpr bool loads = cereal::traits::is_input_serializable<T, OwnReader>::value;
  return saves && loads ? OwnCode::BothWays : (saves || loads ? OwnCode::OneWay : OwnCode::None);
}

}  // namespace actor::detail

CEREAL_SETUP_ARCHIVE_TRAITS(actor::detail::OwnReader, actor::detail::OwnWriter)
