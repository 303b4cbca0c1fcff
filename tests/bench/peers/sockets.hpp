#pragma once
// The kernel's own pipes and Unix seqpacket sockets as Links. Used by the driver of the comparison.

#include "link.hpp"

namespace bench {

std::unique_ptr<Link> open_pipe(const Case& what);
std::unique_ptr<Link> open_seqpacket(const Case& what);

}  // namespace bench
