// An actor that is observed by a tool that does not play along.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <actor/epoll_loop.hpp>
#include <actor/host.hpp>
#include <process/observers.hpp>

#include "control/channel.hpp"

namespace actor {

struct Asked {
  std::uint64_t number;
};

namespace {

using AskedEvents = std::variant<Asked>;

/// Counts what it is asked to send.
class CountingPort final : public Port {
 public:
  std::uint64_t sent = 0;

  EventId send(const Outgoing&) override { return {1, ++sent}; }
  std::uint16_t open_topic(std::string_view, OverflowPolicy, bool = false) override { return 0; }
  std::string_view topic_name(std::uint16_t) const override { return "Asked"; }
  void* loan(const EventType&) override { return nullptr; }
  void unloan(const EventType&, void*) noexcept override {}
  void flush() override {}
  bool is_full(std::uint16_t) override { return false; }
  bool has_staged() const override { return false; }
  bool push_staged() override { return true; }
  bool next(Delivery&) override { return false; }
  void handled(const Delivery&, bool) override {}
  Retained retain(const Delivery&) override { return nullptr; }
  void new_turn() override {}
  bool prepare_wait() override { return true; }
  void end_wait() override {}
  std::int64_t next_deadline() const override { return std::numeric_limits<std::int64_t>::max(); }
  PortCounters counters() const override { return {}; }
};

class Tool {
 public:
  explicit Tool(Fd socket) : socket_(std::move(socket)) {}

  /// Asks until the socket takes no more; returns how often it has asked by now.
  std::uint64_t ask() {
    for (bool full = false;; ++asked_) {
      const Asked event{asked_};
      control::SendAs request{asked_, "Asked", 0, 0, std::string(event_type<Asked>().name), event_type<Asked>().hash,
                              {},     {}};
      request.payload.resize(sizeof event);
      event_type<Asked>().encode(&event, request.payload);
      EXPECT_TRUE(socket_.try_send(control::encode_packet<control::ToObserved>(request, asked_ + 1), {}, full));
      if (full) return asked_;
    }
  }
  /// Reads what is there; returns how many answers have come by now.
  std::uint64_t read() {
    control::Packet packet;
    std::string error;
    while (socket_.receive(packet) == control::ReceiveResult::Packet) {
      const auto message = control::decode_to_tool(packet, error);
      EXPECT_TRUE(message) << error;
      if (message && std::holds_alternative<control::Sent>(*message)) ++answers_;
    }
    return answers_;
  }

 private:
  control::Channel socket_;
  std::uint64_t asked_ = 0;
  std::uint64_t answers_ = 0;
};

TEST(Observers, AToolThatSendsAndDoesNotReadIsNotListenedToUntilItDoes) {
  CountingPort port;
  EpollLoop loop;
  LoopWaker waker(loop);
  Host host(ActorId("observed"), port, loop, waker);
  Observers observers(host, event_types<AskedEvents>(), loop);
  auto [here, there] = control::socket_pair();
  observers.add({}, std::move(here));
  observers.start();
  Tool tool(std::move(there));

  constexpr std::uint64_t too_many = 1'000'000;
  std::uint64_t asked = tool.ask();
  for (std::uint64_t before = 0; asked != before && asked < too_many;) {
    before = asked;
    while (port.sent < too_many && loop.poll() != 0) {  // nothing that it could do keeps the actor awake
    }
    asked = tool.ask();
  }
  ASSERT_LT(asked, too_many) << "its answers fill the actor's memory";
  EXPECT_LT(port.sent, asked) << "the rest waits in its socket";

  while (tool.read() != asked) {
    ASSERT_NE(loop.poll(), 0u);
  }
  EXPECT_EQ(port.sent, asked);
}

}  // namespace
}  // namespace actor
