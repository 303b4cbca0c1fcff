#include <gtest/gtest.h>

#include <actor/serialize.hpp>
#include <cereal/archives/binary.hpp>
#include <cereal/archives/json.hpp>
#include <chrono>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace serialize_test {

enum class Unit : std::uint8_t { Celsius, Kelvin };
enum class Switch : bool { Off, On };
struct Temperature {
  double celsius = 0;
  Unit unit = Unit::Celsius;
};
struct Tree {
  int value = 0;
  std::vector<Tree> branches;
};
class Own {
 public:
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
struct Everything {
  bool flag = false;
  char letter = 0;
  std::int64_t number = 0;
  Unit unit = Unit::Celsius;
  Unit unnamed = Unit::Celsius;
  Switch switched = Switch::Off;
  std::string text;
  std::array<int, 2> pair_of_numbers{};
  bool grid[2][2] = {};
  std::vector<Temperature> temperatures;
  std::vector<bool> bits;
  std::optional<std::string> some, none;
  std::variant<int, Temperature> choice;
  std::pair<int, std::string> pair;
  std::tuple<> nothing;
  std::map<std::string, Temperature> ordered;
  std::unordered_map<int, std::vector<int>> unordered;
  std::set<int> numbers;
  std::chrono::milliseconds timeout{};
  std::chrono::system_clock::time_point at;
  Tree tree;
  Own own;
  actor::ActorId who;
  actor::EventId which;
};
using Events = std::variant<Temperature, Everything>;
namespace old {
struct Temperature {
  float celsius = 0;
};
}  // namespace old
using Others = std::variant<old::Temperature>;
enum class WeatherTopic { Reading, Frost };
struct MarketTopic {
  std::string symbol;
  int depth = 0;
};

}  // namespace serialize_test

namespace actor {
namespace {

using namespace serialize_test;
using namespace std::chrono_literals;

struct Json {
  using Out = cereal::JSONOutputArchive;
  using In = cereal::JSONInputArchive;
};
struct Binary {
  using Out = cereal::BinaryOutputArchive;
  using In = cereal::BinaryInputArchive;
};

template <class Format, class T>
std::string saved(const T& value) {
  std::ostringstream out;
  {
    typename Format::Out archive(out);
    archive(value);
  }
  return out.str();
}
template <class Format, class T>
void load(const std::string& text, T&& value) {
  std::istringstream in(text);
  typename Format::In archive(in);
  archive(value);
}

Everything everything() {
  Everything e;
  e.flag = true;
  e.letter = 'x';
  e.number = -1'234'567'890'123;
  e.unit = Unit::Kelvin;
  e.unnamed = static_cast<Unit>(9);
  e.switched = Switch::On;
  e.text = "a \"b\"\n";
  e.pair_of_numbers = {3, 4};
  e.grid[1][0] = true;
  e.temperatures = {{21.5, Unit::Kelvin}, {-1, Unit::Celsius}};
  e.bits = {true, false, true};
  e.some = "text";
  e.choice = Temperature{5, Unit::Kelvin};
  e.pair = {7, "seven"};
  e.ordered = {{"a", {1, Unit::Celsius}}, {"b", {2, Unit::Kelvin}}};
  e.unordered = {{1, {2, 3}}, {4, {}}};
  e.numbers = {9, 8};
  e.timeout = 250ms;
  e.at = std::chrono::system_clock::time_point(1'700'000'000s);
  e.tree = {1, {{2, {}}, {3, {{4, {}}}}}};
  e.own.value = 11;
  e.who = ActorId("cpu");
  e.which = {0x7f, 12};
  return e;
}

OwnedEnvelope<Events> an_envelope(Events event) {
  OwnedEnvelope<Events> envelope{{{0x7f, 12}, {0x3c, 7}, ActorId("cpu"), {}, {}, true, true, 2, true}, "", {}};
  envelope.meta.wall_time = std::chrono::system_clock::time_point(1'700'000'000s + 1ns);
  envelope.meta.monotonic_time = std::chrono::steady_clock::time_point(5ns);
  envelope.topic = "Temperature";
  envelope.event = std::move(event);
  return envelope;
}

template <class Format>
class Serialize : public testing::Test {};
struct FormatNames {
  template <class Format>
  static std::string GetName(int) {
    return std::is_same_v<Format, Json> ? "Json" : "Binary";
  }
};
using Formats = testing::Types<Json, Binary>;
TYPED_TEST_SUITE(Serialize, Formats, FormatNames);

TYPED_TEST(Serialize, AnEnvelopeComesBackWithAllItsMeta) {
  for (const Events& event : {Events(Temperature{21.5, Unit::Kelvin}), Events(everything())}) {
    const auto envelope = an_envelope(event);
    OwnedEnvelope<Events> copy;
    load<TypeParam>(saved<TypeParam>(envelope), copy);
    EXPECT_EQ(copy, envelope);
    EXPECT_EQ(copy.meta, envelope.meta);
    EXPECT_EQ(copy.topic, envelope.topic);
  }
}

TYPED_TEST(Serialize, AnEventAloneComesBack) {
  const Everything event = everything();
  Everything copy;
  load<TypeParam>(saved<TypeParam>(archived(event)), archived(copy));
  EXPECT_TRUE(detail::same_value(copy, event)) << saved<Json>(archived(copy));
}

TYPED_TEST(Serialize, WhatWasThereIsReplaced) {
  const Everything empty;
  Everything copy = everything();
  load<TypeParam>(saved<TypeParam>(archived(empty)), archived(copy));
  EXPECT_TRUE(detail::same_value(copy, Everything{}));
}

TYPED_TEST(Serialize, IdsAndMetaComeBack) {
  const auto envelope = an_envelope(Temperature{});
  EventId id;
  ActorId who;
  Meta meta;
  load<TypeParam>(saved<TypeParam>(envelope.meta.id), id);
  load<TypeParam>(saved<TypeParam>(envelope.meta.sender), who);
  load<TypeParam>(saved<TypeParam>(envelope.meta), meta);
  EXPECT_EQ(id, envelope.meta.id);
  EXPECT_EQ(who, envelope.meta.sender);
  EXPECT_EQ(meta, envelope.meta);
}

TYPED_TEST(Serialize, TopicsComeBack) {
  TypeTopic<Events> topic(0);
  load<TypeParam>(saved<TypeParam>(TypeTopic<Events>(of<Everything>)), topic);
  EXPECT_EQ(topic, TypeTopic<Events>(of<Everything>));
  WeatherTopic weather{};
  load<TypeParam>(saved<TypeParam>(WeatherTopic::Frost), weather);
  EXPECT_EQ(weather, WeatherTopic::Frost);
  DefaultTopic only;
  load<TypeParam>(saved<TypeParam>(DefaultTopic{}), only);
  const MarketTopic market{"AAPL", 3};
  MarketTopic copy;
  load<TypeParam>(saved<TypeParam>(archived(market)), archived(copy));
  EXPECT_TRUE(detail::same_value(copy, market));
  EXPECT_THROW(load<TypeParam>(saved<TypeParam>(std::string("Unknown")), topic), Error);
}

TYPED_TEST(Serialize, OtherProgramsEventsAreRefusedInWords) {
  OwnedEnvelope<Others> other;
  const std::string text = saved<TypeParam>(an_envelope(Temperature{}));
  try {
    load<TypeParam>(text, other);
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Incompatible);
    EXPECT_NE(std::string(error.what()).find("serialize_test::Temperature"), std::string::npos) << error.what();
  }
}

TEST(SerializeJson, HasFieldsAndEnumeratorsByName) {
  const std::string json = saved<Json>(an_envelope(Temperature{21.5, Unit::Kelvin}));
  for (const char* part : {"\"sender\": \"cpu\"", "\"type\": \"serialize_test::Temperature\"", "\"celsius\": 21.5",
                           "\"unit\": \"Kelvin\"", "\"id\": \"000000000000007f000000000000000c\""}) {
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  }
}

TEST(SerializeJson, RefusesAnotherVersionOfAnEvent) {
  std::string json = saved<Json>(an_envelope(Temperature{}));
  const std::size_t last_digit = json.find_first_not_of("0123456789", json.find("\"schema\": ") + 10) - 1;
  json[last_digit] = json[last_digit] == '1' ? '2' : '1';
  OwnedEnvelope<Events> copy;
  try {
    load<Json>(json, copy);
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("another version"), std::string::npos) << error.what();
  }
}

TEST(SerializeJson, RefusesAnEnumeratorThatIsNone) {
  Temperature copy;
  std::string json = saved<Json>(archived(copy));
  json.replace(json.find("Celsius"), 7, "Rankine");
  EXPECT_THROW(load<Json>(json, archived(copy)), Error);
}

TEST(TopicNamed, FindsClosedTopicsByTheirWireNames) {
  EXPECT_EQ(topic_named<WeatherTopic>("WeatherTopic.Frost"), WeatherTopic::Frost);
  EXPECT_EQ(topic_named<WeatherTopic>("Frost"), std::nullopt);
  EXPECT_EQ(topic_named<TypeTopic<Events>>("Everything"), TypeTopic<Events>(of<Everything>));
  EXPECT_EQ(topic_named<DefaultTopic>("default"), DefaultTopic{});
  EXPECT_EQ(topic_named<DefaultTopic>("x"), std::nullopt);
}

}  // namespace
}  // namespace actor
