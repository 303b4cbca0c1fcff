#include <gtest/gtest.h>

#include <actor/event.hpp>
#include <array>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace event_test {

enum class Unit : std::uint8_t { Celsius, Kelvin };
struct Flags {
  bool first;
  std::array<bool, 3> more;
  bool grid[2][2];
};
struct Temperature {
  double celsius;
  Unit unit;
};
struct LongArray {
  bool flag;
  double samples[1000];
  int tail;
  float weights[3];
};

struct Switched {
  std::uint32_t number;
  Flags flags;
};
struct Alert {
  std::string text;
  std::vector<int> numbers;
};
struct Maybe {
  std::optional<int> value;  // trivially copyable to the compiler, but its layout is the library's own
};
class Own {
 public:
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};
struct alignas(64) Widest {
  int value;
};
using Events = std::variant<Temperature, Switched, Alert>;

}  // namespace event_test

namespace actor {
namespace {

using namespace event_test;

static_assert(EventSet<Events>);
static_assert(!EventSet<Temperature>);
static_assert(!EventSet<std::variant<Temperature, Temperature>>, "types must be distinct");
static_assert(!EventSet<std::variant<Temperature, int>>, "an event is a struct");
static_assert(EventOf<Alert, Events>);
static_assert(!EventOf<Maybe, Events>);
static_assert(event_index<Events, Temperature> == 0 && event_index<Events, Alert> == 2);
static_assert(RawEvent<Temperature> && RawEvent<Switched> && RawEvent<Widest>);
static_assert(!RawEvent<Alert> && !RawEvent<Own> && !RawEvent<Maybe>);

std::vector<std::byte> encoded(const EventType& type, const void* event) {
  std::vector<std::byte> bytes(type.encoded_size(event));
  type.encode(event, bytes);
  return bytes;
}

TEST(EventType, DescribesAType) {
  const EventType& type = event_type<Temperature>();
  EXPECT_EQ(type.name, "event_test::Temperature");
  EXPECT_EQ(type.label, "Temperature");
  EXPECT_EQ(type.schema, schema_text<Temperature>());
  EXPECT_EQ(type.hash, schema_hash<Temperature>());
  EXPECT_EQ(type.size, sizeof(Temperature));
  EXPECT_EQ(type.align, alignof(Temperature));
  EXPECT_TRUE(type.trivially_copyable);
  EXPECT_EQ(type.valid, nullptr) << "every bit pattern is a Temperature";
  EXPECT_FALSE(event_type<Alert>().trivially_copyable);
  EXPECT_EQ(event_type<Alert>().valid, nullptr);
  EXPECT_NE(event_type<Switched>().valid, nullptr);
}

TEST(EventType, IsOneConstantPerType) {
  static_assert(&event_type<Alert>() == &event_type<Alert>());
  const auto types = event_types<Events>();
  ASSERT_EQ(types.size(), 3u);
  EXPECT_EQ(types[0], &event_type<Temperature>());
  EXPECT_EQ(types[1], &event_type<Switched>());
  EXPECT_EQ(types[2], &event_type<Alert>());
}

TEST(EventType, ConstructsCopiesEncodesAndDestroysWithoutKnowingTheType) {
  const EventType& type = event_type<Alert>();
  alignas(Alert) std::byte first[sizeof(Alert)];
  alignas(Alert) std::byte second[sizeof(Alert)];
  const Alert alert{"a text that is too long for the small string", {1, 2, 3}};
  type.copy_construct(first, &alert);
  type.construct(second);
  const auto bytes = encoded(type, first);
  EXPECT_TRUE(type.decode(bytes, second));
  const auto& copy = *std::launder(reinterpret_cast<const Alert*>(second));
  EXPECT_EQ(copy.text, alert.text);
  EXPECT_EQ(copy.numbers, alert.numbers);
  type.destroy(first);
  type.destroy(second);
}

TEST(RawEvent, TravelsAsItsBytes) {
  const EventType& type = event_type<Temperature>();
  const Temperature sent{21.5, Unit::Kelvin};
  const auto bytes = encoded(type, &sent);
  ASSERT_EQ(bytes.size(), sizeof sent);
  EXPECT_EQ(std::memcmp(bytes.data(), &sent, sizeof sent), 0);
  Temperature received{};
  EXPECT_TRUE(type.decode(bytes, &received));
  EXPECT_EQ(received.celsius, 21.5);
  EXPECT_EQ(received.unit, Unit::Kelvin);
}

TEST(RawEvent, OfAnotherSizeIsRefused) {
  std::vector<std::byte> bytes(sizeof(Temperature) + 1);
  Temperature received{};
  EXPECT_FALSE(event_type<Temperature>().decode(bytes, &received));
  EXPECT_FALSE(event_type<Temperature>().decode(std::span(bytes).first(sizeof(Temperature) - 1), &received));
}

TEST(RawEvent, ABoolThatIsNeitherIsFoundWhereverItLies) {
  const EventType& type = event_type<Switched>();
  alignas(Switched) std::array<std::byte, sizeof(Switched)> bytes{};
  EXPECT_TRUE(type.valid(bytes.data()));
  const std::size_t flags = offsetof(Switched, flags);
  for (std::size_t i = 0; i < sizeof(Flags); ++i) {
    bytes[flags + i] = std::byte{2};
    EXPECT_FALSE(type.valid(bytes.data())) << "byte " << i;
    Switched received{7, {}};
    EXPECT_FALSE(type.decode(bytes, &received));
    EXPECT_EQ(received.number, 7u) << "a refused event must leave the object alone";
    bytes[flags + i] = std::byte{1};
    EXPECT_TRUE(type.valid(bytes.data()));
  }
  bytes[0] = std::byte{0xFF};
  EXPECT_TRUE(type.valid(bytes.data())) << "numbers may be anything";
}

TEST(RawEvent, RandomBytesAreValidExactlyWhenTheBoolsAre) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  alignas(Switched) std::array<std::byte, sizeof(Switched)> bytes{};
  for (int round = 0; round < 2000; ++round) {
    bool bools_are = true;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const bool of_a_bool = i >= offsetof(Switched, flags) && i < offsetof(Switched, flags) + sizeof(Flags);
      const auto value = static_cast<unsigned char>(random() % (of_a_bool && random() % 8 != 0 ? 2 : 256));
      bytes[i] = std::byte{value};
      if (of_a_bool && value > 1) bools_are = false;
    }
    ASSERT_EQ(event_type<Switched>().valid(bytes.data()), bools_are);
  }
}

TEST(RawEvent, ALongCArrayIsOneField) {
  EXPECT_EQ(event_type<LongArray>().schema.substr(event_type<LongArray>().schema.find('{')),
            "{flag:bool,samples:array<f64,1000>,tail:i32,weights:array<f32,3>}");
}

}  // namespace
}  // namespace actor
