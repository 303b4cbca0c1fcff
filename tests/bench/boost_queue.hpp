#pragma once
// The same cases over Boost.Interprocess's message_queue, for comparison. Spinning cases poll it. Used by the driver.

#include "measure.hpp"

namespace bench {

Outcome run_boost_queue(const Case& what);

}  // namespace bench
