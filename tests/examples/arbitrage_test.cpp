// The arbitrage example's actors together, on virtual time: from quotes that the test sends to the trades that follow.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <actor/testing/googletest.hpp>
#include <actor/testing/harness.hpp>
#include <actor/testing/matchers.hpp>

#include "arbitrage/market.hpp"

namespace arbitrage {
namespace {

using namespace actor::testing;
using testing::Not;

/// Whom the test speaks for.
class Silent : public actor::Actor<MarketEvent> {};

template <class Venue>
void add_market(actor::Supervisor<MarketEvent>& supervisor) {
  supervisor.add_actor<Ledger>("ledger", {Market{"executor", pairs[0]}, Market{"executor", pairs[1]}});
  supervisor.add_actor<Executor>("executor", {Market{"finder", pairs[0]}, Market{"finder", pairs[1]}});
  supervisor.add_actor<Finder>("finder", {Market{venues[0], pairs[0]}, Market{venues[0], pairs[1]},
                                          Market{venues[1], pairs[0]}, Market{venues[1], pairs[1]}});
  for (const std::string& venue : venues) supervisor.add_actor<Venue>(venue, actor::Subscribe::none());
}

class ArbitrageActors : public testing::Test {
 protected:
  ArbitrageActors() {
    add_market<Silent>(supervisor_);
    supervisor_.start();
  }

  /// `venue` pays `bid` and takes 40 more. Returns when everything that follows has happened.
  actor::EventId quote(const std::string& venue, const std::string& pair, std::int64_t bid) {
    test_.record();
    const actor::EventId id = test_.send_as(venue, Quote{venue, pair, bid, bid + 40});
    test_.settle();
    return id;
  }

  actor::Supervisor<MarketEvent> supervisor_{actor::simulated(1)};
  Harness test_{supervisor_};
};

TEST_F(ArbitrageActors, TradeWhereOneVenueSellsForLessThanTheOtherPays) {
  EXPECT_THAT(test_.event(quote("zurich", "BTC/EUR", 1000)), Not(HasChild("Opportunity"))) << "there is only one venue";
  const auto id = quote("london", "BTC/EUR", 1140);
  EXPECT_THAT(test_.chain(id), ExactPath("london", "finder", "executor", "ledger"));
  EXPECT_THAT(test_.chain(id), HasExactEvents("Quote", "Opportunity", "Trade"));
  const auto trades = test_.events().get<Trade>();
  ASSERT_EQ(trades.size(), 1u);
  EXPECT_EQ(trades[0].buy_at, "zurich");
  EXPECT_EQ(trades[0].sell_at, "london");
  EXPECT_EQ(trades[0].gain, 1140 - 1040 - fees);
}

TEST_F(ArbitrageActors, LeaveAGainToTheOthersThatTheFeesWouldEat) {
  quote("zurich", "BTC/EUR", 1000);
  const auto id = quote("london", "BTC/EUR", 1040 + fees);
  EXPECT_THAT(test_.chain(id), HasExactEvents("Quote", "Opportunity"));
  EXPECT_THAT(test_.actor("ledger"), ReceivedEvents(0u));
  EXPECT_THAT(test_.chain(quote("london", "BTC/EUR", 1041 + fees)), HasEvents("Quote", "Trade"));
}

TEST_F(ArbitrageActors, SeeNoOpportunityInEqualPricesOrInPricesOfDifferentPairs) {
  quote("zurich", "BTC/EUR", 1000);
  EXPECT_THAT(test_.event(quote("london", "BTC/EUR", 1040)), Not(HasChild("Opportunity")));
  EXPECT_THAT(test_.event(quote("london", "ETH/EUR", 5000)), Not(HasChild("Opportunity")));
}

TEST_F(ArbitrageActors, ForgetAPriceThatIsNoMore) {
  quote("zurich", "BTC/EUR", 1000);
  quote("zurich", "BTC/EUR", 1100);
  EXPECT_THAT(test_.event(quote("london", "BTC/EUR", 1130)), Not(HasChild("Opportunity")));
}

TEST_F(ArbitrageActors, MakeATopicOfEachVenueAndPair) {
  test_.send_as("zurich", Quote{"zurich", "BTC/EUR", 1000, 1040});
  test_.send_as("london", Quote{"london", "ETH/EUR", 1000, 1040});
  test_.settle();
  EXPECT_THAT(test_.topic(Market{"zurich", "BTC/EUR"}), Reached("finder"));
  EXPECT_THAT(test_.topic("Market{speaker=london,pair=ETH/EUR}"), Reached("finder"));
  EXPECT_THAT(test_.topic(Market{"zurich", "ETH/EUR"}), Not(WasPublished()));
}

// The whole of it, as arbitrage.cpp runs it, in a hundred orders of events.
TEST(Arbitrage, TradesEveryGainAboveTheFeesAndEndsWhenAllHasClosed) {
  explore(100, [](std::uint64_t seed) {
    actor::Supervisor<MarketEvent> supervisor(actor::simulated(seed));
    Harness test(supervisor);
    add_market<Feed>(supervisor);
    supervisor.run();

    const auto worth_it = test.events().with_label("Opportunity").matching_event([](const Opportunity& found) {
      return found.gain > fees;
    });
    const auto trades = test.events().received_by("ledger").with_label("Trade");
    EXPECT_GT(trades.count(), 0u);
    EXPECT_EQ(trades.count(), worth_it.count());
    worth_it.for_each([&](const EventEntry& found) {
      EXPECT_THAT(test.event(found.id()), HasChild("Trade"));
      return true;
    });
    EXPECT_EQ(test.events().with_label("Quote").count(), 100 * venues.size() * pairs.size());
    EXPECT_THAT(test.actor("ledger"), IsStopped());
  });
}

}  // namespace
}  // namespace arbitrage
