// When a brain counts as hung: under a clock that the test turns.

#include "keeper/brain_watch.hpp"

#include <gtest/gtest.h>

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using Verdict = BrainWatch::Verdict;
using Sight = BrainWatch::Sight;

constexpr auto limit = 12s;  // the pulse's patience of 4 s has passed when it is suspected; 8 s are left

/// A keeper that looks when it should, and a brain that is in one turn for ever.
struct Watched {
  BrainWatch watch{limit};
  Sight sight{.turns = 1, .is_busy = true, .state = 'S', .processor = 0s};
  BrainWatch::Time now = 100s;

  explicit Watched(char state = 'S', bool is_busy = true) {
    sight.state = state;
    sight.is_busy = is_busy;
    watch.suspect(sight, now);
  }
  /// Until it is no suspect any more, but no longer than a minute; how long that took.
  std::pair<Verdict, BrainWatch::Time> look_on(BrainWatch::Time processor_per_look) {
    const auto began = now;
    while (now < began + 1min) {
      now = *watch.next_look();
      sight.processor += processor_per_look;
      const Verdict verdict = watch.look(sight, now);
      if (verdict != Verdict::Suspect) return {verdict, now - began};
    }
    return {Verdict::Suspect, now - began};
  }
};

TEST(BrainWatch, ATurnThatSleepsHangsAtTheLimit) {
  EXPECT_EQ(Watched('S').look_on(0s), std::pair(Verdict::Hangs, BrainWatch::Time(8s)));
}

TEST(BrainWatch, AStoppedBrainHangsInATurnOrNot) {
  EXPECT_EQ(Watched('T').look_on(0s).first, Verdict::Hangs);
  EXPECT_EQ(Watched('T', false).look_on(0s).first, Verdict::Hangs);
}

TEST(BrainWatch, ALoopingBrainHangsWhenItHasHadTheTimeOnAProcessor) {
  EXPECT_EQ(Watched('R').look_on(1s), std::pair(Verdict::Hangs, BrainWatch::Time(8s)));
  EXPECT_EQ(Watched('R').look_on(250ms), std::pair(Verdict::Hangs, BrainWatch::Time(32s))) << "it had a quarter of one";
}

TEST(BrainWatch, AStarvedBrainDoesNotHang) {
  EXPECT_EQ(Watched('R').look_on(0s).first, Verdict::Suspect);
}

TEST(BrainWatch, WhatADiskOrADebuggerHoldsUpDoesNotHang) {
  EXPECT_EQ(Watched('D').look_on(0s).first, Verdict::Suspect);
  EXPECT_EQ(Watched('t').look_on(0s).first, Verdict::Suspect);
}

TEST(BrainWatch, WhoGoesOnIsInnocent) {
  Watched next_turn;
  next_turn.sight.turns += 2;
  EXPECT_EQ(next_turn.look_on(0s).first, Verdict::Innocent);
  Watched sleeps;
  sleeps.sight.is_busy = false;
  EXPECT_EQ(sleeps.look_on(0s).first, Verdict::Innocent);
  EXPECT_EQ(sleeps.watch.next_look(), std::nullopt);
}

TEST(BrainWatch, AKeeperThatWasLateItselfTakesNoneOfItForTheBrains) {
  Watched stopped('T');
  for (int times = 0; times < 3; ++times) {
    stopped.now += 1h;  // everything was stopped
    EXPECT_EQ(stopped.watch.look(stopped.sight, stopped.now), Verdict::Suspect);
  }
}

TEST(BrainWatch, WithoutALimitNobodyIsSuspected) {
  BrainWatch watch{0s};
  watch.suspect(Sight{}, 1s);
  EXPECT_EQ(watch.next_look(), std::nullopt);
}

}  // namespace
}  // namespace actor::broker
