#pragma once
// The peers that not every build has: each is in a file of its own, which is built where its library is found. Used by
// list.cpp, which CMake writes the list for.

#include "link.hpp"

namespace bench {

Peer zeromq_peer();
Peer nats_peer();
Peer mosquitto_peer();
Peer redis_peer();
Peer iceoryx_peer();
Peer caf_peer();

/// Peers whose library decides how to wait: nothing that polls is compared.
inline bool can_sleep(const Case& what) {
  return what.mode != Mode::Spin;
}

}  // namespace bench
