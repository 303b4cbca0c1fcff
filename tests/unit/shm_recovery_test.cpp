// What the broker concludes from a dead publisher's memory: where its rings end, and who takes an event from the
// record.

#include <gtest/gtest.h>

#include <cstring>
#include <shm/out_route.hpp>
#include <shm/port.hpp>
#include <shm/recovery.hpp>

namespace actor::shm {
namespace {

constexpr std::uint32_t route_id = 7;

/// A ring and a status segment as a publisher would leave them, word by word.
class Remains {
 public:
  Remains(std::uint32_t slots, std::uint64_t base, bool overwriting = false)
      : ring_(OwnedSegment::create("ring", ring_bytes(slots))), status_(make_status()), slots_(slots) {
    header().version = layout_version;
    header().slots = slots;
    header().base = base;
    header().overwriting = overwriting;
    header().head.store(base);
    header().magic = ring_magic;
  }

  RingHeader& header() { return *reinterpret_cast<RingHeader*>(ring_.data()); }
  Slot& slot(std::uint64_t sequence) {
    return reinterpret_cast<Cell*>(ring_.data() + sizeof(RingHeader))[sequence & (slots_ - 1)].slot;
  }
  FanoutRecord& record() { return reinterpret_cast<Status*>(status_.data())->fanout; }
  void store_slot(std::uint64_t sequence) { slot(sequence).sequence.store(sequence + 1); }

  std::optional<Ending> ending(std::uint64_t cursor) {
    const auto ring = RingView::open(ring_.fd(), error);
    return ring ? final_head(*ring, status_.fd(), route_id, cursor, error) : std::nullopt;
  }
  std::string error;

 private:
  OwnedSegment ring_;
  OwnedSegment status_;
  std::uint32_t slots_;
};

TEST(Recovery, AnUntouchedRingEndsAtItsBase) {
  for (const std::uint64_t base : {std::uint64_t{0}, std::uint64_t{12345}, (std::uint64_t{1} << 32) - 1}) {
    Remains remains(8, base);
    const auto ending = remains.ending(base);
    ASSERT_TRUE(ending) << remains.error;
    EXPECT_EQ(ending->final_head, base);
    EXPECT_FALSE(ending->from_record);
  }
}

TEST(Recovery, AReadersLieDoesNotMoveTheNumbering) {
  for (const bool overwriting : {false, true}) {
    Remains remains(8, 0, overwriting);
    for (std::uint64_t s = 0; s != 3; ++s) remains.store_slot(s);
    remains.header().head.store(2);
    for (const std::uint64_t lie : {std::uint64_t{1000}, UINT64_MAX, UINT64_MAX - 1}) {
      const auto ending = remains.ending(lie);
      ASSERT_TRUE(ending) << remains.error;
      EXPECT_EQ(ending->final_head, 3u);
    }
  }
}

TEST(Recovery, SlotsBeyondALaggingHeadCount) {
  for (const std::uint64_t base : {std::uint64_t{0}, std::uint64_t{5}, (std::uint64_t{1} << 32) - 3}) {
    Remains remains(8, base);
    for (std::uint64_t s = base; s != base + 6; ++s) remains.store_slot(s);
    remains.header().head.store(base + 2);
    EXPECT_EQ(remains.ending(base)->final_head, base + 6);
  }
}

TEST(Recovery, AFullRingWhoseHeadWasNeverStoredEndsAfterOneCapacity) {
  Remains remains(8, 3);
  for (std::uint64_t s = 3; s != 11; ++s) remains.store_slot(s);
  EXPECT_EQ(remains.ending(3)->final_head, 11u);
}

TEST(Recovery, AReaderThatIsAheadOfTheHeadWordCounts) {
  Remains remains(8, 0);
  for (std::uint64_t s = 0; s != 5; ++s) remains.store_slot(s);
  remains.header().head.store(1);
  EXPECT_EQ(remains.ending(4)->final_head, 5u);
  EXPECT_EQ(remains.ending(5)->final_head, 5u);
}

TEST(Recovery, SlotsOfThePreviousRoundDoNotCount) {
  Remains remains(4, 0);
  for (std::uint64_t s = 0; s != 6; ++s) remains.store_slot(s);  // 2..5 are there
  remains.header().head.store(4);
  EXPECT_EQ(remains.ending(2)->final_head, 6u);
}

TEST(Recovery, ACursorBelowTheBaseIsThatOfAnOlderSegment) {
  Remains remains(8, 100);
  remains.store_slot(100);
  EXPECT_EQ(remains.ending(17)->final_head, 101u);
}

TEST(Recovery, TheRecordAppliesToTheRoutesThatItsEventHadNotReached) {
  Remains remains(8, 0);
  remains.store_slot(0);
  remains.header().head.store(1);
  remains.record().targets = 2;
  remains.record().target[0] = {route_id + 1, 0, 1};
  remains.record().target[1] = {route_id, 0, 1};
  EXPECT_FALSE(remains.ending(0)->from_record) << "not committed";
  remains.record().commit.store(99);
  EXPECT_TRUE(remains.ending(0)->from_record);
  EXPECT_EQ(remains.ending(0)->final_head, 1u);
  remains.store_slot(1);
  EXPECT_FALSE(remains.ending(0)->from_record) << "it was pushed after all";
  EXPECT_EQ(remains.ending(0)->final_head, 2u);
}

TEST(Recovery, ARecordOfAnotherRouteOrAnOlderEventDoesNotApply) {
  Remains remains(8, 0);
  remains.store_slot(0);
  remains.record().commit.store(99);
  remains.record().targets = 1;
  remains.record().target[0] = {route_id, 0, 0};
  EXPECT_FALSE(remains.ending(0)->from_record);
  remains.record().target[0] = {route_id + 1, 0, 1};
  EXPECT_FALSE(remains.ending(0)->from_record);
}

TEST(Recovery, ARecordThatClaimsTooManyTargetsIsReadToItsEndOnly) {
  Remains remains(8, 0);
  remains.record().commit.store(1);
  remains.record().targets = UINT64_MAX;
  EXPECT_FALSE(remains.ending(0)->from_record);
  remains.record().target[max_routes - 1] = {route_id, 0, 0};
  EXPECT_TRUE(remains.ending(0)->from_record);
}

TEST(Recovery, AHeadBeyondTheRingIsNotBelieved) {
  for (const std::uint64_t head : {std::uint64_t{9}, std::uint64_t{1} << 40, UINT64_MAX}) {
    Remains remains(8, 0);
    remains.header().head.store(head);
    ASSERT_TRUE(remains.ending(0));
    EXPECT_LE(remains.ending(0)->final_head, 8u);
  }
}

TEST(Recovery, ABurstThatWentRoundAnOverwritingRingCountsToItsNewest) {
  for (std::uint64_t count = 0; count < 40; ++count) {
    Remains remains(8, 100, true);
    for (std::uint64_t s = 100; s != 100 + count; ++s) remains.store_slot(s);
    EXPECT_EQ(remains.ending(100)->final_head, 100 + count);
    remains.slot(100 + count).sequence.store(0);  // it died while it wrote the next
    EXPECT_EQ(remains.ending(100)->final_head, 100 + count);
  }
}

TEST(Recovery, AHeadThatWentBackLosesNothing) {
  Remains remains(8, 100);
  for (std::uint64_t s = 100; s != 104; ++s) remains.store_slot(s);
  remains.header().head.store(3);
  EXPECT_EQ(remains.ending(100)->final_head, 104u);
}

TEST(Recovery, WhatIsNoRingIsRefusedWithItsReason) {
  Remains remains(8, 0);
  remains.header().magic = 0;
  EXPECT_FALSE(remains.ending(0));
  EXPECT_FALSE(remains.error.empty());
  remains.header().magic = ring_magic;
  for (const std::uint32_t slots : {0u, 3u, 16u, 1u << 20, 1u << 31, UINT32_MAX}) {
    remains.header().slots = slots;
    EXPECT_FALSE(remains.ending(0)) << slots;
  }
  remains.header().slots = 8;
  EXPECT_TRUE(remains.ending(0));
  remains.header().version = layout_version + 1;
  EXPECT_FALSE(remains.ending(0));
}

}  // namespace
}  // namespace actor::shm
