// How long an idle actor looks for events, on a clock of the test's own.

#include <gtest/gtest.h>

#include <core/spin_budget.hpp>
#include <functional>

namespace actor {
namespace {

using namespace std::chrono_literals;

class SpinBudgetTest : public testing::Test {
 protected:
  /// How long it looks when nothing comes, each look taking `each`. Then it sleeps for `asleep`.
  std::chrono::nanoseconds look(SpinBudget& budget, std::chrono::nanoseconds asleep,
                                std::chrono::nanoseconds each = 50ns) {
    const auto start = now_;
    while (budget.goes_on(clock_)) now_ += each;
    const auto looked = now_ - start;
    now_ += asleep;
    budget.woke(clock_);
    return looked;
  }
  /// An event comes while it looks, or else soon after it has gone to sleep.
  void event_comes_soon(SpinBudget& budget) {
    if (budget.goes_on(clock_)) return budget.found();
    now_ += 5us;
    budget.woke(clock_);
  }

  SpinBudget::Clock::time_point now_{1h};
  std::function<SpinBudget::Clock::time_point()> clock_ = [this] { return now_; };
};

TEST_F(SpinBudgetTest, OnOneCoreItSleepsAtOnce) {
  for (const Latency latency : {Latency::Low, Latency::Balanced, Latency::PowerSave}) {
    SpinBudget budget = SpinBudget::adaptive(latency, 1);
    EXPECT_EQ(look(budget, 1us), 0ns);
  }
}

TEST_F(SpinBudgetTest, ToSavePowerItSleepsAtOnce) {
  SpinBudget budget = SpinBudget::adaptive(Latency::PowerSave, 8);
  EXPECT_EQ(look(budget, 1us), 0ns);
}

TEST_F(SpinBudgetTest, ItLooksForLongerWhereAnsweringSoonCounts) {
  SpinBudget balanced = SpinBudget::adaptive(Latency::Balanced, 2);
  SpinBudget low = SpinBudget::adaptive(Latency::Low, 2);
  const auto short_look = look(balanced, 1us);
  EXPECT_GE(short_look, 20us);
  EXPECT_GE(look(low, 1us), 10 * short_look);
}

TEST_F(SpinBudgetTest, ItStopsLookingWhereEventsComeTooLateAndBeginsAgainWhereTheyComeSoon) {
  SpinBudget budget = SpinBudget::adaptive(Latency::Balanced, 2);
  int looks = 0;
  while (look(budget, 1ms) != 0ns) ASSERT_LT(++looks, 100);
  EXPECT_GE(looks, 2) << "one late event is no reason";
  EXPECT_FALSE(budget.spins());
  int events = 0;
  for (; !budget.spins(); ++events) {
    ASSERT_LT(events, 100);
    event_comes_soon(budget);
  }
  EXPECT_GE(events, 2);
}

TEST_F(SpinBudgetTest, ItStopsLookingWhenItsCoreIsTakenAway) {
  SpinBudget budget = SpinBudget::adaptive(Latency::Low, 2);
  EXPECT_GT(look(budget, 1us), 100us);
  look(budget, 1us, 10us);  // 32 looks took 320 us
  EXPECT_FALSE(budget.spins());
}

TEST_F(SpinBudgetTest, AFixedBudgetIsSpentWhetherItPaysOrNot) {
  SpinBudget budget = SpinBudget::fixed(1ms);
  for (int i = 0; i < 20; ++i) EXPECT_GE(look(budget, 1s, 10us), 1ms);
  SpinBudget none = SpinBudget::fixed(0ns);
  EXPECT_EQ(look(none, 1us), 0ns);
}

}  // namespace
}  // namespace actor
