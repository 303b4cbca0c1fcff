#pragma once
// One connection with an actor process or a tool: decodes what comes in, holds it to the order of the protocol, and
// tells the brain. Whatever the other side sends, the worst that happens is one violated() and the end of the
// connection. Owned by the brain, one thread. docs/control-protocol.md has the order of messages.

#include <actor/error.hpp>
#include <actor/epoll_loop.hpp>
#include <control/channel.hpp>
#include <control/messages.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "session/epoch_page.hpp"

namespace actor::broker {

class Session;

/// What a Session tells its owner. A callback may close() the session, but must not destroy it.
class SessionHandler {
 public:
  virtual ~SessionHandler() = default;
  /// The first message of an actor. Its only descriptor is the status segment.
  virtual void hello(Session& session, control::Hello hello, Fd status) = 0;
  /// Everything after Hello, in an order that the protocol allows. What it refers to is for the handler to check.
  virtual void message(Session& session, control::ToBroker message, std::vector<Fd> fds) = 0;
  virtual void request(Session& session, const std::string& json) = 0;
  /// The first packet is from a library of another protocol version.
  virtual void other_version(Session& session, unsigned version) = 0;
  /// The other side broke the protocol: nothing it says counts any more. The session is closed already.
  virtual void violated(Session& session, const std::string& what) = 0;
  /// The other side hung up. The session is closed already.
  virtual void hung_up(Session& session) = 0;
};

class Session {
 public:
  enum class Phase : std::uint8_t {
    Connected,  // nothing said yet
    Tool,       // said Request first
    Joining,    // said Hello; its routes are being put in place
    Starting,   // got Start
    Ready,
    Quiesced,
    Closed,
  };

  /// Takes over a connected socket. `owner`: whatever the handler wants to find again.
  Session(Fd socket, EpollLoop& loop, SessionHandler& handler, std::uint64_t owner);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::uint64_t owner() const { return owner_; }
  void set_owner(std::uint64_t owner) { owner_ = owner; }
  Phase phase() const { return phase_; }
  bool joined() const { return phase_ >= Phase::Joining && phase_ <= Phase::Quiesced; }

  /// From now on the word of this actor changes with every message to it.
  void set_epoch(EpochPage& page, std::uint32_t slot);

  /// Never throws: what cannot be sent (too large, no descriptors left) ends the connection.
  template <class Message>
  void send(const Message& message, std::span<const int> fds = {}) {
    if (phase_ == Phase::Closed) return;
    try {
      sent(channel_.send<control::ToActor>(message, fds));
    } catch (const Error& error) {
      violate(std::string("the broker has something to say to it that cannot be sent: ") + error.what());
    }
  }
  /// Routes are in place: lets it run.
  void start();
  void quiesce();
  bool quiescing() const { return quiesce_sent_; }

  /// Handles everything that has come, also what a dead process left behind. False when the other side hung up.
  void drain();
  void close();
  /// Has the other side closed its end, though what it sent may still be there?
  bool is_hung_up() const;

 private:
  void readable();
  /// Returns false when there is nothing more to handle now.
  bool receive_one();
  void handle(control::Packet packet);
  void first(control::ToBroker message, std::vector<Fd> fds);
  /// The text of the rule that it breaks, if any.
  std::optional<std::string> out_of_order(const control::ToBroker& message) const;
  void violate(const std::string& what);
  void sent(bool delivered);
  void watch();

  control::Channel channel_;
  EpollLoop& loop_;
  SessionHandler& handler_;
  std::uint64_t owner_;
  EpochPage* page_ = nullptr;
  std::uint32_t slot_ = 0;
  WatchId watch_ = 0;
  bool watching_writes_ = false;
  std::uint32_t backlog_ = 0;  // messages sent since the socket was last able to take everything
  Phase phase_ = Phase::Connected;
  bool quiesce_sent_ = false;
};

}  // namespace actor::broker
