#include <gtest/gtest.h>

#include <actor/label.hpp>
#include <string>

namespace label_test {
struct Ping {};
struct Pong {
  int count = 0;
};
using Events = std::variant<Ping, Pong>;
enum class WeatherTopic { Reading, Frost };
struct MarketTopic {
  std::string symbol;
};
}  // namespace label_test

namespace actor {
namespace {

using namespace label_test;

TEST(Label, OfATypeOrAnEventIsItsName) {
  static_assert(label<Ping>() == "Ping");
  EXPECT_EQ(label_of(Pong{3}), "Pong");
  EXPECT_EQ(label_of(Events(Pong{3})), "Pong");
}

TEST(Label, OfATopicIsTheEnumeratorOrTheEvent) {
  EXPECT_EQ(label_of(WeatherTopic::Frost), "Frost");
  EXPECT_EQ(label_of(static_cast<WeatherTopic>(7)), "7");
  EXPECT_EQ(label_of(TypeTopic<Events>(of<Pong>)), "Pong");
  EXPECT_EQ(label_of(of<Ping>), "Ping");
  EXPECT_EQ(label_of(DefaultTopic{}), "default");
  EXPECT_EQ(label_of(MarketTopic{"AAPL"}), "MarketTopic");
}

}  // namespace
}  // namespace actor
