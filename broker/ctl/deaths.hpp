#pragma once
// `actorctl why`: an actor's last deaths, each as a short report; `actorctl deaths`: those of all actors, a line each.
// Pure; any thread.

#include <string>

#include "ctl/field.hpp"
#include "ctl/terminal.hpp"

namespace actor::ctl {

/// Both throw Json::exception when the answer has another form.
std::string show_deaths_of_one(const Json& answer, const Look& look);
std::string show_deaths_of_all(const Json& answer, const Look& look);

}  // namespace actor::ctl
