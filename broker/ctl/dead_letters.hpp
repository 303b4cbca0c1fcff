#pragma once
// `actorctl dead-letters list`. Pure; any thread.

#include <string>

#include "ctl/field.hpp"
#include "ctl/terminal.hpp"

namespace actor::ctl {

/// Throws Json::exception when the answer has another form.
std::string show_dead_letters(const Json& answer, const Look& look);

}  // namespace actor::ctl
