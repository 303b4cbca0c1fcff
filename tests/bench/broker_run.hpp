#pragma once
// A case through libactor: writes a manifest into a directory of its own, starts actor-broker with it, collects what
// the actors report, and stops the broker. Nothing but the public interface is used. Used by the driver only.

#include "measure.hpp"

namespace bench {

/// Throws std::runtime_error, with the broker's output, when the case did not come to its end.
Outcome run_through_broker(const Case& what);
/// The same actors as objects in one process, on two workers (one where the case says one core).
Outcome run_in_process(const Case& what);

}  // namespace bench
