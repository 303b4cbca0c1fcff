#pragma once
// What actors have left behind: processes that ran away from their group and came back to the keeper, their subreaper.
// The keeper's last act.

namespace actor::broker {

/// Kills every child of this process, and what comes back from those, until there is none. `signals`: a signalfd with
/// SIGCHLD.
void kill_strays(int signals);

}  // namespace actor::broker
