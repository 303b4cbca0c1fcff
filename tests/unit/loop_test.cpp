#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/epoll_loop.hpp>
#include <actor/error.hpp>
#include <control/fd.hpp>
#include <vector>

namespace actor {
namespace {

using namespace std::chrono_literals;

Fd make_eventfd() {
  return Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void signal_once(const Fd& fd) {
  const std::uint64_t one = 1;
  ASSERT_EQ(write(fd.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
}

TEST(Loop, RunsTimersInTheOrderInWhichTheyAreDue) {
  EpollLoop loop;
  std::vector<int> ran;
  loop.after(2ms, [&] { ran.push_back(2); });
  loop.after(1ms, [&] { ran.push_back(1); });
  while (ran.size() < 2) loop.wait();
  EXPECT_EQ(ran, (std::vector{1, 2}));
  EXPECT_FALSE(loop.has_timers());
}

TEST(Loop, ADelayBeyondTheClockIsNever) {
  EpollLoop loop;
  loop.after(std::chrono::nanoseconds::max(), [] { FAIL() << "called"; });
  loop.every(std::chrono::nanoseconds::max(), [] { FAIL() << "called"; });
  EXPECT_EQ(loop.next_due(), Loop::Clock::time_point::max());
  bool woken = false;
  loop.after(1ms, [&] { woken = true; });
  while (!woken) loop.wait();
  EXPECT_EQ(loop.poll(), 0u);
}

TEST(Loop, RepeatsATimerUntilItsOwnCallbackCancelsIt) {
  EpollLoop loop;
  int ran = 0;
  TimerId timer = 0;
  timer = loop.every(1ms, [&] {
    if (++ran == 3) loop.cancel(timer);
  });
  while (loop.has_timers()) loop.wait();
  EXPECT_EQ(ran, 3);
}

TEST(Loop, ATimerMadeByACallbackWaitsForTheNextTurn) {
  EpollLoop loop;
  bool second = false;
  loop.after(0ms, [&] { loop.after(0ms, [&] { second = true; }); });
  while (loop.poll() == 0) {
  }
  EXPECT_FALSE(second);
  while (!second) loop.wait();
}

TEST(Loop, CallsAWatchWhileItsDescriptorIsReady) {
  EpollLoop loop;
  const Fd fd = make_eventfd();
  int ran = 0;
  const WatchId watch = loop.watch(fd.get(), Loop::Interest::Read, [&] { ++ran; });
  EXPECT_EQ(loop.poll(), 0u);
  signal_once(fd);
  loop.wait();
  loop.wait();
  EXPECT_EQ(ran, 2) << "level-triggered: nobody has read it";
  loop.unwatch(watch);
  EXPECT_EQ(loop.poll(), 0u);
}

TEST(Loop, ACallbackMayUnwatchAnother) {
  EpollLoop loop;
  const Fd first = make_eventfd(), second = make_eventfd();
  WatchId watches[2] = {};
  int ran = 0;
  watches[0] = loop.watch(first.get(), Loop::Interest::Read, [&] { ++ran, loop.unwatch(watches[1]); });
  watches[1] = loop.watch(second.get(), Loop::Interest::Read, [&] { ++ran, loop.unwatch(watches[0]); });
  signal_once(first);
  signal_once(second);
  loop.wait();
  EXPECT_EQ(ran, 1);
}

TEST(Loop, ABellWakesOncePerRingAndNeedsNoDraining) {
  EpollLoop loop;
  const Fd bell = make_eventfd();
  loop.add_bell(bell.get());
  for (int i = 0; i < 3; ++i) {
    signal_once(bell);
    EXPECT_EQ(loop.wait(), 0u);  // would not return if the ring were missed
  }
  EXPECT_EQ(loop.wait(Loop::Clock::now() + 1ms), 0u);
  loop.remove_bell(bell.get());
}

TEST(Loop, ASilentLoopWakesOnlyForTheRuntime) {
  EpollLoop loop;
  const Fd users = make_eventfd(), own = make_eventfd();
  int users_ran = 0, own_ran = 0;
  loop.watch(users.get(), Loop::Interest::Read, [&] { ++users_ran; });
  loop.watch_always(own.get(), Loop::Interest::Read, [&] { ++own_ran; });
  loop.after(0ms, [&] { ++users_ran; });
  loop.silence();
  signal_once(users);
  signal_once(own);
  loop.wait();
  EXPECT_EQ(users_ran, 0);
  EXPECT_EQ(own_ran, 1);
  EXPECT_EQ(loop.next_due(), Loop::Clock::time_point::max());
}

TEST(Loop, RefusesADescriptorThatCannotBePolled) {
  EpollLoop loop;
  const Fd file(dup(fileno(tmpfile())));
  try {
    loop.watch(file.get(), Loop::Interest::Read, [] {});
    FAIL() << "a regular file cannot be polled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Io);
    EXPECT_NE(std::string(error.what()).find("only pollable descriptors"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace actor
