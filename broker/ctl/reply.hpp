#pragma once
// The broker's answers, made readable: those of the commands that ask one thing and show what comes. Pure: text in,
// text out; any thread.

#include <string>

#include "ctl/terminal.hpp"

namespace actor::ctl {

struct Answer {
  bool ok = false;
  std::string text;   ///< for stdout; ends in a newline when not empty
  std::string error;  ///< why not, when not ok
};

/// `verb` says how to show it. A reply that is no JSON object of the expected form is an error that says so.
Answer read_reply(const std::string& verb, const std::string& json, const Look& look = {});

}  // namespace actor::ctl
