// The sending half: quotas, the outbox and its order, outputs that are sent again.

#include <gtest/gtest.h>

#include <actor/error.hpp>
#include <shm/bell.hpp>

#include "fan_values.hpp"

namespace actor::fault {

/// Its save() throws, at the first byte or only after it has been measured, or does not.
struct Moody {
  enum class When { Never, First, Second };
  When throws = When::Never;
  mutable unsigned calls = 0;

  template <class Archive>
  void save(Archive& archive) const {
    if (throws != When::Never && ++calls == static_cast<unsigned>(throws)) throw std::runtime_error("not today");
    archive(std::string(3 * std::size_t{1024}, 'm'));
  }
  template <class Archive>
  void load(Archive& archive) {
    std::string text;
    archive(text);
  }
};

namespace {

TEST(Sender, AFullTopicUsesUpNoOtherTopicsRoom) {
  Fan fan({.readers = 1, .topics = 2, .capacity = 4, .policy = OverflowPolicy::drop()});
  start_all(fan);
  for (std::uint64_t i = 0; i < 10; ++i) fan.writer().send<InSlot>(i, 0);
  for (std::uint64_t i = 100; i < 104; ++i) fan.writer().send<InSlot>(i, 1);
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{0, 1, 2, 3, 100, 101, 102, 103}));
  EXPECT_EQ(fan.writer().port->counters().dropped, 6u);
}

TEST(Sender, LaterEventsToAReaderWaitBehindAStagedOne) {
  Fan fan({.readers = 1, .topics = 2, .capacity = 4});
  start_all(fan);
  for (std::uint64_t i = 0; i < 5; ++i) fan.writer().send<InSlot>(i, 0);  // the last one is staged
  fan.writer().send<InSlot>(5, 1);                                        // has room, but is later
  EXPECT_EQ(fan.writer().port->counters().staged, 2u);
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{0, 1, 2, 3}));
  EXPECT_TRUE(fan.writer().port->push_staged());
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{4, 5}));
}

TEST(Sender, EventsBehindATopicThatIsNotYetOpenKeepTheirOrder) {
  Fan fan({.readers = 1, .topics = 1, .capacity = 8});
  start_all(fan);
  auto& port = *fan.writer().port;
  const auto fresh = port.open_topic("fresh", OverflowPolicy::block());
  fan.writer().send<InSlot>(0, fresh);  // the broker has not answered yet
  fan.writer().send<InSlot>(1, 0);
  port.flush();
  EXPECT_TRUE(fan.reader(0).receive_all().empty()) << "the later one must not overtake";
  port.bind_topic({"fresh", OverflowPolicy::block(), 9, true});  // nobody reads it
  EXPECT_TRUE(port.push_staged());
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{1}));
}

TEST(Sender, TheOutboxHasALimitAndSaysWhoHoldsIt) {
  Fan fan({.readers = 1, .topics = 1, .capacity = 8, .memory_bytes = 64 * 1024});
  start_all(fan);
  std::uint64_t sent = 0;
  try {
    for (; sent < 10'000; ++sent) fan.writer().send<InSlot>(sent);
    FAIL() << "an outbox without end";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::MailboxFull);
    EXPECT_NE(std::string(error.what()).find("reader0"), std::string::npos) << error.what();
  }
  std::vector<std::uint64_t> got;
  for (std::uint64_t i = 0; i < sent; ++i) {
    for (const auto value : values(fan.reader(0).receive_all())) got.push_back(value);
    if (fan.writer().port->push_staged()) break;
  }
  for (const auto value : values(fan.reader(0).receive_all())) got.push_back(value);
  ASSERT_EQ(got.size(), sent);
  for (std::uint64_t i = 0; i < sent; ++i) EXPECT_EQ(got[i], i);
}

TEST(Sender, APayloadLargerThanTheBudgetIsRefused) {
  Fan fan({.readers = 1, .memory_bytes = 4096});
  start_all(fan);
  try {
    fan.writer().send<InPool>(1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::PayloadTooLarge);
  }
}

TEST(Sender, AnEventThatCannotBeEncodedLeavesNothingBehind) {
  for (const unsigned readers : {1u, 2u}) {  // one reader's are encoded where they are read
    SCOPED_TRACE(readers);
    Fan fan({.readers = readers, .capacity = 16, .memory_bytes = 64u << 10});
    start_all(fan);
    shm::ShmPort& port = *fan.writer().port;
    for (const Moody::When when : {Moody::When::First, Moody::When::Second}) {
      for (int i = 0; i < 100; ++i) {  // many times what the memory holds
        const Moody moody{when};
        EXPECT_THROW(port.send({&event_type<Moody>(), &moody, 0, {}}), std::runtime_error);
      }
    }
    EXPECT_EQ(port.counters().published, 0u);
    EXPECT_EQ(port.sender().pool().used_bytes(), 0u);
    for (std::uint64_t i = 0; i < 5; ++i) fan.writer().send<InPool>(i);
    EXPECT_FALSE(port.has_staged());
    for (unsigned i = 0; i < readers; ++i) EXPECT_EQ(values(fan.reader(i).receive_all()).size(), 5u);
  }
}

TEST(Sender, AnExhaustedBudgetStagesUntilTheReadersLetGo) {
  Fan fan({.readers = 2, .capacity = 16, .memory_bytes = 6 * sizeof(InPool)});
  start_all(fan);
  std::uint64_t sent = 0;
  while (!fan.writer().port->has_staged()) fan.writer().send<InPool>(sent++);
  EXPECT_LE(sent, 8u);
  fan.reader(0).receive_all();
  EXPECT_FALSE(fan.writer().port->push_staged()) << "the other reader still holds every chunk";
  fan.reader(1).receive_all();
  EXPECT_TRUE(fan.writer().port->push_staged());
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{sent - 1}));
}

TEST(Sender, ADeadlineCountsForMemoryToo) {
  Fan fan({.readers = 1,
           .capacity = 16,
           .policy = OverflowPolicy::block_for(std::chrono::nanoseconds(1)),
           .memory_bytes = 6 * sizeof(InPool)});
  start_all(fan);
  while (!fan.writer().port->has_staged()) fan.writer().send<InPool>(1);
  fan.writer().port->new_turn();
  EXPECT_TRUE(fan.writer().port->push_staged());
  EXPECT_EQ(fan.writer().port->counters().dropped, 1u);
}

TEST(Sender, WaitingForRoomLetsGoOfWhatWasHandled) {
  // A waits for room at B; until it got some, A's own publisher must be able to use what A has handled.
  Fan fan({.readers = 1, .capacity = 8, .smallest_quota = 1024});
  start_all(fan);
  for (std::uint64_t i = 0; i < 8; ++i) fan.writer().send<InSlot>(i);
  Reader& middle = fan.reader(0);
  Fan next({.readers = 1, .capacity = 8});
  middle.port->bind_topic({"onwards", OverflowPolicy::block(), 5, true});
  middle.port->add_out_route({9, "next", {{5, 1}}, 1, false, 0}, shm::make_bell(), shm::make_bell());
  const auto onwards = middle.port->open_topic("onwards", OverflowPolicy::block());
  middle.port->new_turn();
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(middle.port->next(middle.in_hand));
    middle.done();
  }
  ASSERT_TRUE(middle.port->next(middle.in_hand));
  const InSlot event = make_event<InSlot>(1);
  for (int i = 0; i < 2; ++i) middle.port->send({&event_type<InSlot>(), &event, onwards, {}});
  ASSERT_TRUE(middle.port->has_staged());
  EXPECT_EQ(status_of(middle).cursors[0].released.load(), 0u);
  middle.port->prepare_wait();
  fan.writer().send<InSlot>(8);
  EXPECT_FALSE(fan.writer().port->has_staged());
}

TEST(Sender, AnEventWhoseDeadlineHasPassedWaitsBehindNobody) {
  Fan fan({.readers = 1, .topics = 2, .capacity = 4});
  start_all(fan);
  auto& port = *fan.writer().port;
  const shm::PortTopic second = port.sender().topic(1);
  port.bind_topic({second.name, OverflowPolicy::block_for(std::chrono::nanoseconds(1)), second.wire, true});
  for (std::uint64_t i = 0; i < 5; ++i) fan.writer().send<InSlot>(i, 0);  // the last one is staged, without a deadline
  fan.writer().send<InSlot>(5, 1);                                        // behind it, with one
  port.new_turn();
  EXPECT_FALSE(port.push_staged());
  EXPECT_EQ(port.counters().dropped, 1u);
  EXPECT_EQ(port.next_deadline(), std::numeric_limits<std::int64_t>::max()) << "or else the wait for room ends at once";
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{0, 1, 2, 3}));
  EXPECT_TRUE(port.push_staged());
  EXPECT_EQ(values(fan.reader(0).receive_all()), (std::vector<std::uint64_t>{4}));
}

TEST(Sender, TheHeadWordLagsByLessThanARingHoweverLongATurnIs) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  std::string error;
  const auto ring = shm::RingView::open(fan.writer().port->sender().routes().front()->ring_fd(), error);
  ASSERT_TRUE(ring) << error;
  for (std::uint64_t i = 1; i < 100; ++i) {
    fan.writer().send<InSlot>(i);
    ASSERT_EQ(fan.reader(0).receive_all().size(), 1u);
    EXPECT_LT(i - ring->head(), ring->slots());
  }
}

TEST(Sender, WhatAReaderThatLeavesStillReadsIsNotUsedAgain) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  auto& port = *fan.writer().port;
  for (std::uint64_t i = 0; i < 3; ++i) fan.writer().send<InPool>(i);
  port.remove_out_route(Fan::route_of(0));
  EXPECT_GE(port.sender().pool().used_bytes(), 3 * sizeof(InPool));
  ASSERT_TRUE(fan.reader(0).take());
  fan.reader(0).done();
  port.sender().reclaim_all();
  EXPECT_LT(port.sender().pool().used_bytes(), 3 * sizeof(InPool)) << "what it has let go of";
  port.reader_gone(Fan::route_of(0));
  EXPECT_EQ(port.sender().pool().used_bytes(), 0u);
  EXPECT_TRUE(port.sender().leaving().empty());
}

/// The numbers that a reader's handler used for its outputs, in each of its lives.
class Replay : public testing::Test {
 protected:
  Replay() {
    fan_.start_reader(0);
    fan_.start_writer();
    fan_.writer().send<InSlot>(0);
  }
  /// Takes the event and sends `count` events in answer.
  std::vector<std::uint64_t> handle(int count) {
    Reader& reader = fan_.reader(0);
    EXPECT_TRUE(reader.take());
    const auto topic = reader.port->open_topic("topic1", OverflowPolicy::block());
    std::vector<std::uint64_t> counters;
    const InSlot event = make_event<InSlot>(1);
    for (int i = 0; i < count; ++i)
      counters.push_back(reader.port->send({&event_type<InSlot>(), &event, topic, {}}).counter);
    return counters;
  }
  /// What a timer does while the outputs of the handler still wait for room.
  std::uint64_t send_from_timer() {
    Reader& reader = fan_.reader(0);
    reader.port->new_turn();
    const InSlot event = make_event<InSlot>(2);
    const auto topic = reader.port->open_topic("topic1", OverflowPolicy::block());
    return reader.port->send({&event_type<InSlot>(), &event, topic, {}}).counter;
  }
  std::uint64_t outputs_end() { return fan_.reader(0).port->status().flight.outputs_end.load(); }
  void die() {
    fan_.reader_died(0);
    fan_.start_reader(0);
  }

 private:
  Fan fan_{{.readers = 1}};
};

TEST_F(Replay, WhatARetriedHandlerSendsHasTheNumbersOfTheFirstAttempt) {
  const auto first = handle(3);
  die();
  EXPECT_EQ(handle(3), first);
}

TEST_F(Replay, WhatATimerSendsMeanwhileIsNoOutputOfTheHandler) {
  const auto first = handle(1);
  EXPECT_NE(send_from_timer(), first[0]);
  EXPECT_EQ(outputs_end(), first[0] + 1);
}

TEST_F(Replay, AnAttemptThatDiedEarlyForgetsNoNumber) {
  const auto first = handle(3);
  die();
  handle(1);
  die();
  EXPECT_EQ(handle(3), first);
}

TEST_F(Replay, AnAttemptThatSentNothingForgetsNoNumber) {
  const auto first = handle(3);
  die();
  handle(0);
  die();
  die();
  EXPECT_EQ(handle(3), first);
}

}  // namespace
}  // namespace actor::fault
