#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <actor/archive.hpp>
#include <actor/error.hpp>
#include <actor/version.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <control/channel.hpp>
#include <control/seqpacket.hpp>
#include <cstring>
#include <memory>
#include <type_traits>

namespace actor::control {
namespace {

template <class Message, class Direction>
struct KindIn;
template <class Message, class... Messages>
struct KindIn<Message, std::variant<Messages...>> {
  static constexpr std::uint16_t value = [] {
    std::uint16_t kind = 0;
    (void)((std::is_same_v<Message, Messages> || (++kind, false)) || ...);
    return kind;
  }();
  static_assert(value < sizeof...(Messages), "this message does not travel in this direction");
};

/// How many descriptors a message has: what messages.hpp says in words.
template <class Message>
std::size_t expected_fds(const Message&) {
  constexpr bool has_one = std::is_same_v<Message, Hello> || std::is_same_v<Message, RouteReady> ||
                           std::is_same_v<Message, ExtentAdded> || std::is_same_v<Message, Welcome> ||
                           std::is_same_v<Message, PeerExtentAdded> || std::is_same_v<Message, Observe> ||
                           std::is_same_v<Message, Observed> || std::is_same_v<Message, AttachLatched> ||
                           std::is_same_v<Message, RunActor>;
  return has_one ? 1 : 0;
}
std::size_t expected_fds(const AddRoute& message) {
  return message.reader_present ? 3 : 2;
}
std::size_t expected_fds(const SwitchReader&) {
  return 3;
}
std::size_t expected_fds(const Attach&) {
  return 4;
}
std::size_t expected_fds(const Redeliver& message) {
  return message.shared_bytes != 0 ? 1 : 0;
}

template <class Direction, std::size_t Kind>
bool decode_as(std::span<const std::byte> body, Direction& out) {
  return decode(body, out.template emplace<Kind>());
}

template <class Direction>
bool decode_kind(std::uint16_t kind, std::span<const std::byte> body, Direction& out) {
  return [&]<std::size_t... Kind>(std::index_sequence<Kind...>) {
    bool decoded = false;
    (void)((kind == Kind && (decoded = decode_as<Direction, Kind>(body, out), true)) || ...);
    return decoded;
  }
  (std::make_index_sequence<std::variant_size_v<Direction>>{});
}

bool check_header(const MessageHeader& header, std::size_t kinds, std::string& error) {
  if (header.magic != MessageHeader::magic_value) {
    error = "the packet is not one of libactor's control messages (wrong magic number)";
    return false;
  }
  if (header.version != protocol_version) {
    error = "the peer speaks version " + std::to_string(header.version) +
            " of the control protocol, this program (libactor " + std::string(version()) + ") version " +
            std::to_string(protocol_version) + "; build both with the same libactor";
    return false;
  }
  if (header.kind >= kinds) {
    error = "control message of unknown kind " + std::to_string(header.kind) + "; there are " + std::to_string(kinds);
    return false;
  }
  return true;
}

template <class Direction>
std::optional<Direction> decode_packet(const Packet& packet, std::string& error) {
  MessageHeader header;
  if (packet.bytes.size() < sizeof header) {
    error = "control packet of " + std::to_string(packet.bytes.size()) + " bytes is shorter than its header";
    return std::nullopt;
  }
  std::memcpy(&header, packet.bytes.data(), sizeof header);
  if (!check_header(header, std::variant_size_v<Direction>, error)) return std::nullopt;
  const std::string what = "control message of kind " + std::to_string(header.kind);
  std::optional<Direction> message(std::in_place);
  if (!decode_kind(header.kind, std::span(packet.bytes).subspan(sizeof header), *message)) {
    error = what + " is malformed (" + std::to_string(packet.bytes.size()) + " bytes)";
    return std::nullopt;
  }
  const std::size_t fds = std::visit([](const auto& alternative) { return expected_fds(alternative); }, *message);
  if (packet.fds.size() != fds) {
    error = what + " came with " + std::to_string(packet.fds.size()) + " file descriptors instead of " +
            std::to_string(fds);
    return std::nullopt;
  }
  return message;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw Error(ErrorCode::Io,
                "cannot use '" + path + "' as a socket: its path has " + std::to_string(path.size()) +
                    " bytes, and Unix sockets allow 1 to " + std::to_string(sizeof address.sun_path - 1) +
                    "; use a shorter runtime directory",
                ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Fd make_socket(const std::string& path) {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw_errno("cannot make a socket for '" + path + "'");
  return socket;
}

}  // namespace

Channel::Channel(Fd socket) : socket_(std::move(socket)) {
  // The largest packet must fit, whatever this machine's default is; the kernel caps the value, and adds its own share.
  const int bytes = 2 * static_cast<int>(max_packet_bytes);
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

template <class Direction, class Message>
PacketBytes encode_packet(const Message& message, std::uint64_t number) {
  const MessageHeader header{.magic = MessageHeader::magic_value,
                             .version = static_cast<std::uint16_t>(protocol_version),
                             .kind = KindIn<Message, Direction>::value,
                             .number = number};
  const std::size_t body_bytes = encoded_size(message);
  if (sizeof header + body_bytes > max_packet_bytes) {
    throw Error(ErrorCode::PayloadTooLarge, "cannot send a control message of kind " + std::to_string(header.kind) +
                                                ": it has " + std::to_string(sizeof header + body_bytes) +
                                                " bytes, and " + std::to_string(max_packet_bytes) + " is the limit");
  }
  PacketBytes bytes(sizeof header + body_bytes);
  std::memcpy(bytes.data(), &header, sizeof header);
  encode(message, std::span(bytes).subspan(sizeof header));
  return bytes;
}

template <class Message>
std::size_t descriptors_of(const Message& message) {
  return expected_fds(message);
}

template <class Direction, class Message>
bool Channel::send(const Message& message, std::span<const int> fds) {
  ACTOR_ASSERT(fds.size() == expected_fds(message), "a control message carries the descriptors that messages.hpp says");
  return send_packet(encode_packet<Direction>(message, ++sent_), fds);
}

bool Channel::try_send(std::span<const std::byte> bytes, std::span<const int> fds, bool& full) {
  const SendResult result = send_seqpacket(socket_.get(), bytes, fds);
  full = result == SendResult::Full;
  return result != SendResult::Gone;
}

bool Channel::send_packet(PacketBytes bytes, std::span<const int> fds) {
  if (!flush()) return false;
  if (queue_.empty()) {
    const SendResult result = send_seqpacket(socket_.get(), bytes, fds);
    gone_ = result == SendResult::Gone;
    if (result != SendResult::Full) return !gone_;
  }
  Queued queued{std::move(bytes), {}};
  for (const int fd : fds) {
    Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) throw_errno("cannot queue a control message: copying descriptor " + std::to_string(fd));
    queued.fds.push_back(std::move(copy));
  }
  queued_bytes_ += queued.bytes.size();
  queue_.push_back(std::move(queued));
  if (queue_.size() == 1) on_queue_();
  return true;
}

bool Channel::flush() {
  while (!gone_ && !queue_.empty()) {
    const Queued& oldest = queue_.front();
    std::array<int, max_packet_fds> fds = {};
    for (std::size_t i = 0; i < oldest.fds.size(); ++i) fds[i] = oldest.fds[i].get();
    const SendResult result = send_seqpacket(socket_.get(), oldest.bytes, std::span(fds).first(oldest.fds.size()));
    if (result == SendResult::Full) return true;
    gone_ = result == SendResult::Gone;
    if (gone_) break;
    queued_bytes_ -= oldest.bytes.size();
    queue_.pop_front();
  }
  if (gone_) {
    queue_.clear();
    queued_bytes_ = 0;
  }
  return !gone_;
}

ReceiveResult Channel::receive(Packet& packet) {
  for (;;) {
    const ReceiveResult result = receive(packet, false);
    if (result != ReceiveResult::Packet) return result;
    const std::uint64_t number = number_of(packet);
    if (number != 0 && number <= received_) continue;
    received_ = std::max(received_, number);
    return result;
  }
}

ReceiveResult Channel::peek(Packet& packet) {
  return receive(packet, true);
}

void Channel::consume() {
  drop_seqpacket(socket_.get());
}

ReceiveResult Channel::receive(Packet& packet, bool keep) {
  packet.bytes.clear();
  // One for all the channels of a thread, which may be hundreds.
  thread_local const auto incoming = std::make_unique_for_overwrite<std::byte[]>(max_packet_bytes);
  const Received received = receive_seqpacket(socket_.get(), {incoming.get(), max_packet_bytes}, packet.fds, keep);
  switch (received.state) {
    case Received::State::Packet:
      break;
    case Received::State::Nothing:
      return ReceiveResult::Nothing;
    case Received::State::Truncated:
    case Received::State::Closed:
      return ReceiveResult::Closed;
    case Received::State::NoDescriptors:
      if (keep) return ReceiveResult::NoDescriptors;
      throw Error(
          ErrorCode::Io,
          "cannot take what a control message brings along: this process has as many file descriptors open as it "
          "may; raise its limit (limits.open_files in the manifest, LimitNOFILE= of a unit, ulimit -n)",
          EMFILE);
  }
  packet.bytes.assign(incoming.get(), incoming.get() + received.bytes);
  return ReceiveResult::Packet;
}

std::uint64_t number_of(const Packet& packet) {
  MessageHeader header;
  if (packet.bytes.size() < sizeof header) return 0;
  std::memcpy(&header, packet.bytes.data(), sizeof header);
  return header.magic == MessageHeader::magic_value ? header.number : 0;
}

std::optional<ToBroker> decode_to_broker(const Packet& packet, std::string& error) {
  return decode_packet<ToBroker>(packet, error);
}

std::optional<ToActor> decode_to_actor(const Packet& packet, std::string& error) {
  return decode_packet<ToActor>(packet, error);
}

std::optional<ToTool> decode_to_tool(const Packet& packet, std::string& error) {
  return decode_packet<ToTool>(packet, error);
}

std::optional<ToObserved> decode_to_observed(const Packet& packet, std::string& error) {
  return decode_packet<ToObserved>(packet, error);
}

Fd listen_at(const std::string& path) {
  const sockaddr_un address = address_of(path);
  Fd socket = make_socket(path);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw_errno("cannot listen for control connections at '" + path + "'");
  }
  if (::listen(socket.get(), SOMAXCONN) != 0) throw_errno("cannot listen at '" + path + "'");
  return socket;
}

Fd connect_to(const std::string& path) {
  const sockaddr_un address = address_of(path);
  Fd socket = make_socket(path);
  // SUBTLE: a local connect() is immediate, so a non-blocking one fails with EAGAIN only when the backlog is full.
  while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const std::string doing = "cannot connect to a broker at '" + path + "'";
    if (errno == EINTR) continue;
    if (errno == ENOENT) {
      throw Error(ErrorCode::Io, doing + ": there is no such socket; start actor-broker, or name the right one",
                  ENOENT);
    }
    if (errno == ECONNREFUSED) {
      throw Error(ErrorCode::Io, doing + ": the broker that made this socket no longer runs; start it again",
                  ECONNREFUSED);
    }
    throw_errno(doing);
  }
  return socket;
}

std::pair<Fd, Fd> socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    throw_errno("cannot make a pair of control sockets");
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

std::optional<Accepted> accept_from(int listener) {
  Fd socket;
  do {
    socket = Fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  } while (!socket && errno == EINTR);
  if (!socket) return std::nullopt;
  ucred credentials = {};
  socklen_t bytes = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) return std::nullopt;
  return Accepted{std::move(socket), {.pid = credentials.pid, .uid = credentials.uid}};
}

bool is_of_group(const Fd& socket, gid_t group) {
  ucred credentials = {};
  socklen_t bytes = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &bytes) != 0) return false;
  if (credentials.gid == group) return true;
  bytes = 0;
  (void)::getsockopt(socket.get(), SOL_SOCKET, SO_PEERGROUPS, nullptr, &bytes);  // says how many bytes they take
  std::vector<gid_t> groups(bytes / sizeof(gid_t));
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes) != 0) return false;
  return std::find(groups.begin(), groups.end(), group) != groups.end();
}

#define ACTOR_TO_BROKER(Message) template bool Channel::send<ToBroker, Message>(const Message&, std::span<const int>)
ACTOR_TO_BROKER(Hello);
ACTOR_TO_BROKER(RouteReady);
ACTOR_TO_BROKER(RouteSwitched);
ACTOR_TO_BROKER(Attached);
ACTOR_TO_BROKER(SegmentDrained);
ACTOR_TO_BROKER(ExtentAdded);
ACTOR_TO_BROKER(ExtentDropped);
ACTOR_TO_BROKER(OpenTopic);
ACTOR_TO_BROKER(Ready);
ACTOR_TO_BROKER(Overflowed);
ACTOR_TO_BROKER(PeerCorrupt);
ACTOR_TO_BROKER(Stopping);
ACTOR_TO_BROKER(StopRuntime);
ACTOR_TO_BROKER(Quiesced);
ACTOR_TO_BROKER(Awake);
ACTOR_TO_BROKER(Request);
ACTOR_TO_BROKER(Redelivered);
ACTOR_TO_BROKER(ActorEnded);
template PacketBytes encode_packet<ToBroker, ActorEnded>(const ActorEnded&, std::uint64_t);
#undef ACTOR_TO_BROKER

#define ACTOR_TO_ACTOR(Message)                                                        \
  template bool Channel::send<ToActor, Message>(const Message&, std::span<const int>); \
  template PacketBytes encode_packet<ToActor, Message>(const Message&, std::uint64_t); \
  template std::size_t descriptors_of<Message>(const Message&)
ACTOR_TO_ACTOR(Welcome);
ACTOR_TO_ACTOR(Refused);
ACTOR_TO_ACTOR(AddRoute);
ACTOR_TO_ACTOR(SwitchReader);
ACTOR_TO_ACTOR(ReaderGone);
ACTOR_TO_ACTOR(RemoveRoute);
ACTOR_TO_ACTOR(Attach);
ACTOR_TO_ACTOR(PublisherEnded);
ACTOR_TO_ACTOR(Detach);
ACTOR_TO_ACTOR(PeerExtentAdded);
ACTOR_TO_ACTOR(PeerExtentDropped);
ACTOR_TO_ACTOR(TopicOpened);
ACTOR_TO_ACTOR(Start);
ACTOR_TO_ACTOR(Quiesce);
ACTOR_TO_ACTOR(Stop);
ACTOR_TO_ACTOR(Reply);
ACTOR_TO_ACTOR(Observe);
ACTOR_TO_ACTOR(Observed);
ACTOR_TO_ACTOR(ObservedEnded);
ACTOR_TO_ACTOR(AttachLatched);
ACTOR_TO_ACTOR(SystemEvent);
ACTOR_TO_ACTOR(Redeliver);
ACTOR_TO_ACTOR(RunActor);
#undef ACTOR_TO_ACTOR

#define ACTOR_TO_TOOL(Message) template bool Channel::send<ToTool, Message>(const Message&, std::span<const int>)
ACTOR_TO_TOOL(Watching);
ACTOR_TO_TOOL(SeenEvent);
ACTOR_TO_TOOL(SeenError);
ACTOR_TO_TOOL(Lost);
ACTOR_TO_TOOL(Backlog);
ACTOR_TO_TOOL(Sent);
ACTOR_TO_TOOL(NotSent);
#undef ACTOR_TO_TOOL

template bool Channel::send<ToObserved, SendAs>(const SendAs&, std::span<const int>);

}  // namespace actor::control
