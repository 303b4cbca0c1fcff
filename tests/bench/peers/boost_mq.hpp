#pragma once
// Boost.Interprocess's message_queue as a Link: one queue for each reader. Spinning cases poll it. Used by the drivers.

#include "link.hpp"

namespace bench {

std::unique_ptr<Link> open_boost_queue(const Case& what);

}  // namespace bench
