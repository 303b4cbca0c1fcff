#pragma once
// What signals mean to a process that runs actors, and what it does when its supervisor is gone. Process-wide state:
// set up once, before any thread is made. Thread-safe from then on.

#include <control/fd.hpp>

namespace actor {

/// Blocks SIGTERM and SIGINT in this thread and those that it makes; returns what tells of them (a signalfd). The death
/// of the keeper, our parent, ends a process that does not end by itself. `hand_started`: the process group is not our
/// own to end. Throws Error(Io).
Fd open_signals(bool hand_started);

/// The broker is gone: in a while, or when this process exits, all of its group ends.
void become_orphan();

}  // namespace actor
