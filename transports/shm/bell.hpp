#pragma once
// Doorbells wake a sleeping peer. Edge-triggered on the listening side, so nobody drains them. Made by the broker, one
// descriptor for all who ring it and who listens. Any thread.
//
// Between processes of one user it is an eventfd. Whoever holds an eventfd can take O_NONBLOCK off and fill its
// counter: the next to ring it would wait for good. So between users it is a socket: each send says of itself that it
// will not wait.

#include <control/fd.hpp>

namespace actor::shm {

/// A new doorbell, close-on-exec. Throws Error(Io).
Fd make_bell();
/// One that no peer can make others wait at: a datagram socket that is connected to itself. Ringing it costs more
/// than an eventfd.
Fd make_bell_between_users();

/// Rings whatever bell it is; never waits at one that was made between users. Rung but not heard is rung.
void ring(int bell);

/// A bell that is rung often: what it is has been looked at once.
class Bell {
 public:
  explicit Bell(Fd fd);
  int get() const { return fd_.get(); }
  void ring() const;

 private:
  Fd fd_;
  bool is_socket_;
};

}  // namespace actor::shm
