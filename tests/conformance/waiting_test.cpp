// Sleeping and waking, with a thread per peer. A lost wake-up is a hang, which ctest ends.

#include "conformance/conformance.hpp"

CONFORMANCE_SUITE(Waiting);

namespace actor::conformance {
namespace {

using Turn = Peer::Turn;

/// A turn that sends 0 ... count - 1 on `topic`, one each time.
std::function<Turn(Peer&)> sends(std::string topic, std::uint64_t count) {
  return [topic, count, next = std::uint64_t{0}](Peer& peer) mutable {
    if (next == count) return Turn::Finished;
    peer.send_number(topic, next++);
    return Turn::Worked;
  };
}

/// A turn that reads until it has `count` events.
std::function<Turn(Peer&)> reads(std::uint64_t count, std::vector<std::uint64_t>& into) {
  return [count, &into](Peer& peer) {
    Receipt receipt;
    if (!peer.receive(receipt)) return into.size() == count ? Turn::Finished : Turn::Idle;
    into.push_back(receipt.value);
    return Turn::Worked;
  };
}

}  // namespace

TEST_P(Waiting, PrepareWaitSaysNoWhileAnEventWaits) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  ASSERT_TRUE(reader.port().prepare_wait());
  reader.port().end_wait();
  sender.send_number("block", 1);
  EXPECT_FALSE(reader.port().prepare_wait());
  reader.port().end_wait();
  EXPECT_EQ(reader.receive_numbers(), numbers(1, 2));
  EXPECT_TRUE(reader.port().prepare_wait());
  reader.port().end_wait();
}

TEST_P(Waiting, AnEventThatComesAfterPrepareWaitRingsTheBell) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(reader.port().prepare_wait());
    sender.send_number("block", i);
    reader.loop().wait();
    reader.port().end_wait();
    EXPECT_EQ(reader.receive_numbers(), numbers(i, i + 1));
  }
}

TEST_P(Waiting, RoomThatAppearsAfterPrepareWaitRingsTheSendersBell) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  std::uint64_t received = 0;
  for (std::uint64_t i = 0; i < 100; ++i) {
    sender.send_number("block", i);
    if (!sender.port().has_staged()) continue;
    ASSERT_TRUE(sender.port().prepare_wait());
    for (const std::uint64_t number : reader.receive_numbers()) EXPECT_EQ(number, received++);
    sender.loop().wait();
    sender.port().end_wait();
    EXPECT_TRUE(sender.port().push_staged());
  }
  for (const std::uint64_t number : reader.receive_numbers()) EXPECT_EQ(number, received++);
  EXPECT_EQ(received, 100u);
}

TEST_P(Waiting, ABlockedSenderIsNotWokenByEventsThatItMayNotTake) {
  make_world();
  Peer& sender = add("sender", {"drop"});
  add("reader", {"block"});
  Peer& other = add("other", {});
  for (std::uint64_t i = 0; i < 9; ++i) sender.send_number("block", i);
  ASSERT_TRUE(sender.port().has_staged());
  other.send_number("drop", 1);
  EXPECT_TRUE(sender.port().prepare_wait()) << "it takes no event while something is staged: looking again is spinning";
  sender.port().end_wait();
}

TEST_P(Waiting, ABlockedSenderIsWokenWhenItsReaderLeaves) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  sender.start(sends("block", 20));
  // The reader never reads. Its leaving may come before or after the sender is blocked: both must end the sender.
  world().remove(reader);
  sender.join();
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Waiting, ASleepingReaderIsWokenForEveryEvent) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& ping = add("ping", {"drop"});
  Peer& pong = add("pong", {"block"});
  constexpr std::uint64_t rounds = 3000;
  // One event is under way at any time, so each side goes to sleep between two of them.
  pong.start([](Peer& peer) {
    Receipt receipt;
    if (!peer.receive(receipt)) return Turn::Idle;
    peer.send_number("drop", receipt.value + 1);
    return receipt.value + 1 == rounds ? Turn::Finished : Turn::Worked;
  });
  std::uint64_t last = 0;
  bool started = false;
  ping.start([&last, &started](Peer& peer) {
    if (!std::exchange(started, true)) {
      peer.send_number("block", 0);
      return Turn::Worked;
    }
    Receipt receipt;
    if (!peer.receive(receipt)) return Turn::Idle;
    last = receipt.value;
    if (last == rounds) return Turn::Finished;
    peer.send_number("block", last);
    return Turn::Worked;
  });
  ping.join();
  pong.join();
  EXPECT_EQ(last, rounds);
  EXPECT_EQ(totals().handled, 2 * rounds);
}

TEST_P(Waiting, ASenderBlockedByOneOfItsReadersGoesOnAsSoonAsThereIsRoom) {
  make_world({.topics = one_topic_per_policy(2)});
  Peer& sender = add("sender", {});
  constexpr std::uint64_t count = 5000;
  std::vector<std::uint64_t> first;
  std::vector<std::uint64_t> second;
  add("first", {"block"}).start(reads(count, first));
  add("second", {"block"}).start(reads(count, second));
  sender.start(sends("block", count));
  for (Peer* peer : world().peers()) peer->join();
  EXPECT_EQ(first, numbers(0, count));
  EXPECT_EQ(second, numbers(0, count));
}

}  // namespace actor::conformance
