#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <cerrno>
#include <cstdint>
#include <shm/bell.hpp>
#include <utility>

namespace actor::shm {
namespace {

constexpr std::uint64_t one = 1;
constexpr const char* making = "making a doorbell (if too many files are open, raise the limit: ulimit -n)";

void ring_eventfd(int bell) {
  [[maybe_unused]] const auto written = write(bell, &one, sizeof one);  // full means: rung already
}

bool is_socket(int bell) {
  struct stat info {};
  return fstat(bell, &info) == 0 && S_ISSOCK(info.st_mode);
}

bool send_to_itself(int bell) {
  return send(bell, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

/// Does the oldest ring bring a descriptor? Who takes it out closes it, and that may have to wait (SO_LINGER).
bool is_loaded(int bell) {
  msghdr header{};
  return recvmsg(bell, &header, MSG_PEEK | MSG_DONTWAIT) >= 0 && (header.msg_flags & MSG_CTRUNC) != 0;
}

/// Nobody takes out what was rung before. Only a send makes an edge, so once the queue is full one has to make way. A
/// bell that its peer has filled with descriptors stays silent, until the next life has another one.
void ring_socket(int bell) {
  if (send_to_itself(bell) || errno != EAGAIN || is_loaded(bell)) return;
  char oldest;
  [[maybe_unused]] const auto taken = recv(bell, &oldest, 1, MSG_DONTWAIT);
  send_to_itself(bell);
}

}  // namespace

Fd make_bell() {
  Fd bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) throw_errno(making);
  return bell;
}

Fd make_bell_between_users() {
  Fd bell(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!bell) throw_errno(making);
  sockaddr_un self{};
  self.sun_family = AF_UNIX;
  socklen_t length = sizeof(sa_family_t);  // no name: the kernel chooses an abstract one
  const bool bound = bind(bell.get(), reinterpret_cast<const sockaddr*>(&self), length) == 0;
  length = sizeof self;
  // Once it is connected it takes datagrams of its own only, so that its name is of no use to anybody.
  if (!bound || getsockname(bell.get(), reinterpret_cast<sockaddr*>(&self), &length) != 0 ||
      connect(bell.get(), reinterpret_cast<const sockaddr*>(&self), length) != 0)
    throw_errno(making);
  return bell;
}

void ring(int bell) {
  is_socket(bell) ? ring_socket(bell) : ring_eventfd(bell);
}

Bell::Bell(Fd fd) : fd_(std::move(fd)), is_socket_(is_socket(fd_.get())) {}

void Bell::ring() const {
  is_socket_ ? ring_socket(fd_.get()) : ring_eventfd(fd_.get());
}

}  // namespace actor::shm
