#pragma once
// What the commands of actorctl do that are more than a question and its answer; each has a file of its own. Called by
// main(), which prints what they throw (NoBroker, Refusal). They return the exit code.

#include "ctl/command.hpp"

namespace actor::ctl {

int run_top(const Command& command);
int run_topology(const Command& command);
int run_tail(const Command& command);
int run_send(const Command& command);
int run_logs(const Command& command);
int run_list_dead_letters(const Command& command);
int run_check(const Command& command);

}  // namespace actor::ctl
