#include <gtest/gtest.h>

#include <actor/schema.hpp>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace schema_test {

enum class Unit : std::uint8_t { Celsius, Kelvin = 3 };
struct Temperature {
  double celsius;
  Unit unit;
  bool sure;
};
struct Numbers {
  char c;
  std::int8_t i8;
  std::uint8_t u8;
  short i16;
  unsigned u32;
  long i64;
  unsigned long long u64;
  float f32;
};
struct Containers {
  std::string text;
  std::vector<float> samples;
  std::array<std::uint16_t, 4> fixed;
  char letters[16];
  std::optional<Temperature> maybe;
  std::variant<std::monostate, std::string, int> choice;
  std::pair<int, std::string> pair;
  std::tuple<int, bool> tuple;
  std::map<std::string, int> map;
  std::multimap<int, int> multimap;
  std::unordered_map<int, std::vector<std::string>> unordered;
  std::set<char> set;
};
struct Times {
  std::chrono::nanoseconds duration;
  std::chrono::hours hours;
  std::chrono::system_clock::time_point wall;
  std::chrono::steady_clock::time_point monotonic;
};
struct Tree {
  std::string name;
  std::vector<Tree> children;
};
struct Outer {
  struct Inner {
    std::vector<Outer> up;
    std::vector<Inner> same;
  };
  std::vector<Inner> inner;
};
class Own {
 public:
  template <class Archive>
  void serialize(Archive& archive) {
    archive(secret_);
  }

 private:
  int secret_ = 0;
};
struct HasOwn {
  Own own;
};
enum class Switch : bool { Off, On };
struct HasSwitch {
  Switch power;
};
struct Empty {};
struct alignas(32) Aligned {
  int value;
};
struct Plain {
  int value;
};

}  // namespace schema_test

namespace actor {
namespace {

using namespace schema_test;

TEST(Schema, RawStructsSayTheirLayout) {
  static_assert(schema_text<Temperature>() == "raw(16,8){celsius:f64,unit:enum Unit:u8{Celsius=0,Kelvin=3},sure:bool}");
  EXPECT_EQ(schema_text<HasSwitch>(), "raw(1,1){power:enum Switch:bool{Off=0,On=1}}");
  EXPECT_EQ(schema_text<Empty>(), "raw(1,1){}");
  EXPECT_EQ(schema_text<Aligned>(), "raw(32,32){value:i32}");
  EXPECT_EQ(schema_text<Plain>(), "raw(4,4){value:i32}");
}

TEST(Schema, NumbersAreSpelledBySignAndWidth) {
  EXPECT_EQ(schema_text<Numbers>(), "raw(40,8){c:char,i8:i8,u8:u8,i16:i16,u32:u32,i64:i64,u64:u64,f32:f32}");
}

TEST(Schema, ContainersAreSpelledWithoutTheStandardLibrarysInnerNames) {
  EXPECT_EQ(schema_text<Containers>(),
            "{text:string,samples:vector<f32>,fixed:array<u16,4>,letters:array<char,16>,"
            "maybe:optional<{celsius:f64,unit:enum Unit:u8{Celsius=0,Kelvin=3},sure:bool}>,"
            "choice:variant<{},string,i32>,pair:pair<i32,string>,tuple:tuple<i32,bool>,map:map<string,i32>,"
            "multimap:multimap<i32,i32>,unordered:unordered_map<i32,vector<string>>,set:set<char>}");
}

TEST(Schema, TimesCarryTheirTickAndClock) {
  EXPECT_EQ(schema_text<Times>(),
            "raw(32,8){duration:duration<i64,1/1000000000>,hours:duration<i64,3600/1>,"
            "wall:time_point<system,duration<i64,1/1000000000>>,"
            "monotonic:time_point<steady,duration<i64,1/1000000000>>}");
}

TEST(Schema, AStructInsideItselfIsABackReference) {
  EXPECT_EQ(schema_text<Tree>(), "{name:string,children:vector<^1>}");
  EXPECT_EQ(schema_text<Outer>(), "{inner:vector<{up:vector<^2>,same:vector<^1>}>}");
}

TEST(Schema, OwnCodeIsOpaque) {
  EXPECT_EQ(schema_text<Own>(), "opaque schema_test::Own");
  EXPECT_EQ(schema_text<HasOwn>(), "{own:opaque schema_test::Own}");
}

// Golden values: they travel between programs, so a change of theirs is a breaking change of the wire format.
TEST(SchemaHash, IsFnv1aOfNameAndSchema) {
  EXPECT_EQ(detail::fnv1a(""), 0xcbf29ce484222325u);
  EXPECT_EQ(detail::fnv1a("foobar"), 0x85944171f73967e8u);  // from the algorithm's published test vectors
  EXPECT_EQ(schema_hash<Plain>(), detail::fnv1a("schema_test::Plain raw(4,4){value:i32}"));
  static_assert(schema_hash<Plain>() != schema_hash<Aligned>());
}

TEST(SchemaHash, DiffersForTheSameFieldsUnderAnotherName) {
  EXPECT_NE(schema_hash("a::T", "{x:i32}"), schema_hash("b::T", "{x:i32}"));
  EXPECT_NE(schema_hash("a::T", "{x:i32}"), schema_hash("a::T", "{y:i32}"));
  EXPECT_EQ(schema_hash("a::T", "{x:i32}"), schema_hash("a::T", "{x:i32}"));
}

}  // namespace
}  // namespace actor
