// sent = handled + skipped + dropped + queued, after every single step of a random history.

#include <random>

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Accounting);

namespace actor::conformance {

TEST_P(Accounting, EveryCopyIsHandledSkippedDroppedOrQueuedAtEachStep) {
  std::mt19937_64 random(test_seed());
  make_world({.topics = one_topic_per_policy(4), .outbox_limit = 8});
  const std::vector<std::string> topics = {"block", "fail", "drop", "drop-oldest"};
  add("a", {"drop", "fail"});
  Peer& blocker = add("b", {"fail", "drop-oldest", "block"});
  world().add("c", more_types(), {"drop", "drop-oldest"});
  const std::vector<Peer*> peers = world().peers();
  std::uint64_t published = 0;
  for (int step = 0; step < 5000; ++step) {
    Peer& peer = *peers[random() % peers.size()];
    const auto action = random() % 8;  // 0 to 3: send, 4: push, 5 to 7: read
    const std::string& topic = topics[random() % topics.size()];
    if (action < 4 && !peer.port().has_staged()) {
      if (topic == "block" && &peer == &blocker) continue;  // it would be its only reader
      ++published;
      if (topic == "drop") {
        peer.send(topic, Secret{1});
      } else {
        peer.send_number(topic, 1);
      }
    } else if (action == 4) {
      peer.port().push_staged();
    } else if (!peer.port().has_staged()) {
      Receipt receipt;
      peer.receive(receipt);
    }
    const PortCounters sum = totals();
    ASSERT_EQ(sum.published + sum.staged, published);
    ASSERT_EQ(sum.received, sum.handled + sum.skipped);
    ASSERT_GE(sum.sent, sum.handled + sum.skipped + sum.dropped);
  }
  for (bool moved = true; moved;) {
    moved = false;
    for (Peer* peer : peers) {
      peer->port().push_staged();
      moved = !peer->receive_all().empty() || moved;
    }
  }
  EXPECT_EQ(queued(), 0u);
  EXPECT_EQ(totals().staged, 0u);
  EXPECT_EQ(totals().published, published);
  EXPECT_GT(totals().dropped, 0u);
  EXPECT_GT(totals().skipped, 0u);
}

TEST_P(Accounting, WhatALeavingReaderHadQueuedCountsAsDropped) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 8; ++i) sender.send_number("block", i);
  Receipt receipt;
  reader.receive(receipt);
  reader.take(receipt);
  world().remove(reader);
  EXPECT_EQ(totals().sent, 8u);
  EXPECT_EQ(totals().handled, 1u);
  EXPECT_EQ(totals().dropped, 7u) << "the one in hand too";
  EXPECT_EQ(queued(), 0u);
  sender.send_number("block", 9);
  EXPECT_EQ(totals().sent, 8u);
}

TEST_P(Accounting, WhatALeavingSenderHasSentStaysQueued) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 8; ++i) sender.send_number("block", i);
  world().remove(sender);
  EXPECT_EQ(queued(), 8u);
  Peer& successor = add("sender", {});
  successor.send_number("block", 8);  // stays staged or arrives later: never before what its namesake has sent
  std::vector<std::uint64_t> received = reader.receive_numbers();
  if (successor.port().has_staged()) {
    EXPECT_TRUE(successor.port().push_staged());
    received.push_back(reader.receive_numbers().at(0));
  }
  EXPECT_EQ(received, numbers(0, 9));
  EXPECT_EQ(queued(), 0u);
}

}  // namespace actor::conformance
