#include "session/session.hpp"

#include <poll.h>

#include <actor/error.hpp>
#include <actor/version.hpp>
#include <cstring>

namespace actor::broker {
namespace {

/// Packets handled before others get their turn: a flood from one side starves nobody.
constexpr int packets_per_turn = 64;
/// Messages that may wait for a peer that does not read. Each may hold descriptors, of which there are not many.
constexpr std::uint32_t max_backlog = 4096;

/// The version of a packet that is one of ours by its magic number.
std::optional<unsigned> version_of(const control::Packet& packet) {
  control::MessageHeader header;
  if (packet.bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, packet.bytes.data(), sizeof header);
  if (header.magic != control::MessageHeader::magic_value) return std::nullopt;
  return header.version;
}

}  // namespace

Session::Session(Fd socket, EpollLoop& loop, SessionHandler& handler, std::uint64_t owner)
    : channel_(std::move(socket)), loop_(loop), handler_(handler), owner_(owner) {
  watch();
}

Session::~Session() {
  close();
}

void Session::set_epoch(EpochPage& page, std::uint32_t slot) {
  page_ = &page;
  slot_ = slot;
}

void Session::watch() {
  if (watch_ != 0) loop_.unwatch(watch_);
  watching_writes_ = channel_.has_queued();
  watch_ = loop_.watch_always(channel_.fd(), watching_writes_ ? Loop::Interest::ReadWrite : Loop::Interest::Read,
                              [this] { readable(); });
}

void Session::close() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  loop_.unwatch(watch_);
  watch_ = 0;
  channel_ = control::Channel(Fd());
}

bool Session::is_hung_up() const {
  pollfd polled{channel_.fd(), 0, 0};
  return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

void Session::start() {
  ACTOR_ASSERT(phase_ == Phase::Joining, "Start is sent once, when the routes are in place");
  phase_ = Phase::Starting;
  send(control::Start{});
}

void Session::quiesce() {
  if (quiesce_sent_) return;
  quiesce_sent_ = true;
  send(control::Quiesce{});
}

void Session::sent(bool delivered) {
  // A peer that is gone is noticed where its death is: here the message is just lost.
  if (!delivered) return;
  if (page_) page_->bump(slot_);
  if (!channel_.has_queued()) return;
  if (++backlog_ > max_backlog) {
    violate("it has not read its control socket for " + std::to_string(max_backlog) + " messages");
  } else if (!watching_writes_) {
    watch();
  }
}

void Session::readable() {
  if (channel_.has_queued()) {
    const bool alive = channel_.flush();
    if (!channel_.has_queued()) backlog_ = 0;
    // What was queued when the word changed may have arrived only now.
    if (alive && page_) page_->bump(slot_);
  }
  if (watching_writes_ && !channel_.has_queued()) watch();
  for (int i = 0; i < packets_per_turn && receive_one(); ++i) {
  }
}

void Session::drain() {
  while (receive_one()) {
  }
}

bool Session::receive_one() {
  if (phase_ == Phase::Closed) return false;
  control::Packet packet;
  switch (channel_.receive(packet)) {
    case control::ReceiveResult::Nothing:
      return false;
    case control::ReceiveResult::Packet:
      handle(std::move(packet));
      return phase_ != Phase::Closed;
    case control::ReceiveResult::Closed:
      break;
  }
  close();
  handler_.hung_up(*this);
  return false;
}

void Session::handle(control::Packet packet) {
  const auto version = version_of(packet);
  if (version && *version != protocol_version && phase_ == Phase::Connected) {
    handler_.other_version(*this, *version);
    return;
  }
  std::string error;
  auto message = control::decode_to_broker(packet, error);
  if (!message) return violate("it sent a packet that cannot be read: " + error);
  if (const auto rule = out_of_order(*message)) return violate(*rule);
  if (phase_ == Phase::Connected) return first(std::move(*message), std::move(packet.fds));
  if (const auto* request = std::get_if<control::Request>(&*message)) return handler_.request(*this, request->json);
  if (std::holds_alternative<control::Ready>(*message)) phase_ = Phase::Ready;
  if (std::holds_alternative<control::Quiesced>(*message)) phase_ = Phase::Quiesced;
  handler_.message(*this, std::move(*message), std::move(packet.fds));
}

void Session::first(control::ToBroker message, std::vector<Fd> fds) {
  if (const auto* request = std::get_if<control::Request>(&message)) {
    phase_ = Phase::Tool;
    return handler_.request(*this, request->json);
  }
  phase_ = Phase::Joining;
  handler_.hello(*this, std::move(std::get<control::Hello>(message)), std::move(fds.at(0)));
}

std::optional<std::string> Session::out_of_order(const control::ToBroker& message) const {
  const bool is_hello = std::holds_alternative<control::Hello>(message);
  const bool is_request = std::holds_alternative<control::Request>(message);
  if (phase_ == Phase::Connected) {
    if (is_hello || is_request) return std::nullopt;
    return "its first message is neither Hello nor Request";
  }
  if (is_hello) return "it said Hello twice";
  if (is_request != (phase_ == Phase::Tool)) return "it is an actor and a tool at once";
  if (std::holds_alternative<control::Ready>(message) && phase_ != Phase::Starting)
    return phase_ == Phase::Joining ? "it is Ready before Start" : "it is Ready twice";
  if (std::holds_alternative<control::Quiesced>(message) && (phase_ != Phase::Ready || !quiesce_sent_))
    return "it is Quiesced without having been asked";
  return std::nullopt;
}

void Session::violate(const std::string& what) {
  close();
  handler_.violated(*this, what);
}

}  // namespace actor::broker
