// The harness at a running broker: what happens in other processes is recorded, and sent into.

#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <actor/testing/broker_target.hpp>
#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>
#include <actor/version.hpp>
#include <control/channel.hpp>
#include <control/runtime_path.hpp>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "relay_events.hpp"
#include "runtime_under_test.hpp"

namespace process_test {

/// Known to no relay.
struct Stranger {
  int number;
};

namespace {

using namespace std::chrono_literals;
using namespace actor::testing;  // NOLINT: as its users do
using actor::Error;
using actor::ErrorCode;
using actor::Fd;
using relays::Ask;
using relays::Burst;
using relays::Done;
using relays::Events;
using relays::Hello;
using relays::Work;
using ::testing::HasSubstr;

namespace control = actor::control;

constexpr auto long_time = 60s;

template <class Function>
std::optional<Error> error_of(Function&& function) {
  try {
    function();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

class Observing : public RuntimeTest {
 protected:
  /// tester -> front -> worker -> sink
  Broker& start_relays(const std::string& more = "") {
    const auto relay = [&](const std::string& name, const std::string& topics, const std::string& actor_class) {
      return section(name, "subscribes = [" + topics + "]\n", actor_class, "process_relays");
    };
    Broker& broker =
        start("[broker]\nname = \"test\"\n" + relay("front", "\"Ask\", \"Burst\"", "Front") +
              relay("worker", "\"Work\"", "Worker") + relay("sink", "\"Done\", \"Filler\", \"Hello\"", "Sink") +
              section("tester", "subscribes = []\n" + more, "Sink", "process_relays"));
    for (const char* name : {"front", "worker", "sink", "tester"}) broker.wait_for_state(name, "ready");
    wait_until("the worker's Hello", [&] { return broker.actor("sink").at("handled") == 1; });
    return broker;
  }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Observing, AChainAcrossThreeProcessesIsRecordedWithItsParents) {
  Broker& broker = start_relays();
  {
    Harness test(actor::testing::broker<Events>("test"));  // the broker's name, or its runtime directory
    const auto id = test.send_as("tester", Ask{7, "please"});
    test.settle_on_event("Done").within(60s);
    EXPECT_THAT(test.chain(id), ExactPath("tester", "front", "worker", "sink"));
    EXPECT_THAT(test.actor("worker"), IsRunning());

    EXPECT_THAT(test.event(id), WasDeliveredTo("front"));
    EXPECT_THAT(test.event(id), WasSentBy("tester"));
    EXPECT_THAT(test.event(id), HasChild("Work"));
    EXPECT_THAT(test.chain(id), HasExactEvents("Ask", "Work", "Done"));
    EXPECT_EQ(test.event(id).deliveries().first()->get<Ask>().text, "please");
    EXPECT_EQ(test.actor("sink").last_received()->get<Done>().number, 7);
    EXPECT_THAT(test.topic(actor::of<Work>), Reached("worker"));
    for (const char* name : {"front", "worker", "sink", "tester"}) EXPECT_THAT(test.actor(name), IsRunning()) << name;
    EXPECT_EQ(test.event_count(), 3U);

    test.record();
    test.send_as("tester", Ask{8, ""}, id);
    test.settle_on_event("Done").within(long_time);
    EXPECT_EQ(test.events().first()->parent(), id);
    EXPECT_EQ(test.event_count(), 3U);
  }
  end(broker);
}

TEST_F(Observing, ManyEventsAreRecordedOnceEachAndCausesFirst) {
  Broker& broker = start_relays();
  {
    Harness test(actor::testing::broker<Events>("test"));
    constexpr int count = 300;
    for (int i = 0; i < count; ++i) test.send_as("tester", Ask{100 + i, ""});
    test.settle_on([](const EventQuery& events) { return events.received_by("sink").count() == count; })
        .within(long_time);
    EXPECT_EQ(test.event_count(), 3U * count);
    const auto works = test.events().received_by("worker").get<Work>();
    for (int i = 0; i < count; ++i) EXPECT_EQ(works.at(static_cast<std::size_t>(i)).number, 100 + i);
    std::set<actor::EventId> seen{{}};
    for (const EventEntry& entry : test.events().all_deliveries()) {
      EXPECT_TRUE(seen.contains(entry.parent())) << entry;
      seen.insert(entry.id());
    }
  }
  end(broker);
}

TEST_F(Observing, WhatCannotBeSentIsRefusedWithItsReason) {
  Broker& broker = start_relays("publishes = [\"Ask\"]\n");
  {
    Harness test(actor::testing::broker<Events>("test"));
    const auto nobody = error_of([&] { test.send_as("nobody", Ask{1, ""}); });
    ASSERT_TRUE(nobody);
    EXPECT_EQ(nobody->code(), ErrorCode::NoSuchActor);
    EXPECT_THAT(nobody->what(), HasSubstr("front"));
    const auto stranger = error_of([&] { test.send_as("tester", Stranger{1}); });
    ASSERT_TRUE(stranger);
    EXPECT_EQ(stranger->code(), ErrorCode::Incompatible);
    EXPECT_THAT(stranger->what(), HasSubstr("relays::Ask"));
    const auto forbidden = error_of([&] { test.send_as("tester", Work{1}); });
    ASSERT_TRUE(forbidden);
    EXPECT_EQ(forbidden->code(), ErrorCode::TopicNotAllowed);
    EXPECT_THAT(test.event(test.send_as("tester", Ask{1, ""})), WasSentBy("tester"));
  }
  end(broker);
}

TEST_F(Observing, EventsOfUnknownTypesKeepTheirNames) {
  Broker& broker = start_relays();
  {
    Harness test(actor::testing::broker<std::variant<Ask, Done>>("test"));
    const auto id = test.send_as("tester", Ask{3, ""});
    test.settle_on_event("Done").within(long_time);
    EXPECT_THAT(test.chain(id), HasExactEvents("Ask", "Work", "Done"));
    const auto work = test.events().received_by("worker").first();
    ASSERT_TRUE(work);
    EXPECT_EQ(work->get_if<Work>(), nullptr);
    EXPECT_EQ(work->text(), "Work{4 bytes}");
  }
  end(broker);
}

TEST_F(Observing, AnActorThatIsRestartedIsSeenToDieAndToComeBack) {
  Broker& broker = start_relays();
  {
    Harness test(actor::testing::broker<Events>("test"));
    const auto id = test.send_as("tester", Ask{13, ""});
    test.settle_on_event("Done").within(long_time);

    EXPECT_THAT(test.actor("worker"), IsRunning());
    EXPECT_EQ(test.actor("worker").restarts(), 1U);
    EXPECT_THAT(test.actor("worker").last_error(), HasSubstr("SIGABRT"));
    EXPECT_THAT(test.chain(id), ExactPath("tester", "front", "worker", "sink"));
    const auto work = test.events().received_by("worker").last();
    ASSERT_TRUE(work);
    EXPECT_TRUE(work->meta().redelivered);
    EXPECT_EQ(work->meta().attempt, 2U);
    EXPECT_TRUE(test.events().sent_by("worker").has_event("Hello"));  // of its successor's on_start()

    test.record();
    test.send_as("worker", Done{99});
    test.settle_on_event("Done").within(long_time);
    EXPECT_THAT(test.actor("sink"), ReceivedFrom("worker"));
    EXPECT_EQ(broker.ctl("stop sink").code, 0);
    wait_until("the end of sink", [&] { return test.actor("sink").is_stopped(); });
    EXPECT_EQ(broker.ctl("start sink").code, 0);
    wait_until("the new sink", [&] { return test.actor("sink").is_running(); });
  }
  end(broker);
}

TEST_F(Observing, AnActorThatIsStartedByHandIsSeenFromItsStart) {
  Broker& broker = start_relays();
  {
    Harness test(actor::testing::broker<Events>("test"));
    const pid_t guest = start_by_hand("guest", {"--broker", "test", "--subscribe", "*"});
    wait_until("the guest", [&] { return test.actor("guest").is_running(); });
    ASSERT_EQ(kill(guest, SIGKILL), 0);
    wait_until("the guest's end", [&] { return test.actor("guest").is_stopped(); });
  }
  end(broker);
}

TEST_F(Observing, TheBrokersEndIsTheEndOfAllActors) {
  Broker& broker = start_relays();
  Harness test(actor::testing::broker<Events>("test"));
  end(broker);
  wait_until("the end of all", [&] { return test.actor("front").is_stopped() && test.actor("sink").is_stopped(); });
  const auto gone = error_of([&] { test.send_as("tester", Ask{1, ""}); });
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->code(), ErrorCode::MailboxClosed) << gone->what();
}

TEST_F(Observing, TheDeathOfAToolHurtsNobody) {
  Broker& broker = start_relays();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run("exec process_dying_tool").code, -SIGKILL);
  {
    Harness test(actor::testing::broker<Events>("test"));
    test.send_as("tester", Ask{1, ""});
    test.settle_on_event("Done").within(long_time);
  }
  for (const char* name : {"front", "worker", "sink", "tester"}) {
    EXPECT_EQ(broker.actor(name).at("state"), "ready") << name;
    EXPECT_EQ(broker.actor(name).at("incarnation"), 1) << name;
  }
  end(broker);
}

// ---- without the harness ----

void wait_for_input(int fd) {
  pollfd polled{fd, POLLIN, 0};
  poll(&polled, 1, -1);
}

/// What observing gives a tool: a socket for each actor.
class RawTool {
 public:
  RawTool() : broker_(control::connect_to(control::find_broker("test"))) {
    broker_.send<control::ToBroker>(control::Request{R"({"command":"observe"})"});
    for (;;) {
      control::Packet packet;
      const auto result = broker_.receive(packet);
      if (result == control::ReceiveResult::Closed) throw std::runtime_error("the broker hung up");
      if (result == control::ReceiveResult::Nothing) {
        wait_for_input(broker_.fd());
        continue;
      }
      std::string error;
      const auto message = control::decode_to_actor(packet, error);
      if (!message) throw std::runtime_error(error);
      if (const auto* observed = std::get_if<control::Observed>(&*message))
        sockets.emplace(observed->name, std::move(packet.fds.at(0)));
      if (const auto* reply = std::get_if<control::Reply>(&*message)) {
        answer = reply->json;
        return;
      }
    }
  }
  std::map<std::string, Fd> sockets;
  std::string answer;

 private:
  control::Channel broker_;
};

/// The next packet; nothing when the other side has closed.
std::optional<control::ToTool> next_from(control::Channel& channel) {
  for (;;) {
    control::Packet packet;
    const auto result = channel.receive(packet);
    if (result == control::ReceiveResult::Closed) return std::nullopt;
    if (result == control::ReceiveResult::Nothing) {
      wait_for_input(channel.fd());
      continue;
    }
    std::string error;
    auto message = control::decode_to_tool(packet, error);
    if (!message) throw std::runtime_error(error);
    return message;
  }
}

template <class Message>
std::optional<Message> wait_for_message(control::Channel& channel) {
  while (auto message = next_from(channel)) {
    if (auto* wanted = std::get_if<Message>(&*message)) return std::move(*wanted);
  }
  return std::nullopt;
}

template <class T>
control::SendAs send_as_of(const T& event, const std::string& topic) {
  const actor::EventType& type = actor::event_type<T>();
  control::SendAs message{1, topic, 3, 0, std::string(type.name), type.hash, {}, {}};
  message.payload.resize(type.encoded_size(&event));
  type.encode(&event, message.payload);
  return message;
}

TEST_F(Observing, GarbageEndsTheObservationAndNothingElse) {
  Broker& broker = start_relays();
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    RawTool tool;
    ASSERT_EQ(tool.sockets.size(), 4U);
    for (auto& [name, socket] : tool.sockets) {
      std::vector<std::byte> bytes(1 + random() % 300);
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
      if (bytes.size() >= sizeof(control::MessageHeader) && random() % 4 != 0) {
        const control::MessageHeader header{control::MessageHeader::magic_value, actor::protocol_version,
                                            static_cast<std::uint16_t>(random() % 2), 0};
        std::memcpy(bytes.data(), &header, sizeof header);
      }
      ASSERT_EQ(send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
      control::Channel channel(std::move(socket));
      while (next_from(channel)) {
      }
    }
  }
  Harness test(actor::testing::broker<Events>("test"));
  test.send_as("tester", Ask{1, ""});
  test.settle_on_event("Done").within(long_time);
  for (const char* name : {"front", "worker", "sink", "tester"})
    EXPECT_EQ(broker.actor(name).at("incarnation"), 1) << name;
}

TEST_F(Observing, AWellFormedLieIsRefused) {
  start_relays();
  RawTool tool;
  control::Channel tester(std::move(tool.sockets.at("tester")));
  const control::SendAs good = send_as_of(Ask{1, "x"}, "Ask");
  const auto refusal = [&](auto change) {
    control::SendAs bad = good;
    change(bad);
    tester.send<control::ToObserved>(bad);
    const auto answer = wait_for_message<control::NotSent>(tester);
    return answer ? answer->why : std::string("the socket was closed");
  };
  EXPECT_THAT(refusal([](control::SendAs& bad) { bad.policy = 77; }), HasSubstr("overflow policy"));
  EXPECT_THAT(refusal([](control::SendAs& bad) { bad.deadline_ns = -1; }), HasSubstr("overflow policy"));
  EXPECT_THAT(refusal([](control::SendAs& bad) { bad.topic = ""; }), HasSubstr("topic"));
  EXPECT_THAT(refusal([](control::SendAs& bad) { bad.topic.assign(5000, 'x'); }), HasSubstr("topic"));
  EXPECT_THAT(refusal([](control::SendAs& bad) { bad.type_hash = 1; }), HasSubstr("knows no such type"));
  EXPECT_THAT(refusal([](control::SendAs& bad) { bad.payload.pop_back(); }), HasSubstr("malformed"));
  tester.send<control::ToObserved>(good);
  const auto sent = wait_for_message<control::Sent>(tester);
  ASSERT_TRUE(sent);
  EXPECT_EQ(sent->request, 1U);
  EXPECT_TRUE(sent->id);
}

TEST_F(Observing, AToolThatDoesNotReadIsToldHowMuchItMissed) {
  Broker& broker = start_relays();
  RawTool lazy;
  control::Channel tester(std::move(lazy.sockets.at("tester")));
  const Burst burst{12000};
  tester.send<control::ToObserved>(send_as_of(burst, "Burst"));
  wait_until("the end of the burst", [&] { return broker.actor("front").at("handled") == 1; });
  // 12000 events of 1000 bytes are more than the socket and the queue behind it hold; the actor has not waited.
  control::Channel front(std::move(lazy.sockets.at("front")));
  const auto lost = wait_for_message<control::Lost>(front);
  ASSERT_TRUE(lost);
  EXPECT_GT(lost->packets, 0U);
  const auto over = wait_for_message<control::Backlog>(front);
  ASSERT_TRUE(over);
  EXPECT_FALSE(over->begins);
  EXPECT_EQ(broker.actor("front").at("incarnation"), 1);
}

TEST_F(Observing, AnActorThatIsKilledBeforeAllWasReadHasSaidThatThereWasMore) {
  Broker& broker = start_relays();
  RawTool lazy;
  control::Channel tester(std::move(lazy.sockets.at("tester")));
  tester.send<control::ToObserved>(send_as_of(Burst{2000}, "Burst"));
  wait_until("the end of the burst", [&] { return broker.actor("front").at("handled") == 1; });
  EXPECT_EQ(broker.ctl("kill front").code, 0);
  broker.wait_for_incarnation("front", 2);
  control::Channel front(std::move(lazy.sockets.at("front")));
  bool backlog = false;
  while (const auto message = next_from(front)) {
    if (const auto* told = std::get_if<control::Backlog>(&*message)) backlog = told->begins;
  }
  EXPECT_TRUE(backlog);
}

TEST_F(Observing, ABrokerThatDoesNotRunIsSaidSo) {
  const auto error = error_of([] { Harness test(actor::testing::broker<Events>("nowhere")); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), ErrorCode::Io);
}

/// A recording with holes.
class Holed final : public Target {
 public:
  void attach(std::shared_ptr<actor::Monitor>) override {}
  void detach() override {}
  actor::EventId send_as(actor::ActorId, const Injected&) override { return {}; }
  void check() const override { throw Error(ErrorCode::Io, "it has holes"); }
  bool is_simulated() const override { return false; }
  void settle() override {}
  void advance(std::chrono::nanoseconds) override {}
};

TEST(ARecordingWithHoles, AnswersNothing) {
  Harness test{Holed()};
  EXPECT_THROW((void)test.event_count(), Error);
  EXPECT_THROW((void)test.actor("x"), Error);
  EXPECT_THROW(test.settle_on_event("Ask"), Error);
}

}  // namespace
}  // namespace process_test
