// What encode() has to say when a type's own code does not keep to its word.

#include <actor/archive.hpp>
#include <actor/error.hpp>
#include <string>

namespace actor::detail {

void throw_size_changed(std::string_view type, std::size_t measured, std::size_t written) {
  throw Error(ErrorCode::External,
              "the serialize() or save() of " + std::string(type) + " wrote " + std::to_string(written) +
                  " bytes after " + std::to_string(measured) +
                  " when it was measured; nothing is sent: it has to write the same bytes of the " +
                  "same value each time");
}

}  // namespace actor::detail
