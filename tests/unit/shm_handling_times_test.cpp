// How long handling takes, as `actorctl top` shows it.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <shm/handling_times.hpp>

namespace actor::shm {
namespace {

class HandlingTimesTest : public ::testing::Test {
 protected:
  void handle(std::uint64_t events) {
    for (std::uint64_t i = 0; i < events; ++i) {
      times_.before_event();
      status_->counters.handled.fetch_add(1);
    }
  }
  std::uint64_t counted() const {
    std::uint64_t all = 0;
    for (const Word& count : status_->handling.count) all += count.load();
    return all;
  }

  std::unique_ptr<Status> status_ = std::make_unique<Status>();
  HandlingTimes times_{*status_};
};

TEST(HandlingBucket, IsHalfAnOctaveWideAndEndsAtItsLimit) {
  EXPECT_EQ(handling_bucket(0), 0U);
  EXPECT_EQ(handling_bucket(31), 0U);
  for (std::size_t bucket = 0; bucket + 1 < handling_buckets; ++bucket) {
    EXPECT_EQ(handling_bucket(handling_limit_ns(bucket) - 1), bucket);
    EXPECT_EQ(handling_bucket(handling_limit_ns(bucket)), bucket + 1);
  }
  EXPECT_EQ(handling_bucket(UINT64_MAX), handling_buckets - 1);
}

TEST_F(HandlingTimesTest, EveryEventAfterASleepCounts) {
  for (int i = 0; i < 10; ++i) {
    times_.woke();
    times_.new_turn();
    handle(3);
  }
  times_.new_turn();
  EXPECT_EQ(counted(), 30U);
}

TEST_F(HandlingTimesTest, OfTurnsInARowOneInSixteenStandsForAll) {
  times_.new_turn();  // like one after a sleep
  for (int i = 0; i < 160; ++i) {
    times_.new_turn();
    handle(2);
  }
  times_.new_turn();
  EXPECT_EQ(counted(), 10U * 16 * 2);
}

TEST_F(HandlingTimesTest, ATurnEndsWhenTheActorGoesToSleepNotWhenItWakes) {
  times_.new_turn();
  handle(3);
  times_.end_turn();
  EXPECT_EQ(counted(), 3U);
  times_.woke();
  times_.new_turn();
  EXPECT_EQ(counted(), 3U);
}

TEST_F(HandlingTimesTest, ATurnWithoutEventsCountsNothing) {
  times_.woke();
  times_.new_turn();
  times_.woke();
  times_.new_turn();
  times_.before_event();  // handed out, and not handled
  times_.new_turn();
  EXPECT_EQ(counted(), 0U);
}

}  // namespace
}  // namespace actor::shm
