#pragma once
// `actorctl why`: an actor's last deaths, each as a short report. Pure; any thread.

#include <string>

#include "ctl/field.hpp"
#include "ctl/terminal.hpp"

namespace actor::ctl {

/// Throws Json::exception when the answer has another form.
std::string show_deaths(const Json& answer, const Look& look);

}  // namespace actor::ctl
