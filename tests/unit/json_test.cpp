// Events as JSON and back.
#include <gtest/gtest.h>

#include <actor/error.hpp>
#include <actor/json.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

namespace json_test {

using namespace actor;
using namespace std::chrono_literals;

enum class Unit : std::uint8_t { Celsius, Kelvin = 3 };
enum class Switch : bool { Off, On };
struct Point {
  int x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct Circle {
  Point centre;
  double radius = 0;
  friend bool operator==(const Circle&, const Circle&) = default;
};
using FrameTicks = std::chrono::duration<std::int64_t, std::ratio<1, 30>>;
struct Everything {
  bool sure = false;
  char letter = 'a';
  std::int8_t small = 0;
  std::uint64_t large = 0;
  float single = 0;
  double number = 0;
  Unit unit = Unit::Celsius;
  Switch power = Switch::Off;
  std::string text;
  char name[8] = {};
  std::vector<char> letters;
  std::array<int, 3> triple{};
  int grid[2][2] = {};
  std::vector<Point> points;
  std::vector<bool> bits;
  std::optional<Point> maybe;
  std::optional<std::optional<int>> twice;
  std::variant<std::monostate, int, std::string, Circle> shape;
  std::variant<int, int> same;
  std::pair<Point, bool> pair;
  std::tuple<int, std::string, double> three;
  std::map<std::string, std::vector<int>> by_name;
  std::map<int, std::string> by_number;
  std::multimap<std::string, int> several;
  std::set<std::string> tags;
  std::chrono::milliseconds delay{};
  std::chrono::duration<double> seconds{};
  FrameTicks frames{};
  std::chrono::system_clock::time_point when;
  std::chrono::time_point<std::chrono::system_clock, std::chrono::hours> hour;
  std::chrono::steady_clock::time_point tick;
  ActorId actor;
  EventId event;
  friend bool operator==(const Everything&, const Everything&) = default;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
  friend bool operator==(const Tree&, const Tree&) = default;
};
struct Nothing {
  friend bool operator==(const Nothing&, const Nothing&) = default;
};
/// Has code of its own.
struct Account {
  int balance = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(balance);
  }
  friend bool operator==(const Account&, const Account&) = default;
};
struct Owned {
  std::string owner;
  Account account;
  friend bool operator==(const Owned&, const Owned&) = default;
};

Everything full() {
  Everything event;
  event.sure = true;
  event.letter = '"';
  event.small = -128;
  event.large = std::numeric_limits<std::uint64_t>::max();
  event.single = 0.1F;
  event.number = 1.0 / 3;
  event.unit = Unit::Kelvin;
  event.power = Switch::On;
  event.text = "two\nlines, \"quotes\", \\ and \x01 and Grüße";
  std::copy_n("ab", 2, event.name);
  event.letters = {'x', '\0', 'y'};
  event.triple = {1, -2, 3};
  event.grid[1][0] = 7;
  event.points = {{1, 2}, {3, 4}};
  event.bits = {true, false, true};
  event.maybe = Point{5, 6};
  event.twice.emplace();
  event.shape = Circle{{1, 1}, 2.5};
  event.same.emplace<1>(9);
  event.pair = {{7, 8}, true};
  event.three = {1, "two", 3.0};
  event.by_name = {{"a", {1}}, {"b \"c\"", {}}};
  event.by_number = {{-1, "minus"}, {2, "two"}};
  event.several = {{"k", 1}, {"k", 2}};
  event.tags = {"red", "green"};
  event.delay = -250ms;
  event.seconds = std::chrono::duration<double>(1.5);
  event.frames = FrameTicks(7);
  event.when = std::chrono::system_clock::time_point(1763841353123456789ns);
  event.hour += std::chrono::hours(489956);
  event.tick += 42ns;
  event.actor = ActorId("alerter");
  event.event = {0xc0ffee, 17};
  return event;
}

TEST(Json, AnEventIsWrittenByTheNamesOfItsFields) {
  EXPECT_EQ(to_json(full()),
            R"({"sure":true,"letter":"\"","small":-128,"large":18446744073709551615,"single":0.1,)"
            R"("number":0.3333333333333333,"unit":"Kelvin","power":"On",)"
            R"("text":"two\nlines, \"quotes\", \\ and \u0001 and Grüße","name":"ab","letters":"x\u0000y",)"
            R"("triple":[1,-2,3],"grid":[[0,0],[7,0]],"points":[{"x":1,"y":2},{"x":3,"y":4}],"bits":[true,false,true],)"
            R"("maybe":{"x":5,"y":6},"twice":[null],"shape":{"Circle":{"centre":{"x":1,"y":1},"radius":2.5}},)"
            R"("same":{"1":9},"pair":[{"x":7,"y":8},true],"three":[1,"two",3],"by_name":{"a":[1],"b \"c\"":[]},)"
            R"("by_number":[[-1,"minus"],[2,"two"]],"several":[["k",1],["k",2]],"tags":["green","red"],)"
            R"("delay":"-250ms","seconds":"1.5s","frames":"7[1/30]s","when":"2025-11-22T19:55:53.123456789Z",)"
            R"("hour":"2025-11-22T20:00:00Z","tick":"42ns","actor":"alerter",)"
            R"("event":"0000000000c0ffee0000000000000011"})");
}

TEST(Json, WhatIsReadBackIsEqual) {
  EXPECT_EQ(from_json<Everything>(to_json(full())), full());
  EXPECT_EQ(from_json<Everything>(to_json(Everything{})), Everything{});
  EXPECT_EQ(from_json<Nothing>(to_json(Nothing{})), Nothing{});
  const Tree tree{1, {{2, {}}, {3, {{4, {}}}}}};
  EXPECT_EQ(from_json<Tree>(to_json(tree)), tree);
  const Owned owned{"me", {12}};
  EXPECT_EQ(to_json(owned), R"({"owner":"me","account":{"hex":"0c000000"}})");
  EXPECT_EQ(from_json<Owned>(to_json(owned)), owned);
}

TEST(Json, ReadingReplacesWhatWasThere) {
  Everything event = full();
  from_json(to_json(Everything{}), event_type<Everything>(), &event);
  EXPECT_EQ(event, Everything{});
}

TEST(Json, TextThatIsNoUtf8IsWrittenAsHex) {
  for (const std::string text : {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", "\xf5\x80\x80\x80"}) {
    Everything event;
    event.text = text;
    event.by_name = {{text, {1}}};
    std::copy(text.begin(), text.end(), event.name);
    const std::string json = to_json(event);
    EXPECT_NE(json.find(R"("text":{"hex":")"), std::string::npos) << json;
    EXPECT_EQ(from_json<Everything>(json), event) << json;
  }
}

TEST(Json, EveryNumberComesBackExactly) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  const auto same = [](double a, double b) {
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
  };
  for (int i = 0; i < 20000; ++i) {
    Everything event;
    const std::uint64_t bits = random();
    std::memcpy(&event.number, &bits, sizeof bits);
    std::memcpy(&event.single, &bits, sizeof event.single);
    event.seconds = std::chrono::duration<double>(event.number);
    event.large = bits;
    event.small = static_cast<std::int8_t>(bits);
    event.letter = static_cast<char>(bits);
    event.unit = static_cast<Unit>(bits);
    event.when = std::chrono::system_clock::time_point(std::chrono::nanoseconds(static_cast<std::int64_t>(bits)));
    const auto back = from_json<Everything>(to_json(event));
    ASSERT_TRUE(same(back.number, event.number)) << to_json(event);
    ASSERT_TRUE(same(back.single, event.single)) << to_json(event);
    ASSERT_TRUE(same(back.seconds.count(), event.seconds.count())) << to_json(event);
    ASSERT_EQ(back.large, event.large);
    ASSERT_EQ(back.small, event.small);
    ASSERT_EQ(back.letter, event.letter);
    ASSERT_EQ(back.unit, event.unit);
    ASSERT_EQ(back.when, event.when) << to_json(event);
  }
  for (const double value :
       {0.0, -0.0, HUGE_VAL, -HUGE_VAL, std::nan(""), 5e-324, 1e308, 1e22, 12345678901234567000.0}) {
    Everything event;
    event.number = value;
    event.single = static_cast<float>(value);
    const auto back = from_json<Everything>(to_json(event));
    EXPECT_TRUE(same(back.number, event.number)) << to_json(event);
    EXPECT_TRUE(same(back.single, event.single)) << to_json(event);
  }
}

std::string complaint(const std::function<void()>& reads) {
  try {
    reads();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Incompatible);
    return error.what();
  }
  return "nothing";
}

TEST(Json, AComplaintSaysWhereWhatWasExpectedAndWhatWasFound) {
  const auto of_circle = [](std::string_view json) { return complaint([&] { from_json<Circle>(json); }); };
  const std::string reading = "reading a json_test::Circle from JSON: ";
  EXPECT_EQ(of_circle(R"({"centre":{"x":1,"y":"up"},"radius":1})"),
            reading + "centre.y: expected an integer from -2147483648 to 2147483647, found \"up\"");
  EXPECT_EQ(of_circle(R"({"centre":{"x":1},"radius":1})"), reading + "centre: expected a field y, found {\"x\":1}");
  EXPECT_EQ(of_circle(R"({"centre":{"x":1,"y":2,"z":3},"radius":1})"),
            reading + "centre: expected the fields x, y and no z, found {\"x\":1,\"y\":2,\"z\":3}");
  EXPECT_EQ(of_circle(R"([1])"), reading + "expected an object with the fields centre, radius, found [1]");
  EXPECT_EQ(of_circle(R"({"centre":{"x":1,"y":2147483648},"radius":1})"),
            reading + "centre.y: expected an integer from -2147483648 to 2147483647, found 2147483648");
  EXPECT_EQ(of_circle("{").substr(0, reading.size() + 16), reading + "this is no JSON:");
}

TEST(Json, EveryFieldIsChecked) {
  const std::string good = to_json(full());
  const auto refused = [&](std::string_view from, std::string_view to) {
    std::string json = good;
    const std::size_t at = json.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    json.replace(at, from.size(), to);
    EXPECT_NE(complaint([&] { from_json<Everything>(json); }), "nothing") << json;
  };
  refused(R"("sure":true)", R"("sure":1)");
  refused(R"("letter":"\"")", R"("letter":"ab")");
  refused(R"("small":-128)", R"("small":-129)");
  refused(R"("large":18446744073709551615)", R"("large":18446744073709551616)");
  refused(R"("large":18446744073709551615)", R"("large":-1)");
  refused(R"("unit":"Kelvin")", R"("unit":"Rankine")");
  refused(R"("unit":"Kelvin")", R"("unit":256)");
  refused(R"("name":"ab")", R"("name":"nine char")");
  refused(R"([1,-2,3])", R"([1,-2])");
  refused(R"("twice":[null])", R"("twice":[])");
  refused(R"({"Circle")", R"({"Square")");
  refused(R"({"Circle")", R"({"7")");
  refused(R"(["green","red"])", R"(["red","red"])");
  refused(R"([[-1,"minus"])", R"([[2,"minus"])");
  refused(R"("-250ms")", R"("-250us")");
  refused(R"("-250ms")", R"("1.5ms")");
  refused(R"("-250ms")", R"("ms")");
  refused(R"("2025-11-22T20:00:00Z")", R"("2025-11-22T20:00:01Z")");
  refused(R"("2025-11-22T20:00:00Z")", R"("yesterdayZ")");
  refused(R"("0000000000c0ffee0000000000000011")", R"("c0ffee")");
  std::string deep = R"({"value":1,"children":[)";
  for (int i = 0; i < 100000; ++i) deep += R"({"value":1,"children":[)";
  for (int i = 0; i <= 100000; ++i) deep += "]}";
  EXPECT_NE(complaint([&] { from_json<Tree>(deep); }).find("nest deeper"), std::string::npos);
}

TEST(Json, AnAlternativeMayGoByItsNumber) {
  std::string json = to_json(full());
  json.replace(json.find("\"Circle\""), 8, "\"3\"");
  EXPECT_EQ(from_json<Everything>(json), full());
}

// ---- by the schema alone ----

template <class T>
std::vector<std::byte> payload_of(const T& event) {
  std::vector<std::byte> bytes(event_type<T>().encoded_size(&event));
  event_type<T>().encode(&event, bytes);
  return bytes;
}
template <class T>
std::string by_schema(const T& event) {
  return json_of(event_type<T>().schema, payload_of(event));
}

struct Inner {
  std::uint8_t flag = 0;
  double value = 0;
  friend bool operator==(const Inner&, const Inner&) = default;
};
/// Travels as it lies in memory, padding included.
struct Raw {
  char code[3] = {};
  std::int16_t small = 0;
  Inner inner;
  std::array<Inner, 2> pair{};
  bool sure = false;
  Unit unit = Unit::Celsius;
  Nothing nothing;
  std::chrono::seconds delay{};
  std::chrono::system_clock::time_point when;
  EventId cause;
  float last = 0;
};
struct Stretched {
  std::uint32_t first = 0;
  alignas(8) std::uint32_t second = 0;
  std::uint64_t third = 0;
};

TEST(JsonOf, TheSchemaTellsWhatTheTypeTells) {
  std::string expected = to_json(full());
  expected.replace(expected.find("\"Circle\""), 8, "\"3\"");  // an alternative's number
  EXPECT_EQ(by_schema(full()), expected);
  expected = to_json(Everything{});
  expected.replace(expected.find("\"monostate\""), 11, "\"0\"");
  EXPECT_EQ(by_schema(Everything{}), expected);
  const Tree tree{1, {{2, {}}, {3, {{4, {}}}}}};
  EXPECT_EQ(by_schema(tree), to_json(tree));
  EXPECT_EQ(from_json<Everything>(by_schema(full())), full()) << "and it can be read back";
}

TEST(JsonOf, RawEventsAreReadWithTheirPadding) {
  static_assert(RawEvent<Raw>);
  Raw raw;
  std::copy_n("xy", 2, raw.code);
  raw.small = -7;
  raw.inner = {1, 2.5};
  raw.pair = {{{3, 4.5}, {5, -6}}};
  raw.sure = true;
  raw.unit = static_cast<Unit>(99);
  raw.delay = 5s;
  raw.when += 1763841353250ms;
  raw.cause = {1, 2};
  raw.last = 0.1F;
  EXPECT_EQ(by_schema(raw), to_json(raw));
}

TEST(BytesOf, GivesTheBytesThatTheJsonCameFrom) {
  const auto comes_back = [](const auto& event) {
    using Event = std::decay_t<decltype(event)>;
    const std::string json = by_schema(event);
    EXPECT_EQ(bytes_of(event_type<Event>().schema, json), payload_of(event)) << json;
  };
  comes_back(full());
  comes_back(Everything{});
  comes_back(Tree{1, {{2, {}}, {3, {{4, {}}}}}});
  Everything odd;
  odd.text = "\xff";
  odd.by_name = {{"\xff", {1}}};
  odd.number = -HUGE_VAL;
  odd.unit = static_cast<Unit>(200);
  comes_back(odd);
}

TEST(BytesOf, LaysRawEventsOutAsMemoryDoes) {
  Raw raw;
  std::copy_n("xy", 2, raw.code);
  raw.inner = {1, 2.5};
  raw.pair = {{{3, 4.5}, {5, -6}}};
  raw.unit = Unit::Kelvin;
  raw.cause = {1, 2};
  raw.when += 1763841353250ms;
  const auto bytes = bytes_of(event_type<Raw>().schema, to_json(raw));
  ASSERT_EQ(bytes.size(), sizeof(Raw));
  EXPECT_EQ(json_of(event_type<Raw>().schema, bytes), to_json(raw));
  // An object without members has one byte all the same, and nobody has said what is in it.
  EXPECT_EQ(bytes_of(event_type<Nothing>().schema, "{}"), std::vector<std::byte>(1));
}

TEST(BytesOf, AComplaintSaysWhereAndWhatWasExpected) {
  const auto of_circle = [](std::string_view json) {
    return complaint([&] { bytes_of(event_type<Circle>().schema, json); });
  };
  EXPECT_EQ(of_circle(R"({"centre":{"x":1,"y":"up"},"radius":1})"),
            "centre.y: expected an integer from -2147483648 to 2147483647, found \"up\"");
  EXPECT_EQ(of_circle(R"({"centre":{"x":1},"radius":1})"), "centre: expected a field y, found {\"x\":1}");
  EXPECT_EQ(of_circle("nonsense").substr(0, 15), "this is no JSON");
  EXPECT_NE(complaint([] { bytes_of(event_type<Owned>().schema, to_json(Owned{})); }).find("encoding of its own"),
            std::string::npos);
  EXPECT_NE(complaint([] { bytes_of("{a:array<char,4294967295>}", R"({"a":""})"); }).find("at most 256 MiB"),
            std::string::npos);
  EXPECT_NE(complaint([] { bytes_of("{a:enum E:string{On=1}}", R"({"a":1})"); }).find("a whole number's type"),
            std::string::npos);
  EXPECT_NE(complaint([] { bytes_of("{a:i8}", R"({"a":128})"); }).find("from -128 to 127"), std::string::npos);
  EXPECT_NE(complaint([] { bytes_of("{a:enum E:u8{On=1}}", R"({"a":"Off"})"); }).find("one of On"), std::string::npos);
}

TEST(JsonOf, RefusesWhatTheSchemaDoesNotTell) {
  EXPECT_NE(complaint([] { by_schema(Owned{}); }).find("json_test::Account has an encoding of its own"),
            std::string::npos);
  EXPECT_NE(complaint([] { by_schema(Stretched{}); }).find("expected fields that add up to 24 bytes"),
            std::string::npos);
}

TEST(JsonOf, BytesThatAreNoSuchEventAreRefused) {
  const auto bytes = payload_of(full());
  const std::string_view schema = event_type<Everything>().schema;
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_NE(complaint([&] { json_of(schema, std::span(bytes).first(size)); }), "nothing") << size;
  auto longer = bytes;
  longer.push_back(std::byte{});
  EXPECT_NE(complaint([&] { json_of(schema, longer); }).find("1 bytes are left over"), std::string::npos);
  std::vector<std::byte> deep;
  for (int i = 0; i < 1000; ++i) {
    for (const int byte : {1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0}) deep.push_back(static_cast<std::byte>(byte));
  }
  EXPECT_NE(complaint([&] { json_of(event_type<Tree>().schema, deep); }).find("nest deeper"), std::string::npos);
}

TEST(JsonOf, BytesThatWereChangedAreAnEventOrRefused) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  const auto good = payload_of(full());
  for (int i = 0; i < 20000; ++i) {
    auto bytes = good;
    for (int n = 0; n < 3; ++n) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    Everything event;
    const bool is_event = decode(bytes, event);
    const std::string what = complaint([&] { json_of(event_type<Everything>().schema, bytes); });
    ASSERT_TRUE(!is_event || what == "nothing") << what;
  }
}

TEST(JsonOf, ASchemaThatWasChangedIsReadOrRefused) {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937 random(seed);
  const std::string good(event_type<Everything>().schema);
  const auto bytes = payload_of(full());
  const std::string json = by_schema(full());
  for (int i = 0; i < 20000; ++i) {
    std::string schema = good;
    for (int n = 0; n < 2; ++n) schema[random() % schema.size()] = good[random() % good.size()];
    if (random() % 4 == 0) schema.resize(random() % schema.size());
    complaint([&] { json_of(schema, bytes); });
    complaint([&] { bytes_of(schema, json); });
  }
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "vector<";
  EXPECT_NE(complaint([&] { json_of(deep, {}); }).find("less nesting"), std::string::npos);
}

}  // namespace json_test
