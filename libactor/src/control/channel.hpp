#pragma once
// One end of a control connection: whole messages over a SOCK_SEQPACKET socket, with file descriptors. Used by actor
// processes, by the broker and by tools; owned by one thread. Never blocks: every call is MSG_DONTWAIT, and what the
// socket does not take is queued and sent by flush().

#include <control/fd.hpp>
#include <control/messages.hpp>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace actor::control {

/// One packet as it came in: not yet decoded, so that a hostile one can be refused with its text.
struct Packet {
  std::vector<std::byte> bytes;
  std::vector<Fd> fds;
};

enum class ReceiveResult { Packet, Nothing, Closed };

class Channel {
 public:
  /// Takes over a connected SOCK_SEQPACKET socket.
  explicit Channel(Fd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }

  /// Sends or queues. False when the peer is gone. The descriptors stay the caller's (they are duplicated when queued).
  template <class Direction, class Message>
  bool send(const Message& message, std::span<const int> fds = {});

  /// The next packet, if one has come. A packet with truncated data or descriptors counts as Closed (a hostile peer).
  ReceiveResult receive(Packet& packet);

  /// Sends what was queued. False when the peer is gone.
  bool flush();
  /// Watch the socket for writing while this holds.
  bool has_queued() const { return !queue_.empty(); }

 private:
  bool send_packet(std::vector<std::byte> bytes, std::span<const int> fds);

  struct Queued {
    std::vector<std::byte> bytes;
    std::vector<Fd> fds;
  };
  Fd socket_;
  std::deque<Queued> queue_;
};

/// Decodes a packet into one of the variant's messages. Null with `error` set when it is malformed or of another version.
std::optional<ToBroker> decode_to_broker(const Packet& packet, std::string& error);
std::optional<ToActor> decode_to_actor(const Packet& packet, std::string& error);

/// What the broker and tools use to connect and listen.
Fd listen_at(const std::string& path);   ///< Throws Error(Io).
Fd connect_to(const std::string& path);  ///< Throws Error(Io) that says whether no broker runs there.
/// A connected SOCK_SEQPACKET pair, close-on-exec, non-blocking.
std::pair<Fd, Fd> socket_pair();

}  // namespace actor::control
