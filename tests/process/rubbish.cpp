// A program that speaks rubbish where actors and tools speak to the broker.
//   rubbish print PORT N         descriptors on standard output, then it waits
//   rubbish say PORT N           the same on the control socket that it has as an actor
//   rubbish say PORT N SOCKET    the same on a connection of its own
//   rubbish knock SOCKET         connects and hangs up, without end
// The descriptors are TCP sockets, connected to PORT, where nobody reads: the last close() of each waits for an hour.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <control/seqpacket.hpp>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

namespace {

int lingering(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) _exit(1);
  const std::string much(65536, 'x');
  while (send(fd, much.data(), much.size(), MSG_DONTWAIT) > 0) {
  }
  const linger an_hour{.l_onoff = 1, .l_linger = 3600};
  if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &an_hour, sizeof an_hour) != 0) _exit(1);
  return fd;
}

/// Leaves the only copy in the socket. Should there be nobody any more to take it: a process that exits does not wait.
[[noreturn]] void send_away(int fd, int socket) {
  const int fds[] = {fd};
  (void)actor::control::send_seqpacket(socket, std::as_bytes(std::span("hello\n", 6)), fds);
  _exit(0);
}

int connected(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) _exit(1);
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string what = argv[1];
  while (what == "knock") close(connected(argv[2]));
  if (argc < 4) return 2;
  const int socket = what == "print" ? STDOUT_FILENO : argc > 4 ? connected(argv[4]) : 3;
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    const pid_t sender = fork();
    if (sender == 0) send_away(lingering(std::atoi(argv[2])), socket);
    waitpid(sender, nullptr, 0);
  }
  if (argc <= 4) pause();
  return 0;
}
