#pragma once
// The shm transport's Port: one incarnation of one actor, with its own sealed segments. Wiring (routes, segments,
// extents) is done from outside, by link.cpp in an actor's process and by tests directly; all on the actor's thread.

#include <actor/epoll_loop.hpp>
#include <mutex>
#include <shm/handling_times.hpp>
#include <shm/receiver.hpp>
#include <shm/sender.hpp>

namespace actor::shm {

struct PortOptions {
  ActorId self;
  std::uint64_t actor_key = 1;
  std::uint64_t first_counter = 1;
  std::uint64_t memory_bytes = 64u << 20;
};

/// A new, empty status segment of the calling process.
OwnedSegment make_status();

class ShmPort final : public Port {
 public:
  struct Events {
    SenderEvents sender;
    ReceiverEvents receiver;
    /// A topic nobody has named before: answer with sender().topic(handle).wire and topics_changed().
    std::function<void(std::uint16_t handle)> topic_opened = [](auto) {};
  };

  /// `types` and `loop` outlive the port.
  ShmPort(const PortOptions& options, std::span<const EventType* const> types, OwnedSegment status, EpollLoop& loop,
          Events events);
  ~ShmPort() override;

  Sender& sender() { return sender_; }
  Receiver& receiver() { return receiver_; }
  Status& status() { return *reinterpret_cast<Status*>(status_.data()); }
  int status_fd() const { return status_.fd(); }

  /// Adds a topic whose number is known, or tells the number of one that was opened before.
  std::uint16_t bind_topic(PortTopic topic);
  OutRoute& add_out_route(OutRouteSpec spec, Fd data_bell, Fd space_bell);
  /// The route's reader lives again, and has bells of its own. False: there is no such route.
  bool switch_reader(std::uint32_t route, PeerSegment status, std::uint32_t cursor_index, Fd data_bell, Fd space_bell);
  void remove_out_route(std::uint32_t route);
  /// The broker has seen the route's reader die, or its end of a removed route close.
  void reader_gone(std::uint32_t route);
  /// False with `error` set when the peer's memory is not what it should be.
  bool attach(InSegmentSpec spec, std::string& error);
  void detach(std::uint32_t route);
  /// Calls `on_parked` whenever the owner wakes while `parked`, which is somebody else's word, is not 0.
  void tell_awake(const Word& parked, std::function<void()> on_parked);
  /// What is sent is told to these monitors, which send nothing themselves and outlive the sending.
  void watch(Monitors& monitors) { sender_.watch(monitors); }

  /// Before the first topic that it carries is bound. Its bell is listened to from now on.
  void set_carrier(std::unique_ptr<Carrier> carrier);
  Carrier* carrier() { return carrier_.get(); }

  // Port
  std::uint16_t open_topic(std::string_view name, OverflowPolicy policy, bool latched = false) override;
  std::string_view topic_name(std::uint16_t topic) const override { return sender_.topic(topic).name; }
  EventId send(const Outgoing& out) override { return sender_.send(out); }
  void* loan(const EventType& type) override { return sender_.loan(type); }
  void unloan(const EventType&, void* loaned) noexcept override { sender_.unloan(loaned); }
  void flush() override { sender_.flush(); }
  bool is_full(std::uint16_t topic) override { return sender_.is_full(topic); }
  bool has_staged() const override { return sender_.has_staged(); }
  bool push_staged() override { return sender_.push_staged(); }
  bool next(Delivery& out) override;
  void handled(const Delivery& delivery, bool known) override;
  Retained retain(const Delivery& delivery) override;
  void new_turn() override;
  bool prepare_wait() override;
  void end_wait() override;
  std::int64_t next_deadline() const override { return sender_.next_deadline(); }
  PortCounters counters() const override;

 private:
  /// Pins come back from whichever thread drops the last reference.
  struct Returns {
    std::mutex mutex;
    std::vector<std::pair<std::uint32_t, std::uint64_t>> pins;
    std::atomic<bool> any = false;
    Fd bell;  // made with the first pin: an owner that sleeps has to let go of what comes back
  };
  void take_returns();
  void trim_memory_later();

  OwnedSegment status_;
  EpollLoop& loop_;
  std::span<const EventType* const> types_;
  std::function<void(std::uint16_t)> topic_opened_;
  std::unique_ptr<Carrier> carrier_;  // outlives both halves
  Sender sender_;
  Receiver receiver_;
  std::shared_ptr<Returns> returns_ = std::make_shared<Returns>();
  TimerId trim_timer_ = 0;
  HandlingTimes times_;
  std::uint64_t turns_ = 0;
  const Word* parked_ = nullptr;
  std::function<void()> on_parked_;
};

}  // namespace actor::shm
