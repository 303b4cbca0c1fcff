#pragma once

// Envelopes, ids and events through cereal's own archives (binary, JSON, XML...): to keep them in files, or to hand
// them to what reads cereal's formats. Include this header and the archive's. Between actors nothing of it is used: see
// actor/archive.hpp, which also refuses hostile bytes; here the input is trusted as far as cereal trusts it.
//
//   cereal::JSONOutputArchive archive(file);
//   archive(envelope);                        // an OwnedEnvelope<Events>
//   archive(actor::archived(event));          // an event alone: plain structs need no serialize()
//
// A text archive has fields and enumerators by name, and ids as text. Functions only: any thread.

#include <actor/detail/cereal.hpp>
#include <actor/envelope.hpp>
#include <actor/error.hpp>
#include <cereal/types/string.hpp>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

namespace actor {
namespace detail {

/// The library's own archives walk plain structs without this header, and must not change when it is included.
template <class Archive>
concept CerealArchive = !std::is_same_v<Archive, OwnWriter> && !std::is_same_v<Archive, OwnReader>;

template <class T>
struct Saved {
  const T& value;
};
template <class T>
struct Loaded {
  T& value;
};

/// What cereal can take as it is.
template <class T>
constexpr bool is_passed_on() {
  constexpr Kind kind = kind_of<T>();
  return std::is_same_v<T, EventId> || kind == Kind::String || kind == Kind::Own || std::is_arithmetic_v<T>;
}

/// What stands for a value in an archive: itself, a number, a name, or a node of its parts.
template <class Archive, class T>
decltype(auto) to_save(const T& value) {
  if constexpr (is_passed_on<T>()) {
    return (value);
  } else if constexpr (std::is_enum_v<T> && cereal::traits::is_text_archive<Archive>::value) {
    const std::string_view name = enumerator_name(value);
    return name.empty() ? std::to_string(static_cast<std::underlying_type_t<T>>(value)) : std::string(name);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else if constexpr (kind_of<T>() == Kind::Duration) {
    return value.count();
  } else if constexpr (kind_of<T>() == Kind::TimePoint) {
    return value.time_since_epoch().count();
  } else {
    return Saved<T>{value};
  }
}

template <class E>
E enumerator_of(const std::string& text) {
  const auto& names = enumerator_names<E>();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == text) return enumerators<E>()[i];
  }
  std::underlying_type_t<E> number{};
  const auto [end, error] = [&] {
    if constexpr (std::is_same_v<std::underlying_type_t<E>, bool>) {
      number = text == "1";
      return std::from_chars_result{text.data() + text.size(),
                                    text == "1" || text == "0" ? std::errc{} : std::errc::invalid_argument};
    } else {
      return std::from_chars(text.data(), text.data() + text.size(), number);
    }
  }();
  if (error != std::errc{} || end != text.data() + text.size())
    throw Error(ErrorCode::Incompatible, "reading an archive: \"" + text + "\" is no " + std::string(type_name<E>()));
  return static_cast<E>(number);
}

/// Calls read(x) with what to_save() gave for `value`, and takes x over.
template <class Archive, class T, class Read>
void load_into(T& value, Read&& read) {
  if constexpr (is_passed_on<T>()) {
    read(value);
  } else if constexpr (std::is_enum_v<T> && cereal::traits::is_text_archive<Archive>::value) {
    std::string text;
    read(text);
    value = enumerator_of<T>(text);
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    read(number);
    value = static_cast<T>(number);
  } else if constexpr (kind_of<T>() == Kind::Duration) {
    typename T::rep ticks{};
    read(ticks);
    value = T(ticks);
  } else if constexpr (kind_of<T>() == Kind::TimePoint) {
    typename T::rep ticks{};
    read(ticks);
    value = T(typename T::duration(ticks));
  } else {
    Loaded<T> node{value};
    read(node);
  }
}

template <class Archive, class T>
void save_named(Archive& archive, std::string_view name, const T& value) {
  archive(cereal::make_nvp(std::string(name).c_str(), to_save<Archive>(value)));
}
template <class Archive, class T>
void load_named(Archive& archive, std::string_view name, T& value) {
  load_into<Archive>(value, [&](auto& part) { archive(cereal::make_nvp(std::string(name).c_str(), part)); });
}

template <class Archive, class T>
void save_element(Archive& archive, const T& value) {
  archive(to_save<Archive>(value));
}
template <class Archive, class T>
void load_element(Archive& archive, T& value) {
  load_into<Archive>(value, [&](auto& part) { archive(part); });
}

/// One entry of a map: a node of its own.
template <class Key, class Mapped>
struct Entry {
  Key key;
  Mapped mapped;
};
template <class Archive, class Key, class Mapped>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const Entry<const Key&, const Mapped&>& entry) {
  save_named(archive, "key", entry.key);
  save_named(archive, "value", entry.mapped);
}
template <class Archive, class Key, class Mapped>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, Entry<Key, Mapped>& entry) {
  load_named(archive, "key", entry.key);
  load_named(archive, "value", entry.mapped);
}

template <class Archive, class T>
void save_sequence(Archive& archive, const T& value) {
  if constexpr (kind_of<T>() != Kind::Array)
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(std::size(value))));
  else if constexpr (cereal::traits::is_text_archive<Archive>::value)
    archive(cereal::make_size_tag(static_cast<cereal::size_type>(array_extent<T>)));
  for (const auto& element : value) {
    if constexpr (kind_of<T>() == Kind::Map) {
      archive(Entry<const typename T::key_type&, const typename T::mapped_type&>{element.first, element.second});
    } else {
      save_element(archive, element);
    }
  }
}

template <class Archive, class T>
void load_sequence(Archive& archive, T& value) {
  cereal::size_type count = 0;
  if constexpr (kind_of<T>() != Kind::Array || cereal::traits::is_text_archive<Archive>::value)
    archive(cereal::make_size_tag(count));
  if constexpr (kind_of<T>() == Kind::Array) {
    for (auto& element : value) load_element(archive, element);
  } else {
    value.clear();
    for (cereal::size_type i = 0; i < count; ++i) {
      if constexpr (kind_of<T>() == Kind::Map) {
        Entry<typename T::key_type, typename T::mapped_type> entry{};
        archive(entry);
        value.emplace_hint(value.end(), std::move(entry.key), std::move(entry.mapped));
      } else {
        typename T::value_type element{};
        load_element(archive, element);
        value.insert(value.end(), std::move(element));
      }
    }
  }
}

template <class Archive, class T>
void load_alternative(Archive& archive, T& value) {
  std::uint32_t index = 0;
  archive(cereal::make_nvp("index", index));
  const bool known = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return ((index == I && (load_named(archive, "data", value.template emplace<I>()), true)) || ...);
  }
  (std::make_index_sequence<std::variant_size_v<T>>{});
  if (!known)
    throw Error(ErrorCode::Incompatible,
                "reading an archive: " + std::string(type_name<T>()) + " has no alternative " + std::to_string(index));
}

template <class Archive, class T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const Saved<T>& node) {
  constexpr Kind kind = kind_of<T>();
  const T& value = node.value;
  if constexpr (kind == Kind::Struct) {
    std::size_t index = 0;
    for_each_field(value, [&](const auto& field) { save_named(archive, field_names<T>()[index++], field); });
  } else if constexpr (kind == Kind::Tuple) {
    std::apply([&](const auto&... part) { (save_element(archive, part), ...); }, value);
  } else if constexpr (kind == Kind::Optional) {
    archive(cereal::make_nvp("nullopt", !value.has_value()));
    if (value) save_named(archive, "data", *value);
  } else if constexpr (kind == Kind::Variant) {
    archive(cereal::make_nvp("index", static_cast<std::uint32_t>(value.index())));
    std::visit([&](const auto& held) { save_named(archive, "data", held); }, value);
  } else {
    save_sequence(archive, value);
  }
}

/// What can be loaded into can be saved: archived() of an object that is not const.
template <class Archive, class T>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const Loaded<T>& node) {
  CEREAL_SAVE_FUNCTION_NAME(archive, Saved<T>{node.value});
}

template <class Archive, class T>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, Loaded<T>& node) {
  constexpr Kind kind = kind_of<T>();
  T& value = node.value;
  if constexpr (kind == Kind::Struct) {
    std::size_t index = 0;
    for_each_field(value, [&](auto& field) { load_named(archive, field_names<T>()[index++], field); });
  } else if constexpr (kind == Kind::Tuple) {
    std::apply([&](auto&... part) { (load_element(archive, part), ...); }, value);
  } else if constexpr (kind == Kind::Optional) {
    bool is_null = true;
    archive(cereal::make_nvp("nullopt", is_null));
    value.reset();
    if (!is_null) load_named(archive, "data", value.emplace());
  } else if constexpr (kind == Kind::Variant) {
    load_alternative(archive, value);
  } else {
    load_sequence(archive, value);
  }
}

/// The event that an archive says is a `type`, if that is one of Events.
template <class Archive, class Events>
void load_event(Archive& archive, const std::string& type, std::uint64_t schema, Events& event) {
  const auto load_if = [&]<std::size_t I>(std::in_place_index_t<I>) {
    const EventType& known = *event_types<Events>()[I];
    if (known.name != type) return false;
    if (known.hash != schema)
      throw Error(ErrorCode::Incompatible, "reading an archive: it holds another version of " + type +
                                               ", whose fields differ from this program's; read it with the program "
                                               "that wrote it");
    load_named(archive, "event", event.template emplace<I>());
    return true;
  };
  const bool known = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (load_if(std::in_place_index<I>) || ...);
  }
  (std::make_index_sequence<std::variant_size_v<Events>>{});
  if (!known) throw Error(ErrorCode::Incompatible, "reading an archive: " + type + " is none of this program's events");
}

}  // namespace detail

/// An event, or any plain struct, as something that a cereal archive takes.
template <class T>
requires Encodable<T> detail::Saved<T> archived(const T& value) {
  return {value};
}
template <class T>
requires(Encodable<T> && !std::is_const_v<T>) detail::Loaded<T> archived(T& value) {
  return {value};
}

template <detail::CerealArchive Archive>
std::string CEREAL_SAVE_MINIMAL_FUNCTION_NAME(const Archive&, const EventId& id) {
  return to_string(id);
}
template <detail::CerealArchive Archive>
void CEREAL_LOAD_MINIMAL_FUNCTION_NAME(const Archive&, EventId& id, const std::string& text) {
  const auto read = EventId::parse(text);
  if (!read) throw Error(ErrorCode::Incompatible, "reading an archive: \"" + text + "\" is no event's id");
  id = *read;
}

template <detail::CerealArchive Archive>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const Meta& meta) {
  detail::CEREAL_SAVE_FUNCTION_NAME(archive, detail::Saved<Meta>{meta});
}
template <detail::CerealArchive Archive>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, Meta& meta) {
  detail::Loaded<Meta> node{meta};
  detail::CEREAL_LOAD_FUNCTION_NAME(archive, node);
}

/// With the event's name and fingerprint: an archive of other definitions is refused in words, Error(Incompatible).
template <detail::CerealArchive Archive, EventSet Events>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const OwnedEnvelope<Events>& envelope) {
  const EventType& type = *event_types<Events>()[envelope.event.index()];
  archive(cereal::make_nvp("meta", envelope.meta), cereal::make_nvp("topic", envelope.topic),
          cereal::make_nvp("type", std::string(type.name)), cereal::make_nvp("schema", type.hash));
  std::visit([&](const auto& event) { detail::save_named(archive, "event", event); }, envelope.event);
}
template <detail::CerealArchive Archive, EventSet Events>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, OwnedEnvelope<Events>& envelope) {
  std::string type;
  std::uint64_t schema = 0;
  archive(cereal::make_nvp("meta", envelope.meta), cereal::make_nvp("topic", envelope.topic),
          cereal::make_nvp("type", type), cereal::make_nvp("schema", schema));
  detail::load_event(archive, type, schema, envelope.event);
}

/// Topics of the library's own types, by wire name; enumerators are numbers to cereal, struct topics need archived().
template <detail::CerealArchive Archive, class Topic>
requires(detail::is_type_topic<Topic> || detail::is_default_topic<Topic>) std::string
    CEREAL_SAVE_MINIMAL_FUNCTION_NAME(const Archive&, const Topic& topic) {
  return topic_name(topic);
}
template <detail::CerealArchive Archive, class Topic>
requires(detail::is_type_topic<Topic> ||
         detail::is_default_topic<Topic>) void CEREAL_LOAD_MINIMAL_FUNCTION_NAME(const Archive&, Topic& topic,
                                                                                 const std::string& name) {
  const auto found = topic_named<Topic>(name);
  if (!found)
    throw Error(ErrorCode::Incompatible, "reading an archive: \"" + name + "\" is none of this program's topics");
  topic = *found;
}

}  // namespace actor
