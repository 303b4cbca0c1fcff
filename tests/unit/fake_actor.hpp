#pragma once
// An actor process's side of the control protocol without the process: a status segment, rings, and answers that a test
// can give, hold back or forge. One thread; the broker's end of the socket is `broker_end`.

#include <control/channel.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <shm/layout.hpp>
#include <shm/ring.hpp>
#include <shm/segment.hpp>
#include <string>
#include <vector>

namespace actor::testing {

class FakeActor {
 public:
  FakeActor();

  Fd take_broker_end() { return std::move(broker_end_); }
  shm::Status& status() { return *reinterpret_cast<shm::Status*>(status_.data()); }
  int status_fd() const { return status_.fd(); }

  template <class Message>
  void send(const Message& message, std::vector<int> fds = {}) {
    channel_.send<control::ToBroker>(message, fds);
  }
  /// A Hello that the broker accepts.
  control::Hello hello(const std::string& name) const;

  /// Takes in what has come; answers it as an actor does when `answers`. Returns how many messages came.
  std::size_t serve();
  bool answers = true;
  /// What came since the test last cleared it, in order.
  std::vector<control::ToActor> inbox;
  bool broker_hung_up = false;

  template <class Message>
  std::vector<Message> got() const {
    std::vector<Message> result;
    for (const auto& message : inbox) {
      if (const auto* held = std::get_if<Message>(&message)) result.push_back(*held);
    }
    return result;
  }

  struct Out {
    control::AddRoute told;
    shm::OwnedSegment ring;
    std::uint64_t head = 0;
    std::optional<shm::PeerSegment> reader;
    std::uint32_t cursor_index = 0;
    bool removed = false;
    Fd data_bell, space_bell;
  };
  struct InSegment {
    std::uint32_t incarnation = 0;
    shm::RingView ring;
    bool ended = false;
    std::uint64_t end = 0;
  };
  struct In {
    control::Attach told;
    std::uint64_t cursor = 0;
    std::vector<InSegment> segments;
    Fd data_bell, space_bell;
  };
  std::map<control::RouteId, Out> out;
  std::map<control::RouteId, In> in;

  /// Writes one event whose counter is `counter`. `publish_head` false: dies before the head word is stored.
  void push(control::RouteId route, std::uint64_t counter, bool publish_head = true);
  /// A fan-out record that says that the route's next event was committed but not pushed.
  void record(control::RouteId route, std::uint64_t counter);
  /// Handles up to `most` events: their counters. Tells SegmentDrained where a segment ends.
  std::vector<std::uint64_t> handle(control::RouteId route, std::size_t most = SIZE_MAX);
  /// How far the route's reader has come, as its publisher sees it.
  std::uint64_t reader_done(control::RouteId route);

  void answer(const control::ToActor& message, std::vector<Fd>& fds);

 private:
  void on(const control::AddRoute& message, std::vector<Fd>& fds);
  void on(const control::Attach& message, std::vector<Fd>& fds);
  void on(const control::SwitchReader& message, std::vector<Fd>& fds);
  void on(const control::RemoveRoute& message, std::vector<Fd>& fds);
  void on(const control::ReaderGone& message, std::vector<Fd>& fds);
  void on(const control::PublisherEnded& message, std::vector<Fd>& fds);
  bool drop_ended(control::RouteId route);

  Fd broker_end_;
  control::Channel channel_{Fd()};
  shm::OwnedSegment status_;
};

}  // namespace actor::testing
