#pragma once
// One run of a peer, from which the comparison recovers whatever happens in it. Used by the driver, which has one
// thread and, while a run is made, no other children.

#include <chrono>
#include <functional>

#include "../measure.hpp"

namespace bench {

/// Calls `run` in a child, whose temporary directory is one of its own. When that is done, has failed, or is not done
/// after `limit`, every process that it started, and that those started, is ended, and the directory removed. Throws
/// std::runtime_error with the reason when there is no outcome.
Outcome run_guarded(const std::function<Outcome()>& run, std::chrono::milliseconds limit);

}  // namespace bench
