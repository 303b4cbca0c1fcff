// Who gets an event, and in which order.

#include <algorithm>
#include <random>
#include <set>

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Order);

namespace actor::conformance {

TEST_P(Order, EventsOfOneSenderArriveInTheOrderSentAcrossTopics) {
  make_world({.topics = {{"a", OverflowPolicy::block(), 64}, {"b", OverflowPolicy::drop(), 64}, {"c", {}, 64}}});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"a", "b", "c"});
  std::mt19937_64 random(test_seed());
  const std::array topics = {"a", "b", "c"};
  for (std::uint64_t i = 0; i < 60; ++i) sender.send_number(topics[random() % topics.size()], i);
  EXPECT_EQ(reader.receive_numbers(), numbers(0, 60));
}

TEST_P(Order, AnEventReachesEveryReaderOfItsTopicAndNobodyElse) {
  make_world();
  Peer& sender = add("sender", {});
  std::vector<Peer*> readers;
  for (int i = 0; i < 5; ++i) readers.push_back(&add("reader " + std::to_string(i), {"block", "drop"}));
  Peer& stranger = add("stranger", {"fail", "drop-oldest"});
  sender.send_number("block", 1);
  sender.send_number("drop", 2);
  for (Peer* reader : readers) EXPECT_EQ(reader->receive_numbers(), numbers(1, 3)) << reader->name();
  EXPECT_EQ(stranger.receive_numbers(), numbers(0, 0));
  EXPECT_EQ(sender.port().counters().published, 2u);
  EXPECT_EQ(sender.port().counters().sent, 10u);
}

TEST_P(Order, AnEventIsNeverDeliveredToItsOwnSender) {
  make_world();
  Peer& a = add("a", {"block"});
  Peer& b = add("b", {"block"});
  a.send_number("block", 1);
  b.send_number("block", 2);
  EXPECT_EQ(a.receive_numbers(), numbers(2, 3));
  EXPECT_EQ(b.receive_numbers(), numbers(1, 2));
}

TEST_P(Order, AnEventWithoutReadersIsPublishedAndSentToNobody) {
  make_world();
  Peer& sender = add("sender", {"block"});
  for (std::uint64_t i = 0; i < 100; ++i) sender.send_number("block", i);
  EXPECT_FALSE(sender.port().has_staged());
  EXPECT_EQ(sender.port().counters().published, 100u);
  EXPECT_EQ(sender.port().counters().sent, 0u);
}

TEST_P(Order, ABusySenderDoesNotKeepAnotherOneWaiting) {
  make_world({.topics = {{"block", OverflowPolicy::block(), 64}}});
  Peer& busy = add("busy", {});
  Peer& calm = add("calm", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 64; ++i) busy.send_number("block", i);
  calm.send_number("block", 1000);
  const std::vector<std::uint64_t> received = reader.receive_numbers();
  const auto place = std::find(received.begin(), received.end(), 1000u) - received.begin();
  EXPECT_EQ(received.size(), 65u);
  EXPECT_LT(place, 32) << "senders take turns, though not after every event";
}

TEST_P(Order, IdsAreUniqueAndCountUpPerSender) {
  make_world();
  Peer& a = add("a", {});
  Peer& b = add("b", {});
  Peer& reader = add("reader", {"block"});
  std::vector<EventId> sent;
  for (std::uint64_t i = 0; i < 8; ++i) {
    sent.push_back(a.send_number("block", i));
    sent.push_back(b.send_number("block", i));
  }
  EXPECT_EQ(std::set<EventId>(sent.begin(), sent.end()).size(), 16u);
  std::map<std::string, std::vector<EventId>> received;
  for (const Receipt& receipt : reader.receive_all()) received[receipt.sender].push_back(receipt.id);
  for (const auto& [sender, ids] : received) {
    EXPECT_EQ(ids.size(), 8u) << sender;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      EXPECT_EQ(ids[i].actor, ids[i + 1].actor) << sender;
      EXPECT_EQ(ids[i].counter + 1, ids[i + 1].counter) << sender;
    }
  }
  EXPECT_NE(received["a"].front().actor, received["b"].front().actor);
}

TEST_P(Order, MetaTravelsWithTheEvent) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  const EventId parent{7, 9};
  const EventId id = sender.send_number("block", 1, parent);
  const EventId orphan = sender.send_number("block", 2);
  Delivery delivery;
  ASSERT_TRUE(reader.next(delivery));
  EXPECT_EQ(delivery.id, id);
  EXPECT_EQ(delivery.parent, parent);
  EXPECT_EQ(delivery.sender, sender.id());
  EXPECT_EQ(delivery.type, (event_index<Events, Number>));
  EXPECT_EQ(delivery.attempt, 1u);
  EXPECT_EQ(delivery.flags, 0);
  EXPECT_EQ(reader.port().topic_name(delivery.topic), "block");
  EXPECT_GT(delivery.monotonic_ns, 0);
  reader.port().handled(delivery, true);
  ASSERT_TRUE(reader.next(delivery));
  EXPECT_EQ(delivery.id, orphan);
  EXPECT_EQ(delivery.parent, EventId{});
  reader.port().handled(delivery, true);
  EXPECT_FALSE(reader.next(delivery));
}

TEST_P(Order, ATopicHasOneHandlePerPort) {
  make_world();
  Port& port = add("a", {}).port();
  const std::uint16_t first = port.open_topic("block", OverflowPolicy::block());
  EXPECT_EQ(port.open_topic("block", OverflowPolicy::block()), first);
  EXPECT_NE(port.open_topic("drop", OverflowPolicy::drop()), first);
  EXPECT_EQ(port.topic_name(first), "block");
}

// Queues are rings in some transports, and numbers wrap: start just below every edge.
TEST_P(Order, NothingChangesWhereNumbersWrapAround) {
  constexpr std::uint64_t edge32 = std::uint64_t{1} << 32;
  for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{7},
                                    std::uint64_t{0xfffd}, edge32 / 2 - 3, edge32 - 9, edge32 - 1, edge32}) {
    SCOPED_TRACE("numbers start at " + std::to_string(first));
    make_world({.topics = one_topic_per_policy(8), .first_sequence = first});
    Peer& sender = add("sender", {});
    Peer& reader = add("reader", {"block", "fail", "drop", "drop-oldest"});
    for (std::uint64_t round = 0; round < 5; ++round) {
      for (std::uint64_t i = 0; i < 11; ++i) sender.send_number("block", round * 100 + i);
      sender.send_number("fail", round * 100 + 11);
      EXPECT_TRUE(sender.port().has_staged());
      std::vector<std::uint64_t> received = reader.receive_numbers();
      EXPECT_TRUE(sender.port().push_staged());
      for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
      EXPECT_EQ(received, numbers(round * 100, round * 100 + 12));
      for (std::uint64_t i = 0; i < 11; ++i) sender.send_number("drop-oldest", i);
      received = reader.receive_numbers();
      ASSERT_FALSE(received.empty());
      EXPECT_EQ(received, numbers(11 - received.size(), 11));
      for (std::uint64_t i = 0; i < 11; ++i) sender.send_number("drop", i);
      EXPECT_EQ(reader.receive_numbers(), numbers(0, 8));
    }
    EXPECT_EQ(queued(), 0u);
  }
}

}  // namespace actor::conformance
