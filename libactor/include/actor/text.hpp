#pragma once

// Events as text for people: to_text(event) is "Temperature{celsius=21.5}", without a line of code beside the event.
// Long texts and sequences are cut. Pure functions: any thread.

#include <actor/event.hpp>
#include <iosfwd>
#include <string>

namespace actor {

/// Of an event, or of the variant that holds one.
template <class T>
requires(Encodable<T>&& std::is_class_v<T>) std::string to_text(const T& event) {
  std::string text;
  detail::append_named_text(text, event);
  return text;
}

/// Of an event whose type is known at run time only. `event` is a live event of that type.
inline std::string to_text(const EventType& type, const void* event) {
  std::string text;
  type.print(event, text);
  return text;
}

/// To print the events of a namespace with `<<`, GoogleTest's messages included, write in that namespace:
///
///   using actor::printing::operator<<;
namespace printing {
template <class T>
requires(detail::kind_of<T>() == detail::Kind::Struct && Encodable<T>) std::ostream& operator<<(std::ostream& out,
                                                                                                const T& event) {
  return detail::write_text(out, to_text(event));
}
}  // namespace printing

}  // namespace actor
