#pragma once
// How sockets that others could send into are closed without waiting. Owned by the keeper, one thread.
//
// The last close() of a Unix socket closes the descriptors that were sent into it and not taken out, and such a close
// may take as long as its sender likes: that of a TCP socket with SO_LINGER waits for a peer that need not read. The
// kernel makes one exception: a process that exits does not wait. So the last copies are left to a process that does
// nothing else. For the same reason nobody in the broker takes a descriptor out of a socket before it knows what it is:
// session/session.cpp (control sockets) and output.cpp (what actors print to).

#include <control/fd.hpp>
#include <vector>

namespace actor::broker {

class Grave {
 public:
  /// Closes now what is no socket.
  void add(Fd fd);
  /// Closes what was added. REQUIRES: no other process has copies that it is about to close() itself. When no process
  /// can be made now, they stay until the next time.
  void bury();
  /// In a fork: the copies here are not the last.
  void clear() { fds_.clear(); }

 private:
  std::vector<Fd> fds_;
};

}  // namespace actor::broker
