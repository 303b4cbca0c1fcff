#pragma once

// Events as JSON, by the names of their fields, without a line of code beside the event; exact, so that what is read
// back is equal. For recordings and tools; people read actor/text.hpp. Pure functions: any thread.
//
//   number, bool     as JSON has them; "nan", "inf", "-inf"    struct    {"celsius":21.5,...}, every field
//   char             "a", or its number above 127              variant   {"Circle":{...}}: the alternative's type
//   string, char[N]  "text"; {"hex":"ff00"} when no UTF-8       optional  null, or the value
//   enum             "Kelvin", or its number without a name     map       {"key":value} for texts, else
//   [[key,value],...] duration         "250ms", "7[1/3]s"                         ActorId   "alerter" system_clock
//   "2026-11-22T19:55:53.25Z"                  EventId   "00c0ffee..." (32 digits) vector, array, set, pair, tuple
//   [...]                     a type with its own serialize()   {"hex":...}, encoded

#include <actor/event.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actor {

/// Appends to `out`. `event` is a live event of that type.
void append_json(std::string& out, const EventType& type, const void* event);
std::string to_json(const EventType& type, const void* event);

/// Into a live event of that type. Throws Error(Incompatible): which field of which type, what was expected and what
/// found; `event` then holds some valid but unspecified state. The text may lay the fields out in any order.
void from_json(std::string_view json, const EventType& type, void* event);

template <class T>
requires(Encodable<T>&& std::is_class_v<T>) std::string to_json(const T& event) {
  return to_json(event_type<T>(), &event);
}
template <class T>
requires(Encodable<T>&& std::is_class_v<T>) T from_json(std::string_view json) {
  T event{};
  from_json(json, event_type<T>(), &event);
  return event;
}

/// What to_json() would give, for tools that lack the type: from an event's bytes on the wire and its type's schema
/// text, both of which may be hostile. But a variant's alternative goes by its number, {"2":...}, because schemas do
/// not name structs. Throws Error(Incompatible) when the bytes are no such event, and when the schema does not tell: a
/// type with its own serialize(), a raw struct whose size is not what its fields add up to (packed or aligned by hand).
std::string json_of(std::string_view schema, std::span<const std::byte> payload);

/// The way back: an event's bytes on the wire, from what json_of() gives for its schema. Every field has to be there.
/// Throws Error(Incompatible) when the text does not fit the schema, with the place; and where json_of() does.
std::vector<std::byte> bytes_of(std::string_view schema, std::string_view json);

}  // namespace actor
