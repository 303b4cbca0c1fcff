#include <actor/version.hpp>

namespace actor {

const char* version() {
  return "0.1.0";
}

}  // namespace actor
