// A route's two ends: a publisher's rings and its readers, over many wraps, restarts and hostile words.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "fan_values.hpp"

namespace actor::fault {
namespace {

bool rang(int bell) {
  pollfd poll_bell{bell, POLLIN, 0};
  return poll(&poll_bell, 1, 0) == 1;
}

void silence(int bell) {
  std::uint64_t count;
  while (read(bell, &count, sizeof count) > 0) {
  }
}

template <class T>
class Payload : public testing::Test {};
using Payloads = testing::Types<InSlot, InTail, InPool>;
TYPED_TEST_SUITE(Payload, Payloads);

TYPED_TEST(Payload, EveryReaderGetsEveryEventOverManyWraps) {
  for (const std::uint64_t base : bases) {
    Fan fan({.readers = 3, .capacity = 8, .base = base});
    start_all(fan);
    for (std::uint64_t round = 0; round < 5; ++round) {
      for (std::uint64_t i = 0; i < 7; ++i) fan.writer().send<TypeParam>(round * 7 + i);
      fan.writer().port->flush();
      for (unsigned i = 0; i < 3; ++i)
        EXPECT_EQ(values(fan.reader(i).receive_all()), from_to(round * 7, round * 7 + 7)) << base;
    }
    EXPECT_FALSE(fan.writer().port->has_staged());
  }
}

TYPED_TEST(Payload, AFullRingStagesAndGoesOnInOrder) {
  for (const std::uint64_t base : bases) {
    Fan fan({.readers = 2, .capacity = 8, .base = base});
    start_all(fan);
    for (std::uint64_t i = 0; i < 20; ++i) fan.writer().send<TypeParam>(i);
    EXPECT_TRUE(fan.writer().port->has_staged());
    EXPECT_EQ(values(fan.reader(0).receive_all()), from_to(0, 8));
    EXPECT_FALSE(fan.writer().port->push_staged()) << "the other reader has read nothing";
    EXPECT_EQ(fan.reader(0).receive_all().size(), 0u) << "all or none";
    EXPECT_EQ(values(fan.reader(1).receive_all()), from_to(0, 8));
    std::vector<std::uint64_t> first, second;
    for (int i = 0; i < 5; ++i) {
      fan.writer().port->push_staged();
      for (const auto value : values(fan.reader(0).receive_all())) first.push_back(value);
      for (const auto value : values(fan.reader(1).receive_all())) second.push_back(value);
    }
    EXPECT_EQ(first, from_to(8, 20));
    EXPECT_EQ(second, from_to(8, 20));
  }
}

TYPED_TEST(Payload, AReadersSuccessorGoesOnWhereItDied) {
  for (const std::uint64_t base : bases) {
    Fan fan({.readers = 1, .capacity = 8, .base = base});
    start_all(fan);
    for (std::uint64_t i = 0; i < 6; ++i) fan.writer().send<TypeParam>(i);
    for (std::uint64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(fan.reader(0).take()->value, i);
      fan.reader(0).done();
    }
    EXPECT_EQ(fan.reader(0).take()->value, 3u);  // in hand
    fan.reader_died(0);
    const auto got = fan.start_reader(0).receive_all();
    EXPECT_EQ(values(got), from_to(3, 6));
    EXPECT_TRUE(got[0].redelivered());
    EXPECT_EQ(got[0].attempt, 2u);
    EXPECT_FALSE(got[1].redelivered());
  }
}

TYPED_TEST(Payload, APublishersSuccessorGoesOnInTheSameNumbers) {
  for (const std::uint64_t base : bases) {
    Fan fan({.readers = 2, .capacity = 8, .base = base});
    start_all(fan);
    std::uint64_t last_counter = 0;
    for (std::uint64_t life = 0; life < 4; ++life) {
      for (std::uint64_t i = 0; i < 5; ++i) fan.writer().send<TypeParam>(life * 5 + i);  // the head is never stored
      if (life % 2 == 0) {
        EXPECT_EQ(fan.reader(0).receive_all().size(), 5u + 5 * (life != 0));
      }
      std::string error;
      ASSERT_TRUE(fan.writer_died(error)) << error;
      fan.start_writer();
    }
    for (unsigned i = 0; i < 2; ++i) {
      const auto got = fan.reader(i).receive_all();
      EXPECT_EQ(values(got), i == 0 ? from_to(15, 20) : from_to(0, 20));
      for (const Got& event : got) {
        EXPECT_GT(event.counter, last_counter) << "numbers are never used again";
        last_counter = event.counter;
      }
      last_counter = 0;
      EXPECT_EQ(fan.reader(i).drained, 4u);
    }
  }
}

TEST(OutRoute, HostileCursorsFreeNothing) {
  for (const std::uint64_t base : bases) {
    Fan fan({.readers = 1, .capacity = 8, .base = base});
    start_all(fan);
    for (std::uint64_t i = 0; i < 10; ++i) fan.writer().send<InPool>(i);
    ASSERT_TRUE(fan.writer().port->has_staged());
    auto& released = status_of(fan.reader(0)).cursors[0].released;
    const std::uint64_t used = fan.writer().port->sender().pool().used_bytes();
    for (const std::uint64_t lie : {base - 1, base + 9, base + 1000, base + (std::uint64_t{1} << 63), base - 9}) {
      released.store(lie);
      EXPECT_FALSE(fan.writer().port->push_staged());
      fan.writer().port->sender().reclaim_all();
      EXPECT_EQ(fan.writer().port->sender().pool().used_bytes(), used) << lie;
    }
    released.store(base + 2);
    EXPECT_TRUE(fan.writer().port->push_staged());
    released.store(base + 1);  // back again
    fan.writer().port->sender().reclaim_all();
    EXPECT_EQ(fan.writer().port->sender().pool().used_bytes(), used) << "two came, two went";
  }
}

TEST(OutRoute, AHostileCursorDoesNotKeepAWaitingPublisherAwake) {
  Fan fan({.readers = 2, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 10; ++i) fan.writer().send<InSlot>(i);
  fan.reader(0).receive_all();
  status_of(fan.reader(0)).cursors[0].released.store(UINT64_MAX);
  EXPECT_TRUE(fan.writer().port->prepare_wait());
  fan.writer().port->end_wait();
}

TEST(OutRoute, APublisherThatWaitsForOneReaderIsNotKeptAwakeByAnother) {
  Fan fan({.readers = 2, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 9; ++i) fan.writer().send<InSlot>(i);
  EXPECT_EQ(fan.reader(0).receive_all().size(), 8u);
  bool sleeps = false;
  for (int i = 0; i < 3 && !sleeps; ++i) {
    EXPECT_FALSE(fan.writer().port->push_staged());
    sleeps = fan.writer().port->prepare_wait();
    fan.writer().port->end_wait();
  }
  EXPECT_TRUE(sleeps);
}

TEST(OutRoute, ASuccessorIsNotKeptAwakeByACursorInItsPredecessorsRing) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 4; ++i) fan.writer().send<InSlot>(i);
  std::string error;
  ASSERT_TRUE(fan.writer_died(error));
  fan.start_writer();
  for (std::uint64_t i = 4; i < 14; ++i) fan.writer().send<InSlot>(i);
  ASSERT_TRUE(fan.writer().port->has_staged());
  EXPECT_TRUE(fan.writer().port->prepare_wait());
  fan.writer().port->end_wait();
}

TEST(InRoute, WhoGoesToSleepHasSaidHowLongHandlingTook) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  shm::ShmPort& port = *fan.reader(0).port;
  ASSERT_TRUE(port.prepare_wait());
  port.end_wait();  // the turn after a sleep is timed
  fan.writer().send<InSlot>(1);
  fan.writer().port->flush();
  ASSERT_TRUE(fan.reader(0).take());
  fan.reader(0).done();
  EXPECT_TRUE(port.prepare_wait());
  std::uint64_t counted = 0;
  for (const shm::Word& count : port.status().handling.count) counted += count.load();
  EXPECT_EQ(counted, 1u) << "or else its sleep counts as handling";
  port.end_wait();
}

TEST(InRoute, ASleepingReaderIsRungOncePerSleep) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  const int bell = fan.reader(0).port->receiver().routes()[0]->data_bell();
  silence(bell);
  EXPECT_TRUE(fan.reader(0).port->prepare_wait());
  fan.writer().send<InSlot>(0);
  fan.writer().port->flush();
  EXPECT_TRUE(rang(bell));
  silence(bell);
  fan.writer().send<InSlot>(1);
  fan.writer().port->flush();
  EXPECT_FALSE(rang(bell)) << "rung for this sleep already";
  fan.reader(0).port->end_wait();
  EXPECT_FALSE(fan.reader(0).port->prepare_wait()) << "there is news";
  fan.reader(0).port->end_wait();
}

TEST(InRoute, AWaitingPublisherIsRungWhenRoomComes) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 9; ++i) fan.writer().send<InSlot>(i);
  const int bell = fan.writer().port->sender().routes()[0]->space_bell();
  silence(bell);
  ASSERT_TRUE(fan.writer().port->prepare_wait());
  EXPECT_EQ(fan.reader(0).receive_all().size(), 8u);
  EXPECT_TRUE(rang(bell));
}

TEST(InRoute, APublishersSuccessorIsRungToo) {
  // Each incarnation counts its waits from the start: a value that was signalled to one says nothing about the next.
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  for (std::uint64_t life = 0; life < 3; ++life) {
    for (std::uint64_t i = 0; i < 9; ++i) fan.writer().send<InSlot>(i);
    const int bell = fan.writer().port->sender().routes()[0]->space_bell();
    silence(bell);
    ASSERT_TRUE(fan.writer().port->prepare_wait());
    EXPECT_EQ(fan.reader(0).receive_all().size(), 8u);
    EXPECT_TRUE(rang(bell)) << "life " << life;
    std::string error;
    ASSERT_TRUE(fan.writer_died(error));
    fan.start_writer();
  }
}

TEST(InRoute, AHostileHeadDoesNotKeepAReaderAwake) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  // The writer's own mapping of its ring: what a hostile publisher would write.
  auto& slot = fan.writer().port->sender().routes()[0]->next_slot();
  auto& header = *reinterpret_cast<shm::RingHeader*>(reinterpret_cast<std::byte*>(&slot) - sizeof(shm::RingHeader));
  header.head.store(UINT64_MAX);
  EXPECT_TRUE(fan.reader(0).receive_all().empty());
  EXPECT_TRUE(fan.reader(0).port->prepare_wait());
  fan.reader(0).port->end_wait();
}

TEST(InRoute, ARouteIsReadOnBehindADeadPublishersCorruptSegment) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 4; ++i) fan.writer().send<InSlot>(i);
  auto* next = reinterpret_cast<shm::Cell*>(&fan.writer().port->sender().routes()[0]->next_slot());  // of event 4
  (next - 2)->slot.topic = 999;
  std::string error;
  ASSERT_TRUE(fan.writer_died(error));
  fan.start_writer();
  fan.writer().send<InSlot>(10);
  fan.writer().port->flush();
  Reader& reader = fan.reader(0);
  EXPECT_EQ(values(reader.receive_all()), from_to(0, 2));
  EXPECT_EQ(reader.corrupt.size(), 1u);
  EXPECT_FALSE(reader.port->prepare_wait()) << "the next segment is still to be read";
  reader.port->end_wait();
  EXPECT_EQ(values(reader.receive_all()), from_to(10, 11));
  EXPECT_EQ(reader.port->counters().dropped, 2u) << "what could not be read is counted";
}

/// The cell of the event sent last.
shm::Cell& last_cell(Fan& fan) {
  return *(reinterpret_cast<shm::Cell*>(&fan.writer().port->sender().routes()[0]->next_slot()) - 1);
}

TEST(InRoute, AnEventLikeTheOneBeforeItIsBoundToItsExtentAllTheSame) {
  for (const std::uint64_t word : {0, 1}) {  // of the PoolRef: extent and offset; bytes
    Fan fan({.readers = 1, .capacity = 8});
    start_all(fan);
    for (std::uint64_t i = 0; i < 3; ++i) fan.writer().send<InPool>(i);
    std::uint64_t reference[2];
    std::memcpy(reference, last_cell(fan).slot.payload, sizeof reference);
    reference[word] |= std::uint64_t{0xfffffff} << 34;
    std::memcpy(last_cell(fan).slot.payload, reference, sizeof reference);
    fan.writer().port->flush();
    Reader& reader = fan.reader(0);
    EXPECT_EQ(values(reader.receive_all()), from_to(0, 2));
    EXPECT_EQ(reader.corrupt.size(), 1u);
  }
}

TEST(InRoute, AnEventLikeTheOneBeforeItIsNotReadInPlaceIfItIsShorter) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 3; ++i) fan.writer().send<InPool>(i);
  const std::uint64_t bytes = sizeof(InPool) - 8;
  std::memcpy(last_cell(fan).slot.payload + sizeof(std::uint64_t), &bytes, sizeof bytes);
  fan.writer().port->flush();
  Reader& reader = fan.reader(0);
  Delivery delivery;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(reader.port->next(delivery));
    EXPECT_NE(delivery.object, nullptr);
    reader.port->handled(delivery, true);
  }
  ASSERT_TRUE(reader.port->next(delivery));
  EXPECT_EQ(delivery.object, nullptr);
  EXPECT_EQ(delivery.payload.size(), bytes);
}

TEST(InRoute, ASlotOfAllOnesIsLikeNoEventThatIsKnown) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  fan.writer().send<InSlot>(0);
  std::memset(&last_cell(fan).slot.topic, 0xff, sizeof(std::uint64_t));  // topic, type, flags and bytes
  fan.writer().port->flush();
  Reader& reader = fan.reader(0);
  Delivery delivery;
  EXPECT_FALSE(reader.port->next(delivery)) << "a topic that the route does not carry";
  EXPECT_EQ(reader.corrupt.size(), 1u);
}

TEST(InRoute, WhatIsKnownOfAnExtentEndsWithIt) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  for (std::uint64_t i = 0; i < 2; ++i) fan.writer().send<InPool>(i);
  fan.writer().port->flush();
  Reader& reader = fan.reader(0);
  EXPECT_EQ(values(reader.receive_all()), from_to(0, 2));
  reader.port->receiver().drop_extent(77, 1, 1);  // a hostile publisher takes it away and goes on using it
  fan.writer().send<InPool>(2);
  fan.writer().port->flush();
  EXPECT_TRUE(reader.receive_all().empty()) << "another may be on its way";
}

TEST(InRoute, AnEventWhoseExtentNeverComesEndsADeadPublishersSegment) {
  Fan fan({.readers = 1, .capacity = 8});
  fan.start_reader(0);
  // It died with the announcement of its extent still unsent.
  auto writer = fan.make_writer([](auto, auto, auto) {});
  fan.adopt_writer(Fan::descriptors(*writer, fan));
  writer->send<InSlot>(0);
  writer->send<InPool>(1);
  writer->port->flush();
  Reader& reader = fan.reader(0);
  EXPECT_EQ(values(reader.receive_all()), from_to(0, 1));
  EXPECT_TRUE(reader.corrupt.empty()) << "it may be on its way";
  writer.reset();
  std::string error;
  ASSERT_TRUE(fan.writer_died(error));
  fan.start_writer().send<InSlot>(2);
  EXPECT_TRUE(reader.receive_all().empty());
  EXPECT_EQ(reader.corrupt.size(), 1u);
  EXPECT_EQ(values(reader.receive_all()), from_to(2, 3));
}

TEST(InRoute, TheEventInFlightComesFirstAndItsAttemptsAreCounted) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  fan.writer().send<InSlot>(0);
  for (std::uint32_t attempt = 1; attempt < 5; ++attempt) {
    const auto got = fan.reader(0).take();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->attempt, attempt);
    EXPECT_EQ(got->redelivered(), attempt > 1);
    fan.reader_died(0);
    fan.start_reader(0);
    fan.reader_died(0);  // dies again before it takes anything
    fan.start_reader(0);
  }
}

TEST(InRoute, APinnedPayloadIsNotReusedAndItsMemoryStays) {
  Fan fan({.readers = 1, .capacity = 8, .memory_bytes = 1u << 20});
  start_all(fan);
  fan.writer().send<InPool>(1);
  Reader& reader = fan.reader(0);
  ASSERT_TRUE(reader.take());
  const Retained kept = reader.port->retain(reader.in_hand);
  reader.done();
  for (std::uint64_t i = 0; i < 50; ++i) {
    fan.writer().send<InPool>(100 + i);
    if (fan.writer().port->has_staged()) break;
    fan.writer().port->flush();
    reader.receive_all();
  }
  EXPECT_TRUE(is_whole(*static_cast<const InPool*>(kept.get())));
  reader.port->receiver().drop_extent(77, 1, 1);  // a hostile publisher says that nobody needs it
  reader.port->detach(Fan::route_of(0));
  EXPECT_TRUE(is_whole(*static_cast<const InPool*>(kept.get())));
}

TEST(InRoute, APinGivenBackByAnotherThreadWakesTheSleepingReader) {
  Fan fan({.readers = 1, .capacity = 8});
  start_all(fan);
  fan.writer().send<InPool>(1);
  Reader& reader = fan.reader(0);
  ASSERT_TRUE(reader.take());
  Retained kept = reader.port->retain(reader.in_hand);
  reader.done();
  ASSERT_FALSE(reader.take());
  reader.loop.poll();  // what rang so far
  ASSERT_TRUE(reader.port->prepare_wait());
  EXPECT_EQ(status_of(reader).cursors[0].released.load(), 0u);
  std::thread([&kept] { kept.reset(); }).join();
  reader.loop.wait();  // nobody else would wake it: its publisher may be waiting for just this room
  reader.port->end_wait();
  reader.port->new_turn();
  EXPECT_EQ(status_of(reader).cursors[0].released.load(), 1u);
}

TEST(InRoute, WhatWasHandledIsLetGoOfWithTheTurnHoweverLongTheMailbox) {
  Fan fan({.readers = 1, .capacity = 1024, .smallest_quota = 1024});
  start_all(fan);
  for (std::uint64_t i = 0; i < 3; ++i) fan.writer().send<InSlot>(i);
  Reader& reader = fan.reader(0);
  const shm::Word& released = status_of(reader).cursors[0].released;
  ASSERT_TRUE(reader.take());
  reader.done();
  ASSERT_TRUE(reader.port->next(reader.in_hand));
  reader.done();
  EXPECT_EQ(released.load(), 0u);
  reader.port->new_turn();
  EXPECT_EQ(released.load(), 2u);
}

TEST(InRoute, WhatFillsMemoryIsLetGoOfSooner) {
  shm::Cursor words{};
  shm::InRoute route(1, 1024, false, words, 0, shm::make_bell(), shm::make_bell());
  const auto events_until = [&](std::size_t bytes) {
    route.publish_released();
    int events = 0;
    while (!route.should_publish(bytes)) {
      route.advance();
      ++events;
    }
    return events;
  };
  EXPECT_EQ(events_until(64), 64);
  EXPECT_EQ(events_until(65), 16);
  EXPECT_EQ(events_until(4096), 0);
  route.set_smallest_quota(8);  // its publisher's next life may send on a shorter topic
  EXPECT_EQ(events_until(64), 2);
}

TEST(InRoute, AnExtentThatNeverComesKeepsNobodyAwake) {
  Fan fan({.readers = 1, .capacity = 8});
  fan.start_reader(0);
  const auto writer = fan.make_writer([](auto, auto, auto) {});
  writer->send<InSlot>(1);
  WriterFds fds = Fan::descriptors(*writer, fan);
  fds.extents.clear();
  fan.adopt_writer(std::move(fds));
  writer->send<InPool>(2);
  writer->port->flush();
  Reader& reader = fan.reader(0);
  EXPECT_EQ(values(reader.receive_all()), from_to(1, 2));
  EXPECT_TRUE(reader.port->prepare_wait());
  reader.port->end_wait();
  EXPECT_TRUE(reader.corrupt.empty()) << "it may be on its way";
}

}  // namespace
}  // namespace actor::fault
