#pragma once
// What an actor's state means to whoever looks: well, on its way, or in need of somebody.

#include <string_view>

#include "ctl/terminal.hpp"

namespace actor::ctl {

inline Colour colour_of_state(std::string_view state) {
  if (state == "ready") return Colour::Green;
  if (state == "quarantined" || state == "refused") return Colour::Red;
  return state == "ended" ? Colour::Dim : Colour::Yellow;
}

}  // namespace actor::ctl
