#pragma once
// This process as an iceoryx application: registered once, quiet, and with an end that says why. Any thread.

#include <string>

namespace actor::iceoryx {

/// The exit status of a process that iceoryx will not let go on.
inline constexpr int lost_exit = 69;

/// iceoryx aborts the process on its severe errors. From now on it says which one, and what to do, and exits with
/// lost_exit. `what`: who it is, for the text.
void report_errors(const std::string& what);

/// Registers with RouDi; waits for it, up to a minute. Once per process: later calls do nothing. The descriptors that
/// it opens are closed on exec.
void join(const std::string& runtime_name);

}  // namespace actor::iceoryx
