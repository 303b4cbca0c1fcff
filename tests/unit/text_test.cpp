#include <gtest/gtest.h>

#include <actor/text.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace text_test {

enum class Unit : std::uint8_t { Celsius, Kelvin };
struct Temperature {
  double celsius = 0;
};
struct Reading {
  Unit unit = Unit::Celsius;
  int number = 0;
  std::optional<float> drift;
  bool valid = false;
};
struct Point {
  int x = 0;
  int y = 0;
};
struct Circle {
  Point centre;
  unsigned char radius = 0;
};
struct Shape {
  std::variant<Point, Circle, int> what;
};
struct Everything {
  char grade = 'a';
  std::string text;
  std::vector<std::string> stations;
  std::array<bool, 2> flags{};
  int grid[2][2] = {};
  std::vector<bool> bits;
  std::pair<int, std::string> pair;
  std::map<std::string, Point> points;
  std::set<int> numbers;
};
struct Times {
  std::chrono::milliseconds timeout{};
  std::chrono::hours age{};
  std::chrono::duration<int, std::ratio<1, 3>> thirds{};
  std::chrono::system_clock::time_point at;
  std::chrono::steady_clock::time_point since;
};
struct Tree {
  int value = 0;
  std::vector<Tree> branches;
};
struct Answer {
  actor::ActorId who;
  actor::EventId question;
};
class Secret {  // brings its own code and cannot be printed
 public:
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value_);
  }

 private:
  int value_ = 0;
};
struct Sealed {
  Secret secret;
};
struct Nothing {};
using Events = std::variant<Temperature, Reading, Nothing>;

}  // namespace text_test

namespace text_test_printed {
struct Note {
  std::string text;
};
using actor::printing::operator<<;
}  // namespace text_test_printed

namespace actor {
namespace {

using namespace text_test;
using namespace std::chrono_literals;

TEST(Text, OfAnEventIsItsLabelAndItsFields) {
  EXPECT_EQ(to_text(Temperature{21.5}), "Temperature{celsius=21.5}");
  EXPECT_EQ(to_text(Reading{Unit::Kelvin, -3, 0.5f, true}), "Reading{unit=Kelvin, number=-3, drift=0.5, valid=true}");
  EXPECT_EQ(to_text(Reading{static_cast<Unit>(9), 0, {}, false}), "Reading{unit=9, number=0, drift=none, valid=false}");
  EXPECT_EQ(to_text(Nothing{}), "Nothing{}");
  EXPECT_EQ(to_text(Events(Temperature{-0.25})), "Temperature{celsius=-0.25}") << "a variant is the event it holds";
}

TEST(Text, NamesNestedStructsOnlyWhereSeveralArePossible) {
  EXPECT_EQ(to_text(Circle{{1, 2}, 3}), "Circle{centre={x=1, y=2}, radius=3}");
  EXPECT_EQ(to_text(Shape{Circle{{1, 2}, 3}}), "Shape{what=Circle{centre={x=1, y=2}, radius=3}}");
  EXPECT_EQ(to_text(Shape{7}), "Shape{what=7}");
  EXPECT_EQ(to_text(Tree{1, {{2, {}}, {3, {}}}}),
            "Tree{value=1, branches=[{value=2, branches=[]}, {value=3, branches=[]}]}");
}

TEST(Text, CoversEveryKindOfField) {
  const Everything event{'"',           "a \"b\"\n\x01", {"roof", "cellar"}, {true, false}, {{1, 2}, {3, 4}},
                         {true, false}, {5, "five"},     {{"p", {6, 7}}},    {9, 8}};
  EXPECT_EQ(
      to_text(event),
      "Everything{grade='\"', text=\"a \\\"b\\\"\\n\\x01\", stations=[\"roof\", \"cellar\"], flags=[true, false], "
      "grid=[[1, 2], [3, 4]], bits=[true, false], pair=(5, \"five\"), points={\"p\": {x=6, y=7}}, "
      "numbers={8, 9}}");
}

TEST(Text, WritesTimesWithTheirUnits) {
  Times times{250ms, 2h, std::chrono::duration<int, std::ratio<1, 3>>(7), {}, {}};
  times.at = std::chrono::system_clock::time_point(1'700'000'000s + 250ms);
  times.since = std::chrono::steady_clock::time_point(5ns);
  EXPECT_EQ(to_text(times), "Times{timeout=250ms, age=2h, thirds=7[1/3]s, at=2023-11-14T22:13:20.25Z, since=5ns}");
  times.at = std::chrono::system_clock::time_point(-1ns);
  EXPECT_NE(to_text(times).find("at=1969-12-31T23:59:59.999999999Z"), std::string::npos);
}

TEST(Text, PrintsIdsAsPeopleKnowThem) {
  EXPECT_EQ(to_text(Answer{ActorId("cpu"), {0x7f, 12}}), "Answer{who=cpu, question=000000000000007f000000000000000c}");
}

TEST(Text, OfWhatCannotBePrintedIsItsName) {
  EXPECT_EQ(to_text(Sealed{}), "Sealed{secret=Secret}");
}

TEST(Text, CutsWhatIsLongAndSaysHowMuchIsMissing) {
  Everything event;
  event.text = std::string(1000, 'x');
  event.stations.assign(100, "s");
  const std::string text = to_text(event);
  EXPECT_NE(text.find(std::string(256, 'x') + "\"... 744 more"), std::string::npos) << text;
  EXPECT_NE(text.find("\"s\", \"s\"... 68 more]"), std::string::npos) << text;
  event.text = std::string(255, 'x') + "\xc3\xa9" + "y";
  EXPECT_NE(to_text(event).find("x\"... 3 more"), std::string::npos) << "no character is cut in two";
}

TEST(Text, OfAnEventWhoseTypeIsKnownAtRunTimeOnly) {
  const Temperature event{21.5};
  EXPECT_EQ(to_text(event_type<Temperature>(), &event), "Temperature{celsius=21.5}");
}

TEST(Text, IsWhatANamespaceThatAsksForItPrints) {
  std::ostringstream out;
  out << text_test_printed::Note{"hello"};
  EXPECT_EQ(out.str(), "Note{text=\"hello\"}");
  EXPECT_EQ(testing::PrintToString(text_test_printed::Note{"hello"}), "Note{text=\"hello\"}");
}

}  // namespace
}  // namespace actor
