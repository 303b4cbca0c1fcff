#pragma once
// What a puppet hangs on: a FIFO with commands for it, and one that all puppets write their journal to. A test makes
// both (runtime_under_test.hpp). One line is one write(), so lines of several processes never mix.

#include <string>

namespace puppets {

/// "NAME: TEXT" to the journal.
void write_journal(const std::string& name, const std::string& text);
/// The commands of the actor `name`; opened so that it never sees an end of file.
int open_commands(const std::string& name);
/// Waits for ever, whatever signal comes (but SIGKILL).
[[noreturn]] void hang();

}  // namespace puppets
