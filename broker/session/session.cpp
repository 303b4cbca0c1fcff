#include "session/session.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <actor/error.hpp>
#include <actor/version.hpp>
#include <algorithm>
#include <cstring>
#include <utility>

namespace actor::broker {
namespace {

/// Packets handled before others get their turn: a flood from one side starves nobody.
constexpr int packets_per_turn = 64;
/// Messages that may wait for a peer that does not read. Each may hold descriptors, of which there are not many.
constexpr std::size_t max_backlog = 4096;

/// Whatever an actor shows to others is memory: close() of such a descriptor never waits. Of what else it sends
/// (SO_LINGER on a TCP socket, for one) the last close() may take as long as it likes.
bool is_memory(const Fd& fd) {
  return ::fcntl(fd.get(), F_GET_SEALS) >= 0;
}

/// The version of a packet that is one of ours by its magic number.
std::optional<unsigned> version_of(const control::Packet& packet) {
  control::MessageHeader header;
  if (packet.bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, packet.bytes.data(), sizeof header);
  if (header.magic != control::MessageHeader::magic_value) return std::nullopt;
  return header.version;
}

}  // namespace

Session::Session(Fd socket, EpollLoop& loop, SessionHandler& handler, std::uint64_t owner, Turn* turn)
    : channel_(std::move(socket)), loop_(loop), handler_(handler), owner_(owner), turn_(turn) {
  look_ahead(false);  // a predecessor may have died over it
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
  if (watch_ != 0) loop_.unwatch(std::exchange(watch_, 0));
  watching_writes_ = full_;
  const bool hears = !is_starved_ && !is_held_;  // else it would be readable all the time
  if (!hears && !watching_writes_) return;
  const auto with_writes = hears ? Loop::Interest::ReadWrite : Loop::Interest::Write;
  watch_ =
      loop_.watch_always(channel_.fd(), watching_writes_ ? with_writes : Loop::Interest::Read, [this] { readable(); });
}

void Session::close() {
  if (phase_ == Phase::Closed) return;
  phase_ = Phase::Closed;
  is_starved_ = false;
  if (watch_ != 0) loop_.unwatch(std::exchange(watch_, 0));
  unconsumed_ = 0;
  unsent_.clear();
  look_whether_caught_up();
  handler_.let_go(channel_.take_socket());
}

bool Session::is_hung_up() const {
  pollfd polled{channel_.fd(), 0, 0};
  return poll(&polled, 1, 0) == 1 && (polled.revents & POLLHUP) != 0;
}

void Session::expect_reports() {
  ACTOR_ASSERT(phase_ == Phase::Connected, "nothing was said yet");
  phase_ = Phase::Reports;
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

void Session::say(control::PacketBytes bytes, std::vector<Kept> fds) {
  unsent_.push_back({++said_, std::move(bytes), std::move(fds)});
  if (unsent_.size() > most_unsent) {
    lags_ = true;
    handler_.lags(*this);
  }
  if (turn_ == nullptr) return flush();
  if (!std::exchange(waits_, true)) turn_->when_safe([this] { release(); });
}

bool Session::take_back(control::PacketBytes bytes) {
  for (auto message = unsent_.rbegin(); message != unsent_.rend() && message->number > maybe_sent_; ++message) {
    std::memcpy(bytes.data() + offsetof(control::MessageHeader, number), &message->number, sizeof message->number);
    if (message->bytes != bytes) continue;
    unsent_.erase(std::next(message).base());
    return true;
  }
  return false;
}

void Session::look_whether_caught_up() {
  if (lags_ && unsent_.size() <= most_unsent / 2) {
    lags_ = false;
    handler_.caught_up(*this);
  }
}

void Session::hold() {
  if (phase_ == Phase::Closed || std::exchange(is_held_, true)) return;
  watch();
}

void Session::let_speak() {
  if (!std::exchange(is_held_, false) || phase_ == Phase::Closed) return;
  watch();
}

/// The turn is over: what was heard is done with, what was said goes out.
void Session::release() {
  waits_ = false;
  if (phase_ == Phase::Closed) return;
  for (; unconsumed_ > 0; --unconsumed_) channel_.consume();
  if (looks_ahead_) look_ahead(false);
  flush();
}

void Session::flush() {
  if (phase_ == Phase::Closed || unsent_.empty()) return;
  full_ = false;
  bool any = false;
  while (!unsent_.empty() && !full_) {
    std::vector<int> fds;
    for (const Kept& fd : unsent_.front().fds) fds.push_back(fd->get());
    if (!channel_.try_send(unsent_.front().bytes, fds, full_)) {
      unsent_.clear();  // a peer that is gone is noticed where its death is: here the messages are just lost
      break;
    }
    if (full_) break;
    unsent_.pop_front();
    any = true;
  }
  if (any && page_) page_->bump(slot_);
  look_whether_caught_up();
  if (unsent_.size() > max_backlog)
    return violate("it has not read its control socket for " + std::to_string(max_backlog) + " messages");
  if (full_ != watching_writes_) watch();
}

void Session::readable() {
  if (full_ && !waits_) flush();
  if (is_held_) return;
  const int most = turn_ == nullptr ? packets_per_turn : 1;
  for (int i = 0; i < most && receive_one(); ++i) {
  }
}

bool Session::drain() {
  if (turn_ == nullptr) {
    while (receive_one()) {
    }
    return !is_starved_;
  }
  if (unconsumed_ > 0 || is_starved_) return false;
  look_ahead(true);
  while (unconsumed_ < static_cast<unsigned>(packets_per_turn) && receive_one()) {
  }
  return unconsumed_ == 0 && !is_starved_;
}

/// A peek shows the oldest packet, or, ahead, the one after that which the last peek has shown. False when this kernel
/// cannot do that. SUBTLE: the state is the socket's, of which the keeper has a copy for the next brain.
bool Session::look_ahead(bool on) {
  const int offset = on ? 0 : -1;
  looks_ahead_ = ::setsockopt(channel_.fd(), SOL_SOCKET, SO_PEEK_OFF, &offset, sizeof offset) == 0 && on;
  return looks_ahead_;
}

void Session::go_on() {
  if (!std::exchange(is_starved_, false) || phase_ == Phase::Closed) return;
  watch();
  if (full_) flush();
}

bool Session::receive_one() {
  if (phase_ == Phase::Closed || is_starved_ || (unconsumed_ > 0 && !looks_ahead_)) return false;
  control::Packet packet;
  switch (channel_.peek(packet)) {
    case control::ReceiveResult::Nothing:
      return false;
    case control::ReceiveResult::Packet:
      break;
    case control::ReceiveResult::Closed:
      close();
      handler_.hung_up(*this);
      return false;
    case control::ReceiveResult::NoDescriptors:
      is_starved_ = true;
      watch();
      handler_.out_of_descriptors(*this);
      return false;
  }
  // SUBTLE: these are copies, whose close() ends nothing; the packet is not taken, so the last one goes with the
  // socket.
  if (!std::all_of(packet.fds.begin(), packet.fds.end(), is_memory)) {
    violate("it sent a descriptor that is no shared memory");
    return false;
  }
  const std::uint64_t number = control::number_of(packet);
  if (number != 0 && number <= heard_) {  // a predecessor has handled it, and died before it could take it away
    channel_.consume();
    return true;
  }
  heard_ = std::max(heard_, number);
  ++unconsumed_;
  if (turn_ != nullptr && !std::exchange(waits_, true)) turn_->when_safe([this] { release(); });
  handle(std::move(packet));
  if (turn_ == nullptr && std::exchange(unconsumed_, 0) > 0) channel_.consume();
  return phase_ != Phase::Closed;
}

SessionState Session::save() const {
  SessionState state{static_cast<std::uint8_t>(phase_), quiesce_sent_, heard_, said_, {}};
  for (const Unsent& message : unsent_) {
    SessionState::Unsent saved{message.number, message.bytes, {}};
    for (const Kept& fd : message.fds) saved.fds.push_back(fd->key());
    // What carries a descriptor that ends with this brain is of no use afterwards.
    if (std::find(saved.fds.begin(), saved.fds.end(), 0) == saved.fds.end()) state.unsent.push_back(std::move(saved));
  }
  return state;
}

void Session::load(const SessionState& state, FdSafe& safe) {
  if (state.phase >= static_cast<std::uint8_t>(Phase::Closed)) return close();
  phase_ = static_cast<Phase>(state.phase);
  quiesce_sent_ = state.quiesce_sent;
  heard_ = state.heard;
  maybe_sent_ = said_ = state.said;
  for (const SessionState::Unsent& message : state.unsent) {
    Unsent unsent{message.number, message.bytes, {}};
    for (const std::uint64_t key : message.fds) unsent.fds.push_back(safe.find(key));
    const bool whole = std::find(unsent.fds.begin(), unsent.fds.end(), nullptr) == unsent.fds.end();
    if (whole) unsent_.push_back(std::move(unsent));
  }
  if (turn_ != nullptr && !std::exchange(waits_, true)) turn_->when_safe([this] { release(); });
}

void Session::handle(control::Packet packet) {
  const auto version = version_of(packet);
  if (version && *version != protocol_version && (phase_ == Phase::Connected || phase_ == Phase::Reports)) {
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
  const bool is_report = std::holds_alternative<control::ActorEnded>(message);
  if (phase_ == Phase::Reports) {
    if (is_report || std::holds_alternative<control::Stopping>(message)) return std::nullopt;
    return "a process that several actors share only says who has ended";
  }
  if (is_report) return "it is no process that several actors share";
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
