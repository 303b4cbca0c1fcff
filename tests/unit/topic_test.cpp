#include <gtest/gtest.h>

#include <actor/subscribe.hpp>
#include <actor/topic.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace topic_test::weather {
struct Temperature {
  double celsius;
};
struct Alert {
  std::string text;
};
using Events = std::variant<Temperature, Alert>;
enum class WeatherTopic { Reading, Frost, Alert };
constexpr WeatherTopic topic_of(const Temperature& event) {
  return event.celsius < 0 ? WeatherTopic::Frost : WeatherTopic::Reading;
}
constexpr WeatherTopic topic_of(const Alert&) {
  return WeatherTopic::Alert;
}
constexpr actor::OverflowPolicy overflow_policy(WeatherTopic topic) {
  return topic == WeatherTopic::Alert ? actor::OverflowPolicy::block() : actor::OverflowPolicy::drop_oldest();
}
constexpr bool is_latched(WeatherTopic topic) {
  return topic == WeatherTopic::Frost;
}
}  // namespace topic_test::weather

namespace topic_test::ping {
struct Ping {};
struct Pong {
  int count;
};
using Events = std::variant<Ping, Pong>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Pong>) {
  return actor::OverflowPolicy::block_for(250ms);
}
constexpr bool is_latched(actor::Of<Ping>) {
  return true;
}
}  // namespace topic_test::ping

namespace topic_test::market {
enum class Side { Bid, Ask };
struct Level {
  int depth;
  std::optional<Side> side;
};
struct MarketTopic {
  std::string symbol;
  Level level;
  bool live;
};
struct Tick {
  std::string symbol;
  int depth;
};
using Events = std::variant<Tick>;
inline MarketTopic topic_of(const Tick& tick) {
  return {tick.symbol, {tick.depth, Side::Ask}, true};
}
inline actor::OverflowPolicy overflow_policy(const MarketTopic& topic) {
  return topic.level.depth == 0 ? actor::OverflowPolicy::drop() : actor::OverflowPolicy::fail();
}
}  // namespace topic_test::market

namespace topic_test::whole {
struct A {};
struct B {};
using Events = std::variant<A, B>;
enum class Half { First, Second };
constexpr Half topic_of(const Events& events) {
  return events.index() == 0 ? Half::First : Half::Second;
}
}  // namespace topic_test::whole

namespace topic_test::one {
struct A {};
struct B {};
using Events = std::variant<A, B>;
constexpr actor::DefaultTopic topic_of(const auto&) {
  return {};
}
}  // namespace topic_test::one

namespace topic_test::single {
struct Only {};
struct A {};
using Events = std::variant<A>;
constexpr Only topic_of(const auto&) {
  return {};
}
constexpr actor::OverflowPolicy overflow_policy(Only) {
  return actor::OverflowPolicy::drop();
}
}  // namespace topic_test::single

// Outside the events' namespace, so never found.
constexpr int topic_of(const auto&) {
  return 0;
}

namespace actor {
namespace {

using namespace topic_test;
using weather::WeatherTopic;

TEST(Topic, FollowsTheEventsValue) {
  static_assert(std::is_same_v<topic_type<weather::Events>, WeatherTopic>);
  static_assert(topic_for<weather::Events>(weather::Temperature{20}) == WeatherTopic::Reading);
  static_assert(topic_for<weather::Events>(weather::Temperature{-1}) == WeatherTopic::Frost);
  EXPECT_EQ(topic_for<weather::Events>(weather::Alert{"!"}), WeatherTopic::Alert);
}

TEST(Topic, WithoutTopicOfEachEventTypeIsItsOwn) {
  static_assert(std::is_same_v<topic_type<ping::Events>, TypeTopic<ping::Events>>);
  static_assert(topic_for<ping::Events>(ping::Pong{1}) == TypeTopic<ping::Events>(of<ping::Pong>));
  static_assert(topic_for<ping::Events>(ping::Pong{1}) == topic_for<ping::Events>(ping::Pong{2}), "by type, not value");
  EXPECT_EQ(topic_name(topic_for<ping::Events>(ping::Ping{})), "Ping");
}

TEST(Topic, TopicOfMayTakeTheVariantOrAnything) {
  static_assert(topic_for<whole::Events>(whole::B{}) == whole::Half::Second);
  static_assert(std::is_same_v<topic_type<one::Events>, DefaultTopic>);
  EXPECT_EQ(topic_name(topic_for<one::Events>(one::A{})), "default");
}

TEST(TopicName, OfAnEnum) {
  EXPECT_EQ(topic_name(WeatherTopic::Reading), "WeatherTopic.Reading");
  EXPECT_EQ(topic_name(static_cast<WeatherTopic>(9)), "WeatherTopic.9");
}

TEST(TopicName, OfAStruct) {
  EXPECT_EQ(topic_name(topic_for<market::Events>(market::Tick{"AAPL", 3})),
            "MarketTopic{symbol=AAPL,level={depth=3,side=Ask},live=true}");
  EXPECT_EQ(topic_name(market::MarketTopic{"", {0, {}}, false}),
            "MarketTopic{symbol=\"\",level={depth=0,side=},live=false}");
  EXPECT_EQ(topic_name(single::Only{}), "Only{}");
}

TEST(TopicName, PunctuationInStringsIsQuotedSoThatNamesDiffer) {
  const auto name = [](std::string symbol) {
    return topic_name(market::MarketTopic{std::move(symbol), {1, {}}, true});
  };
  EXPECT_EQ(name("a,b=\"c\"\\\n"), "MarketTopic{symbol=\"a,b=\\\"c\\\"\\\\\\x0a\",level={depth=1,side=},live=true}");
  EXPECT_NE(name("a"), name("a,level={depth=1"));
  EXPECT_EQ(name("EUR/USD"), "MarketTopic{symbol=EUR/USD,level={depth=1,side=},live=true}");
}

TEST(TopicPolicy, ComesFromTheFunctionBesideTheTopicOrIsFail) {
  static_assert(policy_of(WeatherTopic::Alert) == OverflowPolicy::block());
  static_assert(policy_of(WeatherTopic::Frost) == OverflowPolicy::drop_oldest());
  static_assert(policy_of(TypeTopic<ping::Events>(of<ping::Pong>)) == OverflowPolicy::block_for(250ms));
  static_assert(policy_of(TypeTopic<ping::Events>(of<ping::Ping>)) == OverflowPolicy::fail());
  static_assert(policy_of(whole::Half::First) == OverflowPolicy::fail());
  EXPECT_EQ(policy_of(market::MarketTopic{"x", {0, {}}, true}), OverflowPolicy::drop());
  EXPECT_EQ(policy_of(DefaultTopic{}), OverflowPolicy::fail());
}

TEST(TopicLatch, ComesFromTheFunctionBesideTheTopicOrIsNone) {
  static_assert(is_latched_topic(WeatherTopic::Frost));
  static_assert(!is_latched_topic(WeatherTopic::Alert));
  static_assert(is_latched_topic(TypeTopic<ping::Events>(of<ping::Ping>)));
  static_assert(!is_latched_topic(TypeTopic<ping::Events>(of<ping::Pong>)));
  static_assert(!is_latched_topic(DefaultTopic{}));
}

TEST(KnownTopics, AreAllThatCanBeToldBeforehand) {
  using Decls = std::vector<TopicDecl>;
  EXPECT_EQ(known_topics<weather::Events>(), (Decls{{"WeatherTopic.Reading", OverflowPolicy::drop_oldest()},
                                                    {"WeatherTopic.Frost", OverflowPolicy::drop_oldest(), true},
                                                    {"WeatherTopic.Alert", OverflowPolicy::block()}}));
  EXPECT_EQ(known_topics<ping::Events>(),
            (Decls{{"Ping", OverflowPolicy::fail(), true}, {"Pong", OverflowPolicy::block_for(250ms)}}));
  EXPECT_EQ(known_topics<one::Events>(), (Decls{{"default", OverflowPolicy::fail()}}));
  EXPECT_EQ(known_topics<single::Events>(), (Decls{{"Only{}", OverflowPolicy::drop()}}));
  EXPECT_TRUE(known_topics<market::Events>().empty()) << "a struct has as many topics as values";
}

TEST(TopicMap, FindsWhatWasInserted) {
  TopicMap<WeatherTopic> map;
  EXPECT_EQ(map.find(WeatherTopic::Alert), nullptr);
  map.insert(WeatherTopic::Alert, 7);
  map.insert(WeatherTopic::Reading, 0);
  ASSERT_NE(map.find(WeatherTopic::Alert), nullptr);
  EXPECT_EQ(*map.find(WeatherTopic::Alert), 7);
  EXPECT_EQ(*map.find(WeatherTopic::Reading), 0);
  EXPECT_EQ(map.find(WeatherTopic::Frost), nullptr);
  map.insert(WeatherTopic::Alert, 8);
  EXPECT_EQ(*map.find(WeatherTopic::Alert), 8);
}

TEST(TopicMap, TakesEnumeratorsOfAnySize) {
  TopicMap<WeatherTopic> map;
  const WeatherTopic values[] = {static_cast<WeatherTopic>(-1), static_cast<WeatherTopic>(1023),
                                 static_cast<WeatherTopic>(1024), static_cast<WeatherTopic>(1 << 30)};
  for (std::uint16_t i = 0; i < 4; ++i) {
    EXPECT_EQ(map.find(values[i]), nullptr);
    map.insert(values[i], i);
  }
  for (std::uint16_t i = 0; i < 4; ++i) {
    ASSERT_NE(map.find(values[i]), nullptr);
    EXPECT_EQ(*map.find(values[i]), i);
  }
  EXPECT_EQ(map.find(static_cast<WeatherTopic>(1025)), nullptr);
}

TEST(TopicMap, ComparesStructTopicsFieldByField) {
  TopicMap<market::MarketTopic> map;
  map.insert({"AAPL", {1, market::Side::Bid}, true}, 1);
  map.insert({"AAPL", {1, std::nullopt}, true}, 2);
  EXPECT_EQ(*map.find({"AAPL", {1, market::Side::Bid}, true}), 1);
  EXPECT_EQ(*map.find({"AAPL", {1, std::nullopt}, true}), 2);
  EXPECT_EQ(map.find({"AAPL", {1, market::Side::Ask}, true}), nullptr);
  EXPECT_EQ(map.find({"AAPL", {2, market::Side::Bid}, true}), nullptr);
  EXPECT_EQ(map.find({"IBM", {1, market::Side::Bid}, true}), nullptr);
  EXPECT_EQ(map.find({"AAPL", {1, market::Side::Bid}, false}), nullptr);
}

TEST(TopicMap, HoldsTypeTopicsAndTheDefaultTopic) {
  TopicMap<TypeTopic<ping::Events>> types;
  types.insert(of<ping::Pong>, 3);
  EXPECT_EQ(types.find(of<ping::Ping>), nullptr);
  EXPECT_EQ(*types.find(of<ping::Pong>), 3);
  TopicMap<DefaultTopic> one_topic;
  EXPECT_EQ(one_topic.find({}), nullptr);
  one_topic.insert({}, 5);
  EXPECT_EQ(*one_topic.find({}), 5);
}

TEST(OverflowPolicy, ReadsWhatItWrites) {
  for (const OverflowPolicy policy :
       {OverflowPolicy::fail(), OverflowPolicy::drop(), OverflowPolicy::drop_oldest(), OverflowPolicy::block(),
        OverflowPolicy::block_for(250ms), OverflowPolicy::block_for(1ns), OverflowPolicy::block_for(3s),
        OverflowPolicy::block_for(std::chrono::nanoseconds::max())}) {
    EXPECT_EQ(OverflowPolicy::parse(to_string(policy)), policy) << to_string(policy);
  }
  EXPECT_EQ(to_string(OverflowPolicy::block_for(1500ms)), "block:1500ms");
  EXPECT_EQ(to_string(OverflowPolicy::block_for(2000ms)), "block:2s");
  EXPECT_EQ(to_string(OverflowPolicy::drop_oldest()), "drop-oldest");
}

TEST(OverflowPolicy, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"", "Fail", "block:", "block:5", "block:-5ms", "block:0ms", "block:5m", "block:5msx",
                           "block:99999999999999999999s", "block:9999999999999s", "drop oldest", "drop:5ms"}) {
    EXPECT_EQ(OverflowPolicy::parse(text), std::nullopt) << text;
  }
}

// What add_actor takes.
std::vector<std::string> names(const Subscribe& subscribe) {
  return subscribe.names();
}
using Names = std::vector<std::string>;

TEST(Subscribe, IsBuiltFromATopicOrAList) {
  EXPECT_EQ(names(WeatherTopic::Alert), Names{"WeatherTopic.Alert"});
  EXPECT_EQ(names({WeatherTopic::Alert}), Names{"WeatherTopic.Alert"});
  EXPECT_EQ(names({WeatherTopic::Alert, WeatherTopic::Frost}), (Names{"WeatherTopic.Alert", "WeatherTopic.Frost"}));
  EXPECT_EQ(names({of<ping::Ping>, of<ping::Pong>}), (Names{"Ping", "Pong"}));
  EXPECT_EQ(names(DefaultTopic{}), Names{"default"});
  EXPECT_EQ(names({market::MarketTopic{"X", {1, {}}, true}}),
            Names{"MarketTopic{symbol=X,level={depth=1,side=},live=true}"});
  EXPECT_EQ(names(Subscribe::to(WeatherTopic::Alert, of<ping::Ping>)), (Names{"WeatherTopic.Alert", "Ping"}));
  EXPECT_EQ(names(Subscribe::named({"a", "b", "a"})), (Names{"a", "b"})) << "each once";
}

TEST(Subscribe, AllAndNone) {
  EXPECT_TRUE(Subscribe::all().is_all());
  EXPECT_TRUE(Subscribe::all().includes("anything"));
  EXPECT_TRUE(Subscribe::none().is_none());
  EXPECT_TRUE(Subscribe({}).is_none());
  EXPECT_FALSE(Subscribe::none().includes("anything"));
  const Subscribe alerts = WeatherTopic::Alert;
  EXPECT_FALSE(alerts.is_all() || alerts.is_none());
  EXPECT_TRUE(alerts.includes("WeatherTopic.Alert"));
  EXPECT_FALSE(alerts.includes("WeatherTopic.Frost"));
  EXPECT_EQ(Subscribe::to(), Subscribe::none());
}

}  // namespace
}  // namespace actor
