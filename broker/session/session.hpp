#pragma once
// One connection with an actor process or a tool: decodes what comes in, holds it to the order of the protocol, and
// tells the brain. Whatever the other side sends, the worst that happens is one violated() and the end of the
// connection. Owned by the brain, one thread. docs/control-protocol.md has the order of messages.

#include <actor/epoll_loop.hpp>
#include <actor/error.hpp>
#include <control/channel.hpp>
#include <control/messages.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "session/epoch_page.hpp"
#include "session/fd_safe.hpp"
#include "session/turn.hpp"

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
  /// There are no descriptors left for what it has sent. It is not read any more until go_on().
  virtual void out_of_descriptors(Session& session) = 0;
  /// The other side hung up. The session is closed already.
  virtual void hung_up(Session& session) = 0;
  /// The other side reads too slowly for what it is told: whoever makes the broker say so much should be held. Called
  /// again for each further message, until caught_up().
  virtual void lags(Session&) {}
  virtual void caught_up(Session&) {}
  /// The connection is over; what was not taken from its socket is still there. This one closes it. It may carry
  /// descriptors whose close() waits: keeper/grave.hpp says what is to be done about that.
  virtual void let_go(Fd) {}
};

/// What a successor of the brain has to know of a connection. The descriptors by their keys in the safe.
struct SessionState {
  struct Unsent {
    std::uint64_t number = 0;
    control::PacketBytes bytes;
    std::vector<std::uint64_t> fds;
  };
  std::uint8_t phase = 0;
  bool quiesce_sent = false;
  std::uint64_t heard = 0;  // number of the last message that was handled
  std::uint64_t said = 0;
  std::vector<Unsent> unsent;
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
    Reports,  // of a process that several actors share: nothing but the ends of actors
    Closed,
  };

  /// Takes over a connected socket. `owner`: whatever the handler wants to find again. With a turn, messages are sent
  /// and taken from the socket only when the turn is finished, and at most one is handled in each; it outlives this.
  Session(Fd socket, EpollLoop& loop, SessionHandler& handler, std::uint64_t owner, Turn* turn = nullptr);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::uint64_t owner() const { return owner_; }
  void set_owner(std::uint64_t owner) { owner_ = owner; }
  int fd() const { return channel_.fd(); }
  Phase phase() const { return phase_; }
  bool joined() const { return phase_ >= Phase::Joining && phase_ <= Phase::Quiesced; }

  /// So many messages that wait for the other side are too many to make more.
  static constexpr std::size_t most_unsent = 1000;

  /// From now on the word of this actor changes with every message to it.
  void set_epoch(EpochPage& page, std::uint32_t slot);

  /// Never throws: what cannot be sent (too large) ends the connection.
  template <class Message>
  void send(const Message& message, std::vector<Kept> fds = {}) {
    if (phase_ == Phase::Closed) return;
    ACTOR_ASSERT(fds.size() == control::descriptors_of(message), "a message carries what messages.hpp says");
    try {
      say(control::encode_packet<control::ToActor>(message, said_ + 1), std::move(fds));
    } catch (const Error& error) {
      violate(std::string("the broker has something to say to it that cannot be sent: ") + error.what());
    }
  }
  /// Takes back what has certainly not been sent. False when there is no such message.
  template <class Message>
  bool take_back(const Message& message) {
    return take_back(control::encode_packet<control::ToActor>(message, 0));
  }
  /// What it says makes others lag: it is not heard until let_speak().
  void hold();
  void let_speak();
  /// The other side is no actor, but a process that several of them share.
  void expect_reports();
  /// Routes are in place: lets it run.
  void start();
  void quiesce();
  bool quiescing() const { return quiesce_sent_; }

  /// Handles what has come, also what a dead process left behind. True when there is no more; in a turn, false after
  /// messages: they are done with when it is finished. False, too, when there are no descriptors for them.
  bool drain();
  bool is_starved() const { return is_starved_; }
  /// There may be descriptors again.
  void go_on();
  void close();
  /// Has the other side closed its end, though what it sent may still be there?
  bool is_hung_up() const;

  SessionState save() const;
  /// REQUIRES: nothing was said or heard yet.
  void load(const SessionState& state, FdSafe& safe);

 private:
  struct Unsent {
    std::uint64_t number;
    control::PacketBytes bytes;
    std::vector<Kept> fds;
  };

  void readable();
  /// Returns false when there is nothing more to handle now.
  bool receive_one();
  void handle(control::Packet packet);
  void first(control::ToBroker message, std::vector<Fd> fds);
  /// The text of the rule that it breaks, if any.
  std::optional<std::string> out_of_order(const control::ToBroker& message) const;
  void violate(const std::string& what);
  void say(control::PacketBytes bytes, std::vector<Kept> fds);
  bool take_back(control::PacketBytes bytes);
  void look_whether_caught_up();
  bool look_ahead(bool on);
  void release();
  void flush();
  void watch();

  control::Channel channel_;
  EpollLoop& loop_;
  SessionHandler& handler_;
  std::uint64_t owner_;
  Turn* turn_;
  EpochPage* page_ = nullptr;
  std::uint32_t slot_ = 0;
  WatchId watch_ = 0;
  bool watching_writes_ = false;
  std::deque<Unsent> unsent_;
  std::uint64_t said_ = 0;
  std::uint64_t maybe_sent_ = 0;  // by a predecessor of this brain: all up to this number
  std::uint64_t heard_ = 0;
  unsigned unconsumed_ = 0;   // so many messages that were handled are still in the socket
  bool looks_ahead_ = false;  // the socket shows one after the other, though none is consumed
  bool full_ = false;         // the socket takes no more
  bool is_starved_ = false;   // of descriptors
  bool is_held_ = false;
  bool lags_ = false;
  bool waits_ = false;  // for the turn's end
  Phase phase_ = Phase::Connected;
  bool quiesce_sent_ = false;
};

}  // namespace actor::broker
