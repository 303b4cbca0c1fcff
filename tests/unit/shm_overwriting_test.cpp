// Rings that overwrite what their reader has not read: what it misses is counted.

#include <gtest/gtest.h>

#include "fan_values.hpp"

namespace actor::fault {
namespace {

TEST(Overwriting, WhatItsReaderHasNotReadMakesWayWhenMemoryRunsOut) {
  Fan fan({.readers = 1, .capacity = 16, .policy = OverflowPolicy::drop_oldest(), .memory_bytes = 6 * sizeof(InPool)});
  start_all(fan);
  for (std::uint64_t i = 0; i < 20; ++i) fan.writer().send<InPool>(i);
  fan.writer().port->flush();
  EXPECT_EQ(fan.writer().port->counters().dropped, 0u) << "the oldest go, not the newest";
  const auto got = values(fan.reader(0).receive_all());
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back(), 19u);
  EXPECT_EQ(got.size() + fan.reader(0).port->counters().dropped, 20u);
}

TEST(Overwriting, AReaderThatKeepsUpMissesNothing) {
  for (const std::uint64_t base : bases) {
    Fan fan({.readers = 2, .capacity = 8, .policy = OverflowPolicy::drop_oldest(), .base = base});
    start_all(fan);
    for (std::uint64_t i = 0; i < 50; ++i) {
      fan.writer().send<InPool>(i);
      fan.writer().port->flush();
      EXPECT_EQ(values(fan.reader(0).receive_all()), from_to(i, i + 1));
    }
    EXPECT_EQ(fan.reader(0).port->counters().dropped, 0u);
  }
}

TEST(Overwriting, WhatWasMissedIsCountedAndTheNewestIsThere) {
  for (const std::uint64_t base : bases) {
    for (std::uint64_t count = 1; count < 40; ++count) {
      Fan fan({.readers = 1, .capacity = 8, .policy = OverflowPolicy::drop_oldest(), .base = base});
      start_all(fan);
      for (std::uint64_t i = 0; i < count; ++i) {
        if (i % 3 == 0)
          fan.writer().send<InPool>(i);
        else
          fan.writer().send<InTail>(i);
      }
      fan.writer().port->flush();
      EXPECT_FALSE(fan.writer().port->has_staged());
      const auto got = values(fan.reader(0).receive_all());
      ASSERT_FALSE(got.empty());
      EXPECT_EQ(got, from_to(count - got.size(), count)) << "in order, without holes, up to the newest";
      EXPECT_EQ(got.size() + fan.reader(0).port->counters().dropped, count);
      EXPECT_GE(got.size(), std::min<std::uint64_t>(count, 7));
    }
  }
}

TEST(Overwriting, ADeadPublishersRingIsReadToItsEndAndCounted) {
  for (std::uint64_t count = 1; count < 30; ++count) {
    Fan fan({.readers = 2, .capacity = 8, .policy = OverflowPolicy::drop_oldest()});
    start_all(fan);
    for (std::uint64_t i = 0; i < count; ++i) fan.writer().send<InPool>(i);
    std::string error;
    ASSERT_TRUE(fan.writer_died(error)) << error;
    fan.start_writer().send<InPool>(count);
    fan.writer().port->flush();
    const auto got = values(fan.reader(0).receive_all());
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got, from_to(count + 1 - got.size(), count + 1));
    EXPECT_EQ(got.size() + fan.reader(0).port->counters().dropped, count + 1);
  }
}

}  // namespace
}  // namespace actor::fault
