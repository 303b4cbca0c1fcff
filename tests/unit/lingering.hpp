#pragma once
// A descriptor whose last close() waits for an hour: a TCP socket with SO_LINGER, and bytes that its peer does not
// read.

#include <netinet/in.h>
#include <sys/socket.h>

#include <control/fd.hpp>
#include <stdexcept>
#include <string>

namespace actor::fault {

struct Lingering {
  Lingering() {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    fd = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener.get(), generic, bytes) != 0 || ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), generic, &bytes) != 0 || ::connect(fd.get(), generic, bytes) != 0)
      throw std::runtime_error("no TCP here");
    peer = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::string much(std::size_t{64} * 1024, 'x');
    while (::send(fd.get(), much.data(), much.size(), MSG_DONTWAIT) > 0) {
    }
    const linger an_hour{.l_onoff = 1, .l_linger = 3600};
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &an_hour, sizeof an_hour);
  }

  Fd peer;  // first: while it is closed, nobody waits for it any more
  Fd fd;    // to be sent elsewhere, and closed here then
};

}  // namespace actor::fault
