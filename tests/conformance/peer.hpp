#pragma once
// One actor of a conformance test: its loop, its port, and a minimal runner that may have a thread of its own. Owned by
// the world. The port is used by the main thread until start(), by the peer's thread until join() or stop() returns.

#include <actor/epoll_loop.hpp>
#include <actor/host.hpp>
#include <actor/transport.hpp>
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace actor::conformance {

/// What was delivered, without the event itself.
struct Receipt {
  EventId id;
  EventId parent;
  std::string sender;
  std::string topic;
  std::uint64_t value = 0;  // Number::value, 0 for other types
  std::uint8_t flags = 0;
  std::uint32_t attempt = 0;
  bool known = false;

  bool redelivered() const { return (flags & Delivery::redelivered) != 0; }
  bool latched() const { return (flags & Delivery::latched) != 0; }
  bool maybe_duplicate() const { return (flags & Delivery::maybe_duplicate) != 0; }
};

/// What a peer says of a topic when it opens it.
struct PeerTopic {
  OverflowPolicy policy;
  bool latched = false;
};

class Peer {
 public:
  enum class Turn { Worked, Idle, Finished };

  Peer(std::string_view name, const std::map<std::string, PeerTopic>& topics);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  ActorId id() const { return id_; }
  std::string name() const { return std::string(id_.name()); }
  EpollLoop& loop() { return loop_; }
  /// For a transport that wakes through one. It keeps what it rings alive.
  std::shared_ptr<Signal> signal() const { return {bed_, &bed_->signal}; }
  Waker& waker() { return bed_->waker; }
  Port& port() { return *port_; }
  /// port().next(), after what was posted.
  bool next(Delivery& out);
  /// The world's: the port of a new incarnation, or none. Opens the world's topics on it.
  void set_port(std::unique_ptr<Port> port);
  std::unique_ptr<Port> take_port() { return std::move(port_); }

  // On the thread that owns the port ---------------------------------------------------------------------------------

  std::uint16_t topic(std::string_view name) const;
  template <class T>
  EventId send(std::string_view topic_name, const T& event, EventId parent = {}) {
    const EventId id = port_->send({&event_type<T>(), &event, topic(topic_name), parent});
    if (!threaded_) port_->flush();
    return id;
  }
  /// Sends Number{value}.
  EventId send_number(std::string_view topic_name, std::uint64_t value, EventId parent = {});

  /// Takes the next event without acknowledging it.
  bool take(Receipt& out);
  /// Acknowledges the event that take() took.
  void done();
  /// take() and done(); returns false when there is nothing.
  bool receive(Receipt& out);
  /// Everything that is there.
  std::vector<Receipt> receive_all();
  /// The values of receive_all().
  std::vector<std::uint64_t> receive_numbers();
  /// A turn of a reader without interest in what it reads.
  Turn consume();

  // The thread -------------------------------------------------------------------------------------------------------

  /// Runs `turn` on a thread of its own: again while it Worked, after something new when Idle, never when Finished.
  /// Takes no turn while something is staged. The thread ends with nothing staged.
  void start(std::function<Turn(Peer&)> turn);
  /// Waits until `turn` has said Finished.
  void join();
  /// Ends the thread as soon as `turn` says Idle.
  void stop();
  /// Ends the thread, if one runs, after its current turn: when a world goes while a test has failed. Otherwise
  /// nothing.
  void end();
  /// Calls `work` on the thread that owns the port, and returns when it is done. Main thread.
  void run(const std::function<void()>& work);
  /// Calls `work` there some time: at the thread's next turn, or before the main thread's next use of the peer. Any
  /// thread.
  void post(std::function<void()> work) { injection_->post(std::move(work)); }

 private:
  /// What the peer sleeps in and is woken through.
  struct Bed {
    EpollLoop loop;
    LoopWaker waker{loop};
    Signal signal{waker};
  };

  void loop_until_finished(const std::function<Turn(Peer&)>& turn);
  bool push_staged();
  void sleep();

  const ActorId id_;
  const std::map<std::string, PeerTopic>& topics_;
  const std::shared_ptr<Bed> bed_ = std::make_shared<Bed>();
  EpollLoop& loop_ = bed_->loop;
  std::shared_ptr<Injection> injection_ = std::make_shared<Injection>(bed_->waker);
  std::unique_ptr<Port> port_;
  std::map<std::string, std::uint16_t, std::less<>> handles_;
  Delivery in_hand_;
  std::atomic<bool> stop_when_idle_ = false;
  std::atomic<bool> end_now_ = false;
  std::atomic<bool> leave_ = false;
  std::promise<void> finished_;
  bool threaded_ = false;  // changes only while there is no thread; without one each call is a batch of its own
  std::thread thread_;
};

}  // namespace actor::conformance
