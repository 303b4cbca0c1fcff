#pragma once
// Doorbells: eventfds that wake a sleeping peer. Edge-triggered on the listening side, so nobody drains them. Any
// thread.

#include <control/fd.hpp>

namespace actor::shm {

/// A new doorbell, non-blocking and close-on-exec. Throws Error(Io).
Fd make_bell();

/// Rings; never blocks. A bell whose counter is full has been rung already.
void ring(int bell);

}  // namespace actor::shm
