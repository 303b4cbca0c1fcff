#pragma once
// One end of a control connection: whole messages over a SOCK_SEQPACKET socket, with file descriptors. Used by actor
// processes, by the broker and by tools; owned by one thread. Never blocks: every call is MSG_DONTWAIT, and what the
// socket does not take is queued and sent by flush(). What the peer sends is hostile: whatever it is, nothing throws
// and no descriptor is leaked.

#include <sys/types.h>

#include <control/fd.hpp>
#include <control/messages.hpp>
#include <control/observation.hpp>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace actor::control {

/// A message as it goes out.
using PacketBytes = std::vector<std::byte>;

/// Throws Error(PayloadTooLarge) when the message exceeds max_packet_bytes. Instantiated like Channel::send().
template <class Direction, class Message>
PacketBytes encode_packet(const Message& message, std::uint64_t number);
/// The descriptors that a message has to carry: what messages.hpp says in words.
template <class Message>
std::size_t descriptors_of(const Message& message);

/// One packet as it came in: not yet decoded, so that a hostile one can be refused with its text.
struct Packet {
  std::vector<std::byte> bytes;
  std::vector<Fd> fds;
};

enum class ReceiveResult {
  Packet,
  Nothing,
  Closed,
  NoDescriptors,  ///< of peek() only: this process has no room for those that come along; the packet stays
};

class Channel {
 public:
  /// Takes over a connected SOCK_SEQPACKET socket.
  explicit Channel(Fd socket);

  int fd() const { return socket_.get(); }
  /// The end of this channel, and not that of its socket.
  Fd take_socket() { return std::move(socket_); }

  /// Sends or queues: `channel.send<ToBroker>(Ready{})`. False when the peer is gone. The descriptors stay the caller's
  /// (they are duplicated when queued). Throws Error: PayloadTooLarge when the message exceeds max_packet_bytes, Io
  /// when a descriptor cannot be duplicated. Instantiated in channel.cpp for every message of ToBroker, ToActor, ToTool
  /// and ToObserved.
  template <class Direction, class Message>
  bool send(const Message& message, std::span<const int> fds = {});

  /// The next packet, if one has come; repetitions are passed over. A packet with truncated data or descriptors counts
  /// as Closed (a hostile peer). Throws Error(Io) when this process has no room for the descriptors that came along:
  /// the message is lost.
  ReceiveResult receive(Packet& packet);

  // For whoever keeps a record of what was said (the broker): numbers are its own affair then.
  /// Like receive(), repetitions included, but the packet stays until consume().
  ReceiveResult peek(Packet& packet);
  void consume();
  /// Nothing is queued: Full means that the caller tries again.
  bool try_send(std::span<const std::byte> bytes, std::span<const int> fds, bool& full);

  /// Sends what was queued. False when the peer is gone.
  bool flush();
  /// Watch the socket for writing while this holds; `begun` is called whenever it begins to.
  bool has_queued() const { return !queue_.empty(); }
  void on_queue(std::function<void()> begun) { on_queue_ = std::move(begun); }
  std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  struct Queued {
    PacketBytes bytes;
    std::vector<Fd> fds;
  };

  bool send_packet(PacketBytes bytes, std::span<const int> fds);
  ReceiveResult receive(Packet& packet, bool keep);

  Fd socket_;
  std::deque<Queued> queue_;
  std::function<void()> on_queue_ = [] {};
  std::size_t queued_bytes_ = 0;
  std::uint64_t sent_ = 0;  // numbers
  std::uint64_t received_ = 0;
  bool gone_ = false;  // for sending: what the peer sent before it died can still be received
};

/// 0 for what is no control message.
std::uint64_t number_of(const Packet& packet);

/// Decodes a packet into one of the variant's messages. Null with `error` set when it is malformed, of another version,
/// or comes with another number of descriptors than its message says: fds of a decoded message can be indexed.
std::optional<ToBroker> decode_to_broker(const Packet& packet, std::string& error);
std::optional<ToActor> decode_to_actor(const Packet& packet, std::string& error);
std::optional<ToTool> decode_to_tool(const Packet& packet, std::string& error);
std::optional<ToObserved> decode_to_observed(const Packet& packet, std::string& error);

/// What the broker and tools use to connect and listen. `path` must not exist. Close-on-exec and non-blocking.
Fd listen_at(const std::string& path);   ///< Throws Error(Io).
Fd connect_to(const std::string& path);  ///< Throws Error(Io) that says whether no broker runs there.
/// A connected SOCK_SEQPACKET pair, close-on-exec, non-blocking.
std::pair<Fd, Fd> socket_pair();

/// Who connected, as the kernel says: cannot be forged.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
};
struct Accepted {
  Fd socket;
  PeerCredentials peer;
};
/// The next connection; nothing when there is none, or when it is gone already. Who may stay is the caller's to say.
std::optional<Accepted> accept_from(int listener);
/// Is who connected a member of the group? As of when it connected.
bool is_of_group(const Fd& socket, gid_t group);

}  // namespace actor::control
