#include <sys/socket.h>

#include <actor/error.hpp>
#include <cerrno>
#include <control/seqpacket.hpp>
#include <cstring>

namespace actor::control {

SendResult send_seqpacket(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  ACTOR_ASSERT(fds.size() <= max_seqpacket_fds, "a packet has room for 16 descriptors");
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};  // sendmsg() does not write to it
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char room[CMSG_SPACE(max_seqpacket_fds * sizeof(int))] = {};
  if (!fds.empty()) {
    header.msg_control = room;
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  while (::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EINTR) continue;
    // ETOOMANYREFS: too many descriptors of this user are on their way; it passes when receivers take them.
    const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS;
    return full ? SendResult::Full : SendResult::Gone;
  }
  return SendResult::Sent;
}

namespace {

/// Takes every descriptor that came, whatever else is wrong with the packet: from here on they close themselves.
void take_fds(msghdr& header, std::vector<Fd>& fds) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

}  // namespace

Received receive_seqpacket(int socket, std::span<std::byte> into, std::vector<Fd>& fds, bool keep) {
  fds.clear();
  fds.reserve(max_seqpacket_fds);  // before the kernel installs them: nothing may throw after that
  alignas(cmsghdr) char room[CMSG_SPACE(max_seqpacket_fds * sizeof(int))];
  iovec data{into.data(), into.size()};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = room;
  header.msg_controllen = sizeof room;
  ssize_t received = 0;
  do {
    received = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (keep ? MSG_PEEK : 0));
    // SUBTLE: a peer that died with packets unread leaves ECONNRESET, once, before what it had sent itself.
  } while (received < 0 && (errno == EINTR || errno == ECONNRESET));
  if (received < 0) return {errno == EAGAIN ? Received::State::Nothing : Received::State::Closed, 0};
  take_fds(header, fds);
  if (received == 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    // SUBTLE: the kernel stops at the first descriptor that it cannot install; there was room for all that may come.
    const bool no_room = (header.msg_flags & MSG_TRUNC) == 0 && fds.size() < max_seqpacket_fds;
    fds.clear();
    if (received == 0) return {Received::State::Closed, 0};
    if (no_room) return {Received::State::NoDescriptors, static_cast<std::size_t>(received)};
    return {Received::State::Truncated, 0};
  }
  return {Received::State::Packet, static_cast<std::size_t>(received)};
}

void drop_seqpacket(int socket) {
  char first = 0;  // the rest of the packet goes with it, and so do its descriptors
  while (::recv(socket, &first, 1, MSG_DONTWAIT) < 0 && errno == EINTR) {
  }
}

}  // namespace actor::control
