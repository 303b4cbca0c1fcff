// A publisher that cannot get what it needs to send: no descriptor for another extent, an exception on the way out.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <actor/error.hpp>
#include <stdexcept>

#include "fan_values.hpp"

namespace actor::fault {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_sanitizer =
    true;  // which looks at memory through a pipe, and finds fault with all when it gets none
#else
constexpr bool has_sanitizer = false;
#endif

/// While it lives this process can open no descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Loop::Clock::now().time_since_epoch()).count();
}

TEST(Shortage, AnEventThatFindsNoDescriptorGoesOutWhenThereIsOne) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs descriptors of its own";
  Fan fan({.readers = 1});
  fan.start_reader(0);
  shm::ShmPort& port = *fan.start_writer().port;
  ::testing::internal::CaptureStderr();
  {
    const NoDescriptors none;
    fan.writer().send<InPool>(1);
    fan.writer().send<InSlot>(2);
    EXPECT_EQ(port.counters().staged, 2u);
    EXPECT_FALSE(port.push_staged());
    EXPECT_THAT(fan.reader(0).receive_all(), IsEmpty());
  }
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr("writer: making the shared-memory segment actor-extent"));
  EXPECT_THAT(said, HasSubstr("Too many open files"));
  EXPECT_THAT(said, HasSubstr("limits.open_files"));
  EXPECT_EQ(said.find("(noted once)"), said.rfind("(noted once)"));
  // Nobody rings for a descriptor that has come free: its owner wakes by itself.
  const std::int64_t due = port.next_deadline();
  ASSERT_LE(due, now_ns() + 1'000'000'000) << "nobody wakes it";
  ASSERT_TRUE(port.prepare_wait());
  fan.writer().loop.wait(Loop::Clock::time_point(std::chrono::nanoseconds(due)));
  port.end_wait();
  EXPECT_GE(now_ns(), due);
  port.new_turn();
  EXPECT_TRUE(port.push_staged());
  EXPECT_EQ(port.next_deadline(), std::numeric_limits<std::int64_t>::max());
  EXPECT_THAT(values(fan.reader(0).receive_all()), ElementsAre(1, 2));
}

TEST(Shortage, OneThatStillWaitsIsTriedLaterAgain) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs descriptors of its own";
  Fan fan({.readers = 1});
  fan.start_reader(0);
  shm::ShmPort& port = *fan.start_writer().port;
  const NoDescriptors none;
  fan.writer().send<InPool>(1);
  for (int i = 0; i < 3; ++i) {
    const std::int64_t due = port.next_deadline();
    ASSERT_LE(due, now_ns() + 1'000'000'000) << "nobody wakes it";
    fan.writer().loop.wait(Loop::Clock::time_point(std::chrono::nanoseconds(due)));
    port.new_turn();
    EXPECT_FALSE(port.push_staged());
    EXPECT_GT(port.next_deadline(), due) << "or else its owner never sleeps";
  }
}

TEST(Shortage, OtherPoliciesDropWhatFindsNoDescriptor) {
  if (has_sanitizer) GTEST_SKIP() << "a sanitizer needs descriptors of its own";
  Fan fan({.readers = 1, .policy = OverflowPolicy::drop()});
  fan.start_reader(0);
  shm::ShmPort& port = *fan.start_writer().port;
  {
    const NoDescriptors none;
    fan.writer().send<InPool>(1);
    fan.writer().send<InSlot>(2);
  }
  EXPECT_EQ(port.counters().dropped, 1u);
  fan.writer().send<InPool>(3);
  port.flush();
  EXPECT_THAT(values(fan.reader(0).receive_all()), ElementsAre(2, 3));
}

TEST(Shortage, AnExtentThatCannotBeAnnouncedIsGivenBack) {
  shm::ExtentEvents events;
  bool fails = true;
  events.added = [&](auto, auto, auto) {
    if (fails) throw Error(ErrorCode::Io, "copying a descriptor", EMFILE);
  };
  shm::Pool pool(shm::Pool::extent_bytes, events);
  EXPECT_EQ(pool.allocate(1000), shm::Pool::no_chunk);
  ASSERT_TRUE(pool.shortage());
  EXPECT_EQ(pool.shortage()->sys_errno(), EMFILE);
  fails = false;
  EXPECT_NE(pool.allocate(1000), shm::Pool::no_chunk) << "its budget has room for one extent only";
  EXPECT_FALSE(pool.shortage());
}

TEST(Shortage, WhatIsThrownInTheMiddleOfTheOutboxSendsNothingTwice) {
  Fan fan({.readers = 1, .capacity = 4});
  fan.start_reader(0);
  bool fails = true;
  const auto writer = fan.make_writer([&](std::uint32_t extent, std::uint64_t, int fd) {
    if (std::exchange(fails, false)) throw std::runtime_error("not today");
    fan.add_extent(extent, fd);
  });
  fan.adopt_writer(Fan::descriptors(*writer, fan));
  shm::ShmPort& port = *writer->port;
  for (std::uint64_t i = 0; i < 4; ++i) writer->send<InSlot>(i);  // full
  writer->send<InSlot>(4);
  writer->send<InPool>(5);  // the first that needs an extent
  writer->send<InSlot>(6);
  port.flush();
  EXPECT_THAT(values(fan.reader(0).receive_all()), ElementsAre(0, 1, 2, 3));
  EXPECT_THROW(port.push_staged(), std::runtime_error);
  EXPECT_EQ(port.counters().staged, 2u) << "what has gone out is not in the outbox any more";
  EXPECT_TRUE(port.push_staged());
  EXPECT_THAT(values(fan.reader(0).receive_all()), ElementsAre(4, 5, 6));
}

}  // namespace
}  // namespace actor::fault
