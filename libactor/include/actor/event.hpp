#pragma once

// What an event is: a plain struct; an application's events are one std::variant of them. EventType is what the
// transports know of an event's type at run time. Descriptors are constants with static storage: any thread may read
// them, nobody owns them, and they cost no initialisation.

#include <actor/archive.hpp>
#include <actor/detail/json_walk.hpp>
#include <actor/detail/text.hpp>
#include <actor/name.hpp>
#include <actor/schema.hpp>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace actor {

/// One event type at run time.
struct EventType {
  std::string_view name;    ///< wire name, "weather::Temperature"
  std::string_view label;   ///< "Temperature"
  std::uint64_t hash;       ///< schema_hash
  std::string_view schema;  ///< schema_text
  std::uint32_t size, align;
  bool trivially_copyable;  ///< the payload on the wire is the object's bytes
  bool has_own_code;        ///< encoding runs a serialize() or save() of its own, which may throw
  /// Are these bytes (aligned, `size` of them) an object? nullptr when all are; set only for trivially copyable types
  /// that hold a bool. A reader of hostile memory calls it on its own copy, or accepts that the writer may change it.
  bool (*valid)(const void* bytes);
  std::size_t (*encoded_size)(const void* event);  ///< == size when trivially copyable
  void (*encode)(const void* event, std::span<std::byte> out);
  bool (*decode)(std::span<const std::byte> in,
                 void* event);  ///< into a live object; false: refused, see actor::decode
  void (*construct)(void* at);
  void (*copy_construct)(void* at, const void* from);
  void (*destroy)(void* event) noexcept;
  void (*print)(const void* event, std::string& out);           ///< appends it as people read it: see actor/text.hpp
  void (*to_json)(const void* event, detail::JsonWriter& out);  ///< see actor/json.hpp
  void (*from_json)(detail::JsonReader& in, void* event);       ///< into a live object; throws Error(Incompatible)
};

namespace detail {

/// The bytes of a T may be read as numbers without harm, except for bools, which must be 0 or 1.
template <class T>
bool valid_bytes(const std::byte* bytes) {
  constexpr Kind kind = kind_of<T>();
  if constexpr (!has_kind<Kind::Bool, T>()) {
    return true;
  } else if constexpr (kind == Kind::Bool) {
    return std::to_integer<unsigned>(*bytes) <= 1;
  } else if constexpr (kind == Kind::Array) {
    return [&]<class Element>(TypeList<Element>) {
      for (std::size_t i = 0; i < array_extent<T>; ++i) {
        if (!valid_bytes<Element>(bytes + i * sizeof(Element))) return false;
      }
      return true;
    }(Parts<T>{});
  } else {
    // Only addresses of fields are taken here, no field is read as what it claims to be.
    const T& object = *reinterpret_cast<const T*>(bytes);
    return all_fields(object, [](const auto& field) {
      return valid_bytes<std::remove_cvref_t<decltype(field)>>(reinterpret_cast<const std::byte*>(&field));
    });
  }
}

template <class T>
struct EventCode {
  static constexpr bool raw = is_raw<T>();

  static bool valid(const void* bytes) { return valid_bytes<T>(static_cast<const std::byte*>(bytes)); }
  static std::size_t encoded_size(const void* event) {
    if constexpr (raw) {
      return sizeof(T);
    } else {
      return actor::encoded_size(*static_cast<const T*>(event));
    }
  }
  static void encode(const void* event, std::span<std::byte> out) {
    if constexpr (raw) {
      std::memcpy(out.data(), event, sizeof(T));
    } else {
      actor::encode(*static_cast<const T*>(event), out);
    }
  }
  static bool decode(std::span<const std::byte> in, void* event) {
    if constexpr (raw) {
      if (in.size() != sizeof(T)) return false;
      // Validate the copy that is used: `in` may change under us. A large one does not belong on the stack.
      const auto copy_to = [&](std::byte* copy) {
        std::memcpy(copy, in.data(), sizeof(T));
        if (!valid_bytes<T>(copy)) return false;
        std::memcpy(event, copy, sizeof(T));
        return true;
      };
      if constexpr (sizeof(T) <= 4096) {
        alignas(T) std::byte copy[sizeof(T)];
        return copy_to(copy);
      } else {
        struct alignas(T) Copy {
          std::byte bytes[sizeof(T)];
        };
        return copy_to(std::make_unique<Copy>()->bytes);
      }
    } else {
      return actor::decode(in, *static_cast<T*>(event));
    }
  }
  static void construct(void* at) { ::new (at) T{}; }
  static void copy_construct(void* at, const void* from) { ::new (at) T(*static_cast<const T*>(from)); }
  static void destroy(void* event) noexcept { std::destroy_at(static_cast<T*>(event)); }
  static void print(const void* event, std::string& out) { append_named_text(out, *static_cast<const T*>(event)); }
  static void to_json(const void* event, JsonWriter& out) { write_json(out, *static_cast<const T*>(event)); }
  static void from_json(JsonReader& in, void* event) { read_json(in, *static_cast<T*>(event)); }
};

template <class T>
constexpr EventType describe() {
  EventType type{};
  if constexpr (Encodable<T>) {  // otherwise check_event has said why, and more errors would bury it
    using Code = EventCode<T>;
    type = {qualified_type_name<T>(),
            type_name<T>(),
            schema_hash<T>(),
            schema_text<T>(),
            sizeof(T),
            alignof(T),
            Code::raw,
            !Code::raw && has_kind<Kind::Own, T>(),
            nullptr,
            &Code::encoded_size,
            &Code::encode,
            &Code::decode,
            &Code::construct,
            &Code::copy_construct,
            &Code::destroy,
            &Code::print,
            &Code::to_json,
            &Code::from_json};
    if constexpr (Code::raw && has_kind<Kind::Bool, T>()) type.valid = &Code::valid;
  }
  return type;
}

template <class T>
inline constexpr EventType described = describe<T>();

template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;

template <class T, class... Rest>
constexpr std::size_t occurrences() {
  return (std::size_t{0} + ... + std::size_t{std::is_same_v<T, Rest>});
}

template <class Events>
struct EventList;
template <class... T>
struct EventList<std::variant<T...>> {
  static constexpr bool distinct = ((occurrences<T, T...>() == 1) && ...);
  static constexpr bool all_classes = (std::is_class_v<T> && ...);
  static constexpr std::array<const EventType*, sizeof...(T)> types() { return {&described<T>...}; }
  template <class Wanted>
  static constexpr std::size_t index_of() {
    std::size_t index = 0;
    (void)((std::is_same_v<Wanted, T> || (++index, false)) || ...);
    return index;
  }
};

template <class Events>
inline constexpr auto described_events = EventList<Events>::types();

}  // namespace detail

/// Explains at compile time why T cannot be an event.
template <class T>
constexpr void check_event() {
  static_assert(std::is_class_v<T>,
                "an event is a plain struct: wrap this value in one, its name is the event's label");
  static_assert(has_portable_name<T>(),
                "an event type needs a name that other programs can use: "
                "move it out of the anonymous namespace or function");
  static_assert(std::is_default_constructible_v<T>,
                "an event type must be default-constructible: a receiver decodes into a fresh object");
  static_assert(std::is_copy_constructible_v<T>, "an event type must be copyable: several actors may keep it");
  static_assert(alignof(T) <= 64, "an event type may be aligned to 64 bytes at most: the transports align no further");
  check_encodable<T>();
}

/// A variant of distinct structs. What else is wrong with one of them is said when it is used: see check_event.
template <class V>
concept EventSet = detail::is_variant<V> && detail::EventList<V>::distinct && detail::EventList<V>::all_classes;

/// One of the variant's types.
template <class T, class Events>
concept EventOf = EventSet<Events> && detail::EventList<Events>::template index_of<T>() < std::variant_size_v<Events>;

/// T's place in the variant: local to a program, it never travels.
template <class Events, class T>
requires EventOf<T, Events>
inline constexpr std::size_t event_index = detail::EventList<Events>::template index_of<T>();

/// Does T travel as it lies in memory? Then it can be built in place, and read without decoding.
template <class T>
concept RawEvent = Encodable<T> && detail::is_raw<T>();

template <class T>
constexpr const EventType& event_type() {
  check_event<T>();
  return detail::described<T>;
}

/// In the variant's order.
template <EventSet Events>
constexpr std::span<const EventType* const> event_types() {
  []<class... T>(std::type_identity<std::variant<T...>>) { (check_event<T>(), ...); }(std::type_identity<Events>{});
  return detail::described_events<Events>;
}

}  // namespace actor
