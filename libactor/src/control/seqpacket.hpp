#pragma once
// One packet with file descriptors over a SOCK_SEQPACKET socket, and nothing else: no queue, no encoding. What Channel
// and the broker's keeper are built on. Stateless; never waits.

#include <control/fd.hpp>
#include <cstddef>
#include <span>
#include <vector>

namespace actor::control {

/// A packet carries no more descriptors than this.
inline constexpr std::size_t max_seqpacket_fds = 16;

enum class SendResult { Sent, Full, Gone };

/// Full: try again when the socket is writable. The descriptors stay the caller's.
SendResult send_seqpacket(int socket, std::span<const std::byte> bytes, std::span<const int> fds = {});

struct Received {
  enum class State {
    Packet,
    Nothing,
    Closed,        ///< the peer is gone, or sent an empty packet, which looks the same
    Truncated,     ///< longer than the room given, or more descriptors than a packet may carry: nothing of it is kept
    NoDescriptors  ///< this process has no room for the descriptors that came along: the bytes are there, they are not
  };
  State state = State::Nothing;
  std::size_t bytes = 0;
};

/// Fills `into` and replaces `fds`. The descriptors are close-on-exec.
/// `keep`: the packet stays, and comes again with further copies of its descriptors; so it may be tried again after
/// NoDescriptors.
Received receive_seqpacket(int socket, std::span<std::byte> into, std::vector<Fd>& fds, bool keep = false);
/// The packet that was looked at is done with.
void drop_seqpacket(int socket);

}  // namespace actor::control
