// What happens when a reader is slower than its senders: one test per policy, and what a full reader may not do.

#include <actor/error.hpp>

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Overflow);
CONFORMANCE_SUITE(Isolation);

namespace actor::conformance {
namespace {

constexpr std::size_t capacity = 8;

/// Sends 0 ... until - 1.
void send_numbers(Peer& sender, std::string_view topic, std::uint64_t until) {
  for (std::uint64_t i = 0; i < until; ++i) sender.send_number(topic, i);
}

}  // namespace

TEST_P(Overflow, FailDropsTheCopyOfTheFullReaderAndTellsItsOwner) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& slow = add("slow", {"fail"});
  Peer& quick = add("quick", {"fail"});
  send_numbers(sender, "fail", capacity);
  EXPECT_EQ(quick.receive_numbers(), numbers(0, capacity));
  EXPECT_TRUE(world().overflows().empty());
  sender.send_number("fail", capacity);
  EXPECT_FALSE(sender.port().has_staged());
  EXPECT_EQ(quick.receive_numbers(), numbers(capacity, capacity + 1));
  using Overflows = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(world().overflows(), (Overflows{{"slow", "fail"}}));
  EXPECT_EQ(slow.receive_numbers(), numbers(0, capacity));
  EXPECT_EQ(totals().dropped, 1u);
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Overflow, DropLosesTheNewestAtTheFullReaderOnly) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& slow = add("slow", {"drop"});
  Peer& quick = add("quick", {"drop"});
  send_numbers(sender, "drop", capacity);
  EXPECT_EQ(quick.receive_numbers(), numbers(0, capacity));
  sender.send_number("drop", 100);
  sender.send_number("drop", 101);
  EXPECT_EQ(quick.receive_numbers(), numbers(100, 102));
  EXPECT_EQ(slow.receive_numbers(), numbers(0, capacity));
  sender.send_number("drop", 102);
  EXPECT_EQ(slow.receive_numbers(), numbers(102, 103)) << "there is room again";
  EXPECT_EQ(sender.port().counters().dropped, 2u);
  EXPECT_TRUE(world().overflows().empty());
}

TEST_P(Overflow, DropOldestKeepsTheNewestAndCountsTheGap) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"drop-oldest"});
  send_numbers(sender, "drop-oldest", 100);
  EXPECT_FALSE(sender.port().has_staged());
  const std::vector<std::uint64_t> received = reader.receive_numbers();
  ASSERT_FALSE(received.empty());
  EXPECT_LE(received.size(), capacity);
  EXPECT_EQ(received, numbers(100 - received.size(), 100));
  EXPECT_EQ(totals().dropped, 100 - received.size());
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Overflow, BlockStagesWhatHasNoRoomAndLosesNothing) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  send_numbers(sender, "block", capacity);
  EXPECT_FALSE(sender.port().has_staged());
  EXPECT_TRUE(sender.port().is_full(sender.topic("block")));
  for (std::uint64_t i = capacity; i < 3 * capacity; ++i) sender.send_number("block", i);
  EXPECT_TRUE(sender.port().has_staged());
  EXPECT_EQ(sender.port().counters().staged, 2 * capacity);
  EXPECT_EQ(sender.port().counters().published, capacity) << "what is staged is not published";
  EXPECT_FALSE(sender.port().push_staged());
  std::vector<std::uint64_t> received;
  for (int round = 0; sender.port().has_staged() && round < 10; ++round) {
    for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
    sender.port().push_staged();
    sender.port().flush();
  }
  for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
  EXPECT_EQ(received, numbers(0, 3 * capacity));
  EXPECT_FALSE(sender.port().is_full(sender.topic("block")));
  EXPECT_EQ(totals().dropped, 0u);
}

TEST_P(Overflow, ABlockedEventReachesAllOfItsReadersOrNone) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& slow = add("slow", {"block"});
  Peer& quick = add("quick", {"block"});
  send_numbers(sender, "block", capacity);
  EXPECT_EQ(quick.receive_numbers(), numbers(0, capacity));
  sender.send_number("block", capacity);
  EXPECT_TRUE(quick.receive_numbers().empty());
  EXPECT_EQ(slow.receive_numbers(), numbers(0, capacity));
  EXPECT_TRUE(sender.port().push_staged());
  EXPECT_EQ(quick.receive_numbers(), numbers(capacity, capacity + 1));
  EXPECT_EQ(slow.receive_numbers(), numbers(capacity, capacity + 1));
}

TEST_P(Overflow, LaterEventsToABlockedReaderWaitBehindTheStagedOne) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& blocked = add("blocked", {"block", "drop", "fail"});
  Peer& other = add("other", {"drop"});
  send_numbers(sender, "block", capacity + 1);
  sender.send_number("drop", capacity + 1);
  sender.send_number("fail", capacity + 2);
  EXPECT_EQ(sender.port().counters().staged, 3u);
  EXPECT_EQ(blocked.receive_numbers(), numbers(0, capacity));
  EXPECT_TRUE(sender.port().push_staged());
  EXPECT_EQ(blocked.receive_numbers(), numbers(capacity, capacity + 3));
  EXPECT_EQ(other.receive_numbers(), numbers(capacity + 1, capacity + 2));
}

TEST_P(Overflow, AtTheDeadlineOnlyTheLateReaderGoesWithout) {
  const auto deadline = std::chrono::milliseconds(20);
  make_world({.topics = {{"timed", OverflowPolicy::block_for(deadline), capacity}}});
  Peer& sender = add("sender", {});
  Peer& late = add("late", {"timed"});
  Peer& quick = add("quick", {"timed"});
  send_numbers(sender, "timed", capacity);
  EXPECT_EQ(quick.receive_numbers(), numbers(0, capacity));
  EXPECT_EQ(sender.port().next_deadline(), std::numeric_limits<std::int64_t>::max());

  sender.port().new_turn();
  const auto before = Loop::Clock::now();
  sender.send_number("timed", capacity);
  ASSERT_TRUE(sender.port().has_staged());
  const Loop::Clock::time_point due{std::chrono::nanoseconds(sender.port().next_deadline())};
  EXPECT_GE(due, before + deadline - std::chrono::milliseconds(1));
  while (sender.port().has_staged()) {
    if (sender.port().prepare_wait()) sender.loop().wait(due);
    sender.port().end_wait();
    sender.port().new_turn();
    sender.port().push_staged();
  }
  EXPECT_GE(Loop::Clock::now(), due);
  EXPECT_EQ(quick.receive_numbers(), numbers(capacity, capacity + 1));
  EXPECT_EQ(late.receive_numbers(), numbers(0, capacity));
  EXPECT_EQ(sender.port().counters().dropped, 1u);
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Overflow, RoomBeforeTheDeadlineIsInTime) {
  make_world({.topics = {{"timed", OverflowPolicy::block_for(std::chrono::hours(1)), capacity}}});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"timed"});
  send_numbers(sender, "timed", capacity + 1);
  EXPECT_EQ(reader.receive_numbers(), numbers(0, capacity));
  EXPECT_TRUE(sender.port().push_staged());
  EXPECT_EQ(reader.receive_numbers(), numbers(capacity, capacity + 1));
  EXPECT_EQ(totals().dropped, 0u);
}

TEST_P(Overflow, AFullOutboxIsAnErrorThatNamesActorTopicAndReader) {
  make_world({.topics = one_topic_per_policy(capacity), .outbox_limit = 16, .memory_bytes = 1u << 20});
  Peer& sender = add("the-sender", {});
  Peer& reader = add("the-reader", {"block"});
  std::uint64_t sent = 0;
  std::string message;
  while (message.empty() && sent < 1'000'000) {
    try {
      sender.send_number("block", sent);
      ++sent;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::MailboxFull);
      message = error.what();
    }
  }
  EXPECT_GE(sent, capacity + 16);
  EXPECT_NE(message.find("the-sender"), message.npos) << message;
  EXPECT_NE(message.find("the-reader"), message.npos) << message;
  EXPECT_NE(message.find("block"), message.npos) << message;

  std::vector<std::uint64_t> received;
  for (bool more = true; more;) {
    more = sender.port().has_staged();
    for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
    sender.port().push_staged();
  }
  EXPECT_EQ(received, numbers(0, sent)) << "what was accepted arrives; what was refused does not";
}

// A transport may give room back in batches, but not later than the reader's flush().
TEST_P(Overflow, AReaderThatKeepsUpLosesNothingHoweverSmallTheCapacity) {
  for (const std::size_t small : {1u, 2u, 4u, 8u}) {
    SCOPED_TRACE("capacity " + std::to_string(small));
    make_world({.topics = one_topic_per_policy(small)});
    Peer& sender = add("sender", {});
    Peer& reader = add("reader", {"drop", "fail", "block"});
    for (std::uint64_t i = 0; i < 100; ++i) {
      for (const std::string topic : {"drop", "fail", "block"}) {
        sender.send_number(topic, i);
        ASSERT_FALSE(sender.port().has_staged()) << topic << " " << i;
        Receipt receipt;
        ASSERT_TRUE(reader.receive(receipt)) << topic << " " << i;
        EXPECT_EQ(receipt.value, i);
      }
    }
    EXPECT_EQ(totals().dropped, 0u);
    EXPECT_TRUE(world().overflows().empty());
  }
}

TEST_P(Isolation, AFullTopicTakesNoOtherTopicsRoom) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block", "drop", "fail"});
  send_numbers(sender, "drop", 3 * capacity);
  send_numbers(sender, "block", capacity);
  send_numbers(sender, "fail", capacity);
  EXPECT_FALSE(sender.port().has_staged());
  EXPECT_TRUE(world().overflows().empty());
  std::map<std::string, std::uint64_t> received;
  for (const Receipt& receipt : reader.receive_all()) EXPECT_EQ(receipt.value, received[receipt.topic]++);
  EXPECT_EQ(received,
            (std::map<std::string, std::uint64_t>{{"block", capacity}, {"drop", capacity}, {"fail", capacity}}));
}

TEST_P(Isolation, AFullTopicDelaysNoOtherSender) {
  make_world();
  Peer& greedy = add("greedy", {});
  Peer& modest = add("modest", {});
  Peer& reader = add("reader", {"block"});
  send_numbers(greedy, "block", 3 * capacity);
  EXPECT_TRUE(greedy.port().has_staged());
  send_numbers(modest, "block", capacity);
  EXPECT_FALSE(modest.port().has_staged());
  std::uint64_t from_modest = 0;
  for (const Receipt& receipt : reader.receive_all()) from_modest += receipt.sender == "modest";
  EXPECT_EQ(from_modest, capacity);
}

TEST_P(Isolation, EventsToOtherReadersPassAStagedOne) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& blocked = add("blocked", {"block"});
  Peer& other = add("other", {"fail", "drop-oldest"});
  send_numbers(sender, "block", capacity + 1);
  ASSERT_TRUE(sender.port().has_staged());
  sender.send_number("fail", 1);
  EXPECT_EQ(other.receive_numbers(), numbers(1, 2));
  sender.send_number("drop-oldest", 2);
  EXPECT_EQ(other.receive_numbers(), numbers(2, 3));
  EXPECT_EQ(sender.port().counters().staged, 1u);
  EXPECT_EQ(blocked.receive_numbers(), numbers(0, capacity));
}

TEST_P(Isolation, AReaderThatLeavesHoldsNobodyUp) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& stuck = add("stuck", {"block"});
  Peer& quick = add("quick", {"block"});
  send_numbers(sender, "block", capacity);
  EXPECT_EQ(quick.receive_numbers(), numbers(0, capacity));
  send_numbers(sender, "block", 2);
  EXPECT_FALSE(sender.port().push_staged());
  world().remove(stuck);
  EXPECT_TRUE(sender.port().push_staged());
  EXPECT_EQ(quick.receive_numbers(), numbers(0, 2));
  EXPECT_EQ(totals().dropped, capacity) << "what was queued for the one that left";
  EXPECT_EQ(queued(), 0u);
}

}  // namespace actor::conformance
