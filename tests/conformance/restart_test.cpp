// An actor dies and its successor takes over. Skipped where the transport gives no such guarantee.

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Restart);

namespace actor::conformance {

#define REQUIRE_RESTART() \
  if (!world().survives_restart()) GTEST_SKIP() << "this transport forgets a dead reader's queue"

TEST_P(Restart, AReaderFindsWhatItHadNotHandled) {
  make_world();
  REQUIRE_RESTART();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block", "drop"});
  for (std::uint64_t i = 0; i < 8; ++i) sender.send_number(i % 2 ? "drop" : "block", i);
  Receipt receipt;
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(reader.receive(receipt));
  world().restart(reader);
  std::vector<Receipt> rest = reader.receive_all();
  ASSERT_EQ(rest.size(), 5u);
  for (std::uint64_t i = 0; i < 5; ++i) {
    EXPECT_EQ(rest[i].value, i + 3);
    EXPECT_FALSE(rest[i].redelivered()) << "nothing was in hand";
  }
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Restart, WhatIsLostWithADeadReaderIsCountedAndNothingElseIs) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 8; ++i) sender.send_number("block", i);
  Receipt receipt;
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(reader.receive(receipt));
  world().restart(reader);
  const std::size_t found = reader.receive_all().size();
  EXPECT_EQ(totals().handled, 3 + found);
  EXPECT_EQ(totals().dropped, 5 - found);
  EXPECT_EQ(queued(), 0u);
  for (std::uint64_t i = 8; i < 16; ++i) sender.send_number("block", i);
  EXPECT_EQ(reader.receive_numbers(), numbers(8, 16)) << "what is sent to the next life reaches it";
}

TEST_P(Restart, TheEventInHandIsHandedOutAgainAndOnlyThatOneIsMarked) {
  make_world();
  REQUIRE_RESTART();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 8; ++i) sender.send_number("block", i);
  Receipt first;
  Receipt again;
  ASSERT_TRUE(reader.receive(first));
  ASSERT_TRUE(reader.take(first));
  for (std::uint32_t attempt = 2; attempt <= 4; ++attempt) {
    world().restart(reader);
    ASSERT_TRUE(reader.take(again));
    EXPECT_EQ(again.id, first.id);
    EXPECT_EQ(again.value, 1u);
    EXPECT_TRUE(again.redelivered());
    EXPECT_EQ(again.attempt, attempt);
  }
  reader.done();
  for (const Receipt& receipt : reader.receive_all()) {
    EXPECT_FALSE(receipt.redelivered());
    EXPECT_EQ(receipt.attempt, 1u);
  }
  EXPECT_EQ(totals().handled, 8u) << "an event is handled once, however often it was handed out";
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Restart, WhatARetriedHandlerSendsRepeatsTheIdsOfTheFirstAttempt) {
  make_world();
  REQUIRE_RESTART();
  Peer& source = add("source", {});
  Peer& worker = add("worker", {"block"});
  Peer& sink = add("sink", {"fail"});
  source.send_number("block", 1);
  source.send_number("block", 2);
  Receipt job;
  ASSERT_TRUE(worker.take(job));
  worker.send_number("fail", 10, job.id);
  worker.send_number("fail", 11, job.id);
  world().restart(worker);
  ASSERT_TRUE(worker.take(job));
  for (std::uint64_t value = 10; value < 13; ++value) worker.send_number("fail", value, job.id);
  worker.done();
  ASSERT_TRUE(worker.take(job));
  worker.send_number("fail", 20, job.id);
  worker.done();

  const std::vector<Receipt> received = sink.receive_all();
  ASSERT_EQ(received.size(), 6u);
  EXPECT_EQ(received[2].id, received[0].id);
  EXPECT_EQ(received[3].id, received[1].id);
  EXPECT_TRUE(received[2].maybe_duplicate());
  EXPECT_TRUE(received[3].maybe_duplicate());
  EXPECT_FALSE(received[0].maybe_duplicate());
  EXPECT_FALSE(received[5].maybe_duplicate());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NE(received[4].id, received[i].id);
    EXPECT_NE(received[5].id, received[i].id);
  }
  EXPECT_NE(received[4].id, received[5].id);
}

TEST_P(Restart, EventsSentWhileAReaderIsDeadOrComingBackReachIt) {
  make_world({.topics = one_topic_per_policy(64)});
  REQUIRE_RESTART();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  std::vector<std::uint64_t> received;
  for (std::uint64_t i = 0; i < 60; ++i) {
    sender.send_number("block", i);
    if (i % 3 == 1) world().restart(reader);
    if (i % 7 == 0) {
      for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
    }
  }
  for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
  EXPECT_EQ(received, numbers(0, 60));
}

TEST_P(Restart, AWriterGoesOnWhereItsPredecessorStopped) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  EventId last;
  for (std::uint64_t i = 0; i < 60; ++i) {
    if (i % 5 == 4) world().restart(sender);
    const EventId id = sender.send_number("block", i);
    EXPECT_GT(id, last) << "event numbers never repeat";
    last = id;
    if (i % 17 == 0) {
      Receipt one;
      ASSERT_TRUE(reader.receive(one));
    }
  }
  const std::vector<std::uint64_t> rest = reader.receive_numbers();
  EXPECT_EQ(rest, numbers(60 - rest.size(), 60));
  EXPECT_EQ(rest.size(), 56u);
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Restart, BothSidesMayRestartAtEveryStepAndAtTheWrap) {
  for (const std::uint64_t first : {std::uint64_t{1}, (std::uint64_t{1} << 32) - 20}) {
    SCOPED_TRACE("numbers start at " + std::to_string(first));
    make_world({.topics = one_topic_per_policy(8), .first_sequence = first});
    REQUIRE_RESTART();
    Peer& sender = add("sender", {});
    Peer& reader = add("reader", {"block"});
    std::uint64_t expected = 0;
    for (std::uint64_t i = 0; i < 40; ++i) {
      sender.send_number("block", i);
      world().restart(sender);
      Receipt receipt;
      ASSERT_TRUE(reader.take(receipt));
      world().restart(reader);
      ASSERT_TRUE(reader.take(receipt));
      EXPECT_EQ(receipt.value, expected++);
      EXPECT_TRUE(receipt.redelivered());
      reader.done();
    }
    EXPECT_EQ(totals().handled, 40u);
    EXPECT_EQ(queued(), 0u);
  }
}

}  // namespace actor::conformance
