// Latched topics: a reader that comes later, or is made anew, is handed each sender's last event first.

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Latched);

namespace actor::conformance {
namespace {

std::vector<TopicSpec> latched_topics(std::size_t capacity = 8) {
  return {{"state", OverflowPolicy::block(), capacity, true},
          {"mode", OverflowPolicy::drop_oldest(), capacity, true},
          {"live", OverflowPolicy::block(), capacity}};
}

std::vector<std::uint64_t> latched_values(const std::vector<Receipt>& receipts) {
  std::vector<std::uint64_t> values;
  for (const Receipt& receipt : receipts) {
    if (receipt.latched()) values.push_back(receipt.value);
  }
  return values;
}

std::vector<std::uint64_t> other_values(const std::vector<Receipt>& receipts) {
  std::vector<std::uint64_t> values;
  for (const Receipt& receipt : receipts) {
    if (!receipt.latched()) values.push_back(receipt.value);
  }
  return values;
}

}  // namespace

TEST_P(Latched, ANewReaderIsHandedTheLastEventFirst) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  EventId last;
  for (std::uint64_t i = 0; i < 5; ++i) last = sender.send_number("state", i);
  Peer& reader = add("reader", {"state", "live"});
  sender.send_number("live", 10);
  sender.send_number("state", 11);
  const std::vector<Receipt> receipts = reader.receive_all();
  ASSERT_EQ(receipts.size(), 3u);
  EXPECT_EQ(receipts[0].value, 4u);
  EXPECT_TRUE(receipts[0].latched());
  EXPECT_EQ(receipts[0].id, last) << "it is that event, not a new one";
  EXPECT_EQ(receipts[0].topic, "state");
  EXPECT_EQ(receipts[0].sender, "sender");
  EXPECT_EQ(other_values(receipts), (std::vector<std::uint64_t>{10, 11}));
}

TEST_P(Latched, WhoWasThereIsHandedNothingTwice) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"state"});
  for (std::uint64_t i = 0; i < 5; ++i) sender.send_number("state", i);
  Peer& later = add("later", {});
  later.send_number("state", 5);
  const std::vector<Receipt> receipts = reader.receive_all();
  EXPECT_EQ(latched_values(receipts), std::vector<std::uint64_t>{});
  EXPECT_EQ(other_values(receipts).size(), 6u);
}

TEST_P(Latched, EachSenderAndEachTopicHasALastEvent) {
  make_world({.topics = latched_topics()});
  Peer& first = add("first", {});
  Peer& second = add("second", {});
  first.send_number("state", 1);
  first.send_number("mode", 2);
  first.send_number("live", 3);
  second.send_number("state", 4);
  Peer& reader = add("reader", {"state", "mode", "live"});
  auto values = latched_values(reader.receive_all());
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<std::uint64_t>{1, 2, 4}));
}

TEST_P(Latched, NobodyIsHandedItsOwn) {
  make_world({.topics = latched_topics()});
  Peer& actor = add("actor", {"state"});
  actor.send_number("state", 1);
  if (world().survives_restart()) world().restart(actor);
  EXPECT_EQ(actor.receive_all().size(), 0u);
}

TEST_P(Latched, AReaderThatIsMadeAnewIsHandedItAgainAndItsMailboxAfterwards) {
  make_world({.topics = latched_topics()});
  if (!world().survives_restart()) GTEST_SKIP() << "this transport forgets a dead reader's queue";
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"state", "live"});
  sender.send_number("state", 1);
  sender.send_number("live", 2);
  sender.send_number("live", 3);
  Receipt receipt;
  ASSERT_TRUE(reader.receive(receipt));
  ASSERT_TRUE(reader.take(receipt));
  ASSERT_EQ(receipt.value, 2u);
  world().restart(reader);
  const std::vector<Receipt> receipts = reader.receive_all();
  ASSERT_EQ(receipts.size(), 3u);
  EXPECT_TRUE(receipts[0].latched());
  EXPECT_EQ(receipts[0].value, 1u);
  EXPECT_EQ(receipts[1].value, 2u);
  EXPECT_TRUE(receipts[1].redelivered()) << "the event in hand is not forgotten over it";
  EXPECT_EQ(receipts[1].attempt, 2u);
  EXPECT_EQ(receipts[2].value, 3u);
}

TEST_P(Latched, AReaderThatDiesOverItIsHandedItAgain) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  sender.send_number("state", 1);
  Peer& reader = add("reader", {"state"});
  for (int life = 0; life < 3; ++life) {
    Receipt receipt;
    ASSERT_TRUE(reader.take(receipt));
    EXPECT_TRUE(receipt.latched());
    EXPECT_FALSE(receipt.redelivered());
    world().restart(reader);
  }
}

TEST_P(Latched, ItIsOutsideTheAccounting) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  for (std::uint64_t i = 0; i < 3; ++i) sender.send_number("state", i);
  Peer& reader = add("reader", {"state"});
  EXPECT_EQ(totals().sent, 0u);
  EXPECT_EQ(reader.receive_all().size(), 1u);
  EXPECT_EQ(totals().handled, 0u);
  EXPECT_EQ(totals().received, 0u);
  sender.send_number("state", 3);
  EXPECT_EQ(queued(), 1u);
  EXPECT_EQ(reader.receive_all().size(), 1u);
  EXPECT_EQ(totals().handled, 1u);
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Latched, ADeadSendersStaysUntilItsSuccessorsFirst) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  sender.send_number("state", 1);
  sender.send_number("mode", 2);
  world().restart(sender);
  auto values = latched_values(add("reader", {"state", "mode"}).receive_all());
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<std::uint64_t>{1, 2}));
  world().restart(sender);
  sender.send_number("state", 3);
  values = latched_values(add("next", {"state", "mode"}).receive_all());
  std::sort(values.begin(), values.end());
  EXPECT_EQ(values, (std::vector<std::uint64_t>{2, 3}));
}

TEST_P(Latched, ASenderThatHasLeftIsStillHeard) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  sender.send_number("state", 7);
  world().remove(sender);
  EXPECT_EQ(latched_values(add("reader", {"state"}).receive_all()), std::vector<std::uint64_t>{7});
}

TEST_P(Latched, PayloadsOfEverySizeAreKeptWhole) {
  make_world({.topics = latched_topics()});
  Peer& sender = add("sender", {});
  for (const std::size_t size : {0, 10, 60, 100, 5000, 300000}) {
    Words text;
    text.text.assign(size, 'x');
    for (int i = 0; i < 20; ++i) {
      if (!text.text.empty()) text.text[0] = static_cast<char>('a' + i);
      sender.send("state", text);
    }
    Peer& reader = add("reader" + std::to_string(size), {"state"});
    Delivery delivery;
    ASSERT_TRUE(reader.next(delivery));
    Words received;
    if (delivery.object) {
      received = *static_cast<const Words*>(delivery.object);
    } else {
      ASSERT_TRUE(event_type<Words>().decode(delivery.payload, &received));
    }
    EXPECT_EQ(received.text, text.text);
    reader.port().handled(delivery, true);
    world().remove(reader);
  }
}

TEST_P(Latched, ALongHistoryHoldsNoMemory) {
  make_world({.topics = latched_topics(), .memory_bytes = 1u << 20});
  Peer& sender = add("sender", {});
  Words text;
  text.text.assign(200'000, 'x');
  for (int i = 0; i < 200; ++i) sender.send("state", text);
  EXPECT_FALSE(sender.port().has_staged());
}

TEST_P(Latched, WhatIsStagedIsTheLastWhenItIsOut) {
  make_world({.topics = latched_topics(4)});
  Peer& sender = add("sender", {});
  Peer& slow = add("slow", {"state"});
  for (std::uint64_t i = 0; i < 6; ++i) sender.send_number("state", i);
  ASSERT_TRUE(sender.port().has_staged());
  EXPECT_EQ(slow.receive_all().size(), 4u);
  EXPECT_TRUE(sender.port().push_staged());
  EXPECT_EQ(slow.receive_numbers(), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(latched_values(add("reader", {"state"}).receive_all()), std::vector<std::uint64_t>{5});
}

}  // namespace actor::conformance
