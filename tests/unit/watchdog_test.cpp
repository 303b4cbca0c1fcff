// The watchdog on a clock that this test turns.

#include "supervision/watchdog.hpp"

#include <gtest/gtest.h>

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using Action = Watchdog::Action;
using Doing = Look::Doing;

class WatchdogTest : public ::testing::Test {
 protected:
  static constexpr Watchdog::Key cpu = 7;

  WatchdogTest() { watchdog_.watch(cpu, {.limit = 4s, .abort_grace = 2s}); }

  /// Looks each second for so long; the last verdict that was not None.
  Watchdog::Verdict look_for(std::chrono::seconds time, const Look& seen) {
    Watchdog::Verdict verdict;
    for (auto passed = 0s; passed < time; passed += 1s) {
      now_ += 1s;
      const auto next = watchdog_.look(cpu, seen, now_);
      if (next.action != Action::None) verdict = next;
    }
    return verdict;
  }

  Watchdog watchdog_;
  Watchdog::Time now_ = 1000s;
};

constexpr Look in_handler{.doing = Doing::Awake, .progress = 5, .has_queued = false};
constexpr Look idle{.doing = Doing::WaitsForEvents, .progress = 5, .has_queued = false};
constexpr Look deaf{.doing = Doing::WaitsForEvents, .progress = 5, .has_queued = true};
constexpr Look held_up{.doing = Doing::WaitsForRoom, .progress = 5, .has_queued = true};

TEST_F(WatchdogTest, AHandlerThatDoesNotReturnIsAbortedAfterTheLimit) {
  EXPECT_EQ(look_for(4s, in_handler).action, Action::None) << "the first look only begins to count";
  const auto verdict = look_for(1s, in_handler);
  EXPECT_EQ(verdict.action, Action::Abort);
  EXPECT_EQ(verdict.stuck_for, 4s);
}

TEST_F(WatchdogTest, WhoDoesNotEndIsKilledAfterTheGrace) {
  look_for(5s, in_handler);
  EXPECT_EQ(look_for(1s, in_handler).action, Action::None);
  EXPECT_EQ(look_for(1s, in_handler).action, Action::Kill);
  EXPECT_EQ(look_for(1s, in_handler).action, Action::Kill) << "as long as it is there";
}

TEST_F(WatchdogTest, AnAbortedOneThatMovesAgainIsKilledAllTheSame) {
  look_for(5s, in_handler);
  Look moving = in_handler;
  for (int i = 0; i < 2; ++i) {
    ++moving.progress;
    look_for(1s, moving);
  }
  ++moving.progress;
  EXPECT_EQ(look_for(1s, moving).action, Action::Kill) << "half of its handlers may be gone";
}

TEST_F(WatchdogTest, AnIdleActorIsNotHungHoweverLong) {
  EXPECT_EQ(look_for(3600s, idle).action, Action::None);
  EXPECT_TRUE(watchdog_.may_park());
}

TEST_F(WatchdogTest, ProgressBeginsTheCountAnew) {
  look_for(4s, in_handler);
  Look later = in_handler;
  later.progress = 6;
  EXPECT_EQ(look_for(4s, later).action, Action::None);
  EXPECT_EQ(look_for(1s, later).action, Action::Abort);
}

TEST_F(WatchdogTest, SleepingOverAMailboxThatIsNotEmptyIsHanging) {
  EXPECT_EQ(look_for(4s, deaf).action, Action::None);
  EXPECT_FALSE(watchdog_.may_park());
  EXPECT_EQ(look_for(1s, deaf).action, Action::Abort);
}

TEST_F(WatchdogTest, WaitingForRoomIsNotHanging) {
  EXPECT_EQ(look_for(3600s, held_up).action, Action::None);
  EXPECT_FALSE(watchdog_.may_park()) << "somebody else may hang";
}

TEST_F(WatchdogTest, WakingUpBetweenTwoLooksIsNoHanging) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(look_for(1s, i % 2 == 0 ? in_handler : idle).action, Action::None);
}

TEST_F(WatchdogTest, WhoIsStoppedOrTracedIsExcused) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(look_for(1s, in_handler).action, Action::None);
    watchdog_.excuse(cpu);
  }
  EXPECT_EQ(look_for(5s, in_handler).action, Action::Abort) << "and no longer when it goes on";
}

TEST_F(WatchdogTest, WhoWaitsForAProcessorDoesNotHang) {
  Look starved = in_handler;
  starved.processor = 7s;
  EXPECT_EQ(look_for(3600s, starved).action, Action::None);
  EXPECT_EQ(look_for(3s, in_handler).action, Action::None);
  EXPECT_EQ(look_for(1s, in_handler).action, Action::Abort) << "when it sleeps in there, time itself counts";
}

TEST_F(WatchdogTest, OfALoopItsTimeOnAProcessorCounts) {
  Look looping = in_handler;
  looping.processor = 0s;
  int looks = 0;
  for (Action action = Action::None; action == Action::None; ++looks) {
    *looping.processor += 100ms;  // a tenth of a processor
    action = watchdog_.look(cpu, looping, now_ += 1s).action;
  }
  EXPECT_EQ(looks, 41) << "the first look only begins to count";
}

TEST_F(WatchdogTest, ABrokerThatWasLateTakesNoneOfItForTheActors) {
  look_for(2s, in_handler);
  now_ += 3600s;  // stopped, starved, or the machine asleep
  EXPECT_EQ(watchdog_.look(cpu, in_handler, now_).action, Action::None) << "counts as one step: 1 s";
  EXPECT_EQ(look_for(1s, in_handler).action, Action::None);
  EXPECT_EQ(look_for(1s, in_handler).action, Action::Abort);
}

TEST_F(WatchdogTest, AClockThatStandsStillOrGoesBackCountsNothing) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(watchdog_.look(cpu, in_handler, now_).action, Action::None);
    now_ -= 1ms;
  }
}

TEST_F(WatchdogTest, LooksAFewTimesWithinTheShortestLimit) {
  EXPECT_EQ(watchdog_.interval(), 1s);
  watchdog_.watch(8, {.limit = 100ms, .abort_grace = 2s});
  EXPECT_EQ(watchdog_.interval(), 25ms);
  watchdog_.forget(8);
  EXPECT_EQ(watchdog_.interval(), 1s);
  watchdog_.forget(cpu);
  EXPECT_FALSE(watchdog_.interval());
  EXPECT_TRUE(watchdog_.may_park());
  EXPECT_EQ(watchdog_.look(cpu, in_handler, now_).action, Action::None) << "who is not watched";
}

TEST_F(WatchdogTest, AShortGraceIsLookedAtInTime) {
  watchdog_.watch(cpu, {.limit = 40s, .abort_grace = 0s});
  for (int i = 0; i <= 4; ++i) watchdog_.look(cpu, in_handler, now_ += 10s);
  EXPECT_LE(*watchdog_.interval(), 1ms);
  EXPECT_EQ(watchdog_.look(cpu, in_handler, now_ += 1ms).action, Action::Kill);
}

TEST_F(WatchdogTest, TheNextLifeBeginsAnew) {
  look_for(5s, in_handler);
  watchdog_.watch(cpu, {.limit = 4s, .abort_grace = 2s});
  EXPECT_EQ(look_for(4s, in_handler).action, Action::None);
}

TEST_F(WatchdogTest, ParksOnlyWhenEverybodyWasSeenIdle) {
  EXPECT_FALSE(watchdog_.may_park()) << "it has not been looked at";
  look_for(1s, idle);
  EXPECT_TRUE(watchdog_.may_park());
  watchdog_.watch(8, {.limit = 1s, .abort_grace = 2s});
  EXPECT_FALSE(watchdog_.may_park());
  watchdog_.look(8, in_handler, now_);
  EXPECT_FALSE(watchdog_.may_park());
}

}  // namespace
}  // namespace actor::broker
