#include <gtest/gtest.h>

#include <actor/archive.hpp>
#include <array>
#include <cereal/archives/binary.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/base_class.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace archive_test {

enum class Colour : std::uint16_t { Red, Green = 500 };
struct Point {
  int x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
struct Message {
  std::uint64_t id = 0;
  double value = 0;
  std::string text;
  friend bool operator==(const Message&, const Message&) = default;
};
struct Nested {
  Message message;
  std::vector<Message> messages;
  std::array<Point, 2> points{};
  char letters[4] = {};
  int grid[2][3] = {};
  std::optional<Point> maybe;
  std::variant<std::monostate, int, std::string, Point> choice;
  std::map<std::string, std::vector<Point>> map;
  std::pair<Point, bool> pair;
  std::vector<bool> bits;
  Colour colour = Colour::Red;
  std::chrono::milliseconds duration{};
  std::chrono::system_clock::time_point when;
  bool sure = false;
  friend bool operator==(const Nested&, const Nested&) = default;
};
struct Tree {
  int value = 0;
  std::vector<Tree> children;
};
struct Empty {
  friend bool operator==(const Empty&, const Empty&) = default;
};

/// Brings a member serialize, private state and a name-value pair.
class Account {
 public:
  Account() = default;
  Account(std::string owner, int balance) : owner_(std::move(owner)), balance_(balance) {}
  friend bool operator==(const Account&, const Account&) = default;

 private:
  friend class cereal::access;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::make_nvp("owner", owner_), balance_, history_);
  }
  std::string owner_;
  int balance_ = 0;
  std::vector<int> history_{1, 2, 3};
};
/// Split, and outside the class.
struct Celsius {
  double degrees = 0;
  friend bool operator==(const Celsius&, const Celsius&) = default;
};
template <class Archive>
void save(Archive& archive, const Celsius& value) {
  archive(static_cast<std::int32_t>(value.degrees * 100));
}
template <class Archive>
void load(Archive& archive, Celsius& value) {
  std::int32_t hundredths = 0;
  archive(hundredths);
  value.degrees = hundredths / 100.0;
}
/// A version number and raw bytes.
struct Versioned {
  std::array<std::uint8_t, 5> bytes{};
  std::uint32_t seen_version = 0;
  template <class Archive>
  void serialize(Archive& archive, std::uint32_t version) {
    archive(cereal::binary_data(bytes.data(), bytes.size()));
    seen_version = version;
  }
};
/// Passes a plain struct on, which cereal alone could not write.
struct Wrapper {
  Point point;
  std::vector<Account> accounts;
  friend bool operator==(const Wrapper&, const Wrapper&) = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(point, accounts);
  }
};
struct HasOwn {
  int before = 0;
  Account account;
  std::vector<Celsius> temperatures;
  std::map<std::string, Wrapper> wrappers;
  friend bool operator==(const HasOwn&, const HasOwn&) = default;
};
struct Suspicious {
  int value = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
    if (value < 0) throw std::runtime_error("negative");
  }
};

/// Builds on a base, and owns memory: cereal's own headers know how.
struct Savings : Account {
  Savings() = default;
  explicit Savings(int interest) : Account("Dora", 7), rate(std::make_unique<int>(interest)) {}
  std::unique_ptr<int> rate;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Account>(this), rate);
  }
};

enum class Switch : bool { Off, On };
struct HasConst {
  const int value;
};
struct HasPointer {
  int* pointer;
};
struct HasReference {
  int& reference;
};
struct HasView {
  std::string_view view;
};
struct HasUnique {
  std::unique_ptr<int> pointer;
};
struct Derived : Point {
  int z = 0;
};
struct HasUnion {
  union {
    int a;
    float b;
  } either;
};
class Secret {
 public:
  int get() const { return value_; }

 private:
  int value_ = 0;
};
struct DeepPointer {
  std::vector<std::optional<std::map<int, HasPointer>>> deep;
};
struct SavesOnly {
  template <class Archive>
  void save(Archive&) const {}
};
struct EmptyElements {
  std::vector<Empty> many;
};

}  // namespace archive_test
CEREAL_CLASS_VERSION(archive_test::Versioned, 7)

namespace actor {
namespace {

using namespace archive_test;
using Bytes = std::vector<std::byte>;

static_assert(Encodable<Nested> && Encodable<HasOwn> && Encodable<Tree> && Encodable<Empty>);
template <class T>
constexpr detail::Refusal why = detail::refusal_of<T>();
static_assert(why<HasPointer> == detail::Refusal::Pointer);
static_assert(why<HasReference> == detail::Refusal::Pointer);
static_assert(why<HasView> == detail::Refusal::View);
static_assert(why<HasUnique> == detail::Refusal::SmartPointer);
static_assert(why<std::vector<long double>> == detail::Refusal::LongDouble);
static_assert(why<Derived> == detail::Refusal::Base);
static_assert(why<HasUnion> == detail::Refusal::Union);
static_assert(why<Secret> == detail::Refusal::NotPlain);
static_assert(why<DeepPointer> == detail::Refusal::Pointer);
static_assert(why<SavesOnly> == detail::Refusal::HalfSerialize);
static_assert(why<HasConst> == detail::Refusal::ConstField);
static_assert(why<EmptyElements> == detail::Refusal::EmptyElements);

template <class T>
Bytes encoded(const T& value) {
  Bytes bytes(encoded_size(value));
  encode(value, bytes);
  return bytes;
}
template <class T>
Bytes by_cereal(const T& value) {
  std::ostringstream out;
  cereal::BinaryOutputArchive{out}(value);
  const std::string text = out.str();
  const auto* at = reinterpret_cast<const std::byte*>(text.data());
  return {at, at + text.size()};
}
/// Encodes as cereal does, and decodes back.
template <class T>
void expect_as_cereal(const T& value) {
  const Bytes bytes = encoded(value);
  EXPECT_EQ(bytes, by_cereal(value));
  T back{};
  EXPECT_TRUE(decode(bytes, back));
  EXPECT_EQ(back, value);
}

Nested sample() {
  Nested nested;
  nested.message = {7, 2.5, "seven"};
  nested.messages = {{1, 1, ""}, {2, 2, std::string(100, 'x')}};
  nested.points = {{{1, 2}, {3, 4}}};
  nested.letters[0] = 'a';
  nested.grid[1][2] = -6;
  nested.maybe = Point{5, 6};
  nested.choice = "chosen";
  nested.map = {{"a", {{1, 1}}}, {"b", {}}};
  nested.pair = {{8, 9}, true};
  nested.bits = {true, false, true};
  nested.colour = Colour::Green;
  nested.duration = std::chrono::milliseconds(1500);
  nested.when = std::chrono::system_clock::time_point(std::chrono::nanoseconds(123456789));
  nested.sure = true;
  return nested;
}
HasOwn own_sample() {
  return {1, {"Ann", 5}, {{1.25}, {-3.5}}, {{"w", {{1, 2}, {{"Bob", 1}, {"Cid", 2}}}}}};
}

TEST(Archive, NumbersBoolsAndEnumsAsCerealDoes) {
  expect_as_cereal(std::uint8_t{200});
  expect_as_cereal(std::int64_t{-5});
  expect_as_cereal(3.25);
  expect_as_cereal(true);
  expect_as_cereal('c');
  expect_as_cereal(Colour::Green);
  expect_as_cereal(Switch::On);
}

TEST(Archive, SequencesAsCerealDoes) {
  expect_as_cereal(std::string("hello"));
  expect_as_cereal(std::string());
  expect_as_cereal(std::vector<float>{1, 2, 3});
  expect_as_cereal(std::vector<int>{});
  expect_as_cereal(std::vector<std::string>{"a", "", "ccc"});
  expect_as_cereal(std::vector<bool>{true, false, true});
  expect_as_cereal(std::vector<Colour>{Colour::Red, Colour::Green});
  expect_as_cereal(std::array<std::uint16_t, 3>{1, 2, 3});
  expect_as_cereal(std::array<std::string, 2>{"x", "y"});
}

TEST(Archive, OptionalsVariantsTuplesAsCerealDoes) {
  expect_as_cereal(std::optional<int>{});
  expect_as_cereal(std::optional<std::string>{"there"});
  expect_as_cereal(std::variant<int, std::string>{"second"});
  expect_as_cereal(std::variant<int, std::string>{4});
  expect_as_cereal(std::pair<int, std::string>{1, "one"});
  expect_as_cereal(std::tuple<int, double, bool>{1, 2.5, true});
}

TEST(Archive, MapsAndSetsAsCerealDoes) {
  expect_as_cereal(std::map<std::string, int>{{"a", 1}, {"b", 2}});
  expect_as_cereal(std::multimap<int, std::string>{{1, "x"}, {1, "y"}});
  expect_as_cereal(std::unordered_map<int, std::string>{{1, "x"}, {2, "y"}, {3, "z"}});
  expect_as_cereal(std::set<std::string>{"a", "b"});
  expect_as_cereal(std::multiset<int>{1, 1, 2});
  expect_as_cereal(std::unordered_set<int>{3, 1, 2});
}

TEST(Archive, TimesAsCerealDoes) {
  expect_as_cereal(std::chrono::nanoseconds(-12345));
  expect_as_cereal(std::chrono::system_clock::now());
  expect_as_cereal(std::chrono::duration<double>(0.5));
}

TEST(Archive, TypesWithTheirOwnCodeAsCerealDoes) {
  expect_as_cereal(Account("Ann", 100));
  expect_as_cereal(Celsius{21.5});
  expect_as_cereal(std::vector<Account>{{"Ann", 1}, {"Bob", 2}});
  const std::vector<Versioned> versioned{{{1, 2, 3, 4, 5}}, {{6, 7, 8, 9, 10}}};
  EXPECT_EQ(encoded(versioned), by_cereal(versioned)) << "the version is written once";
  std::vector<Versioned> back;
  ASSERT_TRUE(decode(encoded(versioned), back));
  EXPECT_EQ(back.at(1).bytes, versioned[1].bytes);
  EXPECT_EQ(back.at(1).seen_version, 7u);
}

TEST(Archive, OwnCodeMayUseBasesAndSmartPointersThroughCereal) {
  const Savings savings(3);
  EXPECT_EQ(encoded(savings), by_cereal(savings));
  Savings back;
  ASSERT_TRUE(decode(encoded(savings), back));
  EXPECT_EQ(static_cast<const Account&>(back), savings);
  EXPECT_EQ(*back.rate, 3);
}

TEST(Archive, PlainStructsAreTheirFieldsInOrder) {
  const Message message{7, 2.5, "text"};
  const Bytes bytes = encoded(message);
  std::ostringstream out;
  {
    cereal::BinaryOutputArchive archive(out);
    archive(message.id, message.value, message.text);
  }
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), out.str());
  EXPECT_EQ(encoded_size(Empty{}), 0u);
}

TEST(Archive, NestedStructsComeBackEqual) {
  const Nested nested = sample();
  Nested back;
  ASSERT_TRUE(decode(encoded(nested), back));
  EXPECT_EQ(back, nested);
}

TEST(Archive, OwnCodeInsidePlainStructsAndPlainStructsInsideOwnCode) {
  const HasOwn value = own_sample();
  HasOwn back;
  ASSERT_TRUE(decode(encoded(value), back));
  EXPECT_EQ(back, value);
}

TEST(Archive, DecodesOverWhatWasThere) {
  Nested back = sample();
  back.message.text.reserve(1000);
  const char* memory = back.message.text.data();
  const Nested empty;
  ASSERT_TRUE(decode(encoded(empty), back));
  EXPECT_EQ(back, empty);
  EXPECT_EQ(back.message.text.data(), memory) << "the string's memory is reused";
}

// ---- hostile bytes ----

template <class T>
void expect_every_prefix_refused(const T& value) {
  Bytes bytes = encoded(value);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const Bytes prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));  // ASan guards its end
    T back{};
    EXPECT_FALSE(decode(prefix, back)) << size << " of " << bytes.size() << " bytes";
  }
  bytes.push_back({});
  T back{};
  EXPECT_FALSE(decode(bytes, back)) << "a byte left over";
}

TEST(HostileBytes, TooFewOrTooManyAreRefused) {
  expect_every_prefix_refused(sample());
  expect_every_prefix_refused(own_sample());
}

template <class T>
bool accepts(std::initializer_list<unsigned> bytes) {
  Bytes in;
  for (const unsigned byte : bytes) in.push_back(static_cast<std::byte>(byte));
  T value{};
  return decode(in, value);
}

TEST(HostileBytes, ABoolIsZeroOrOne) {
  EXPECT_TRUE(accepts<bool>({1}));
  EXPECT_FALSE(accepts<bool>({2}));
  EXPECT_FALSE(accepts<bool>({255}));
  EXPECT_FALSE(accepts<std::vector<bool>>({1, 0, 0, 0, 0, 0, 0, 0, 3}));
  EXPECT_FALSE(accepts<Switch>({2})) << "so is an enum over bool";
  EXPECT_FALSE(accepts<std::optional<int>>({2, 0, 0, 0, 0})) << "so is an optional's flag";
}

TEST(HostileBytes, AVariantIndexIsInRange) {
  using Choice = std::variant<std::monostate, bool>;
  EXPECT_TRUE(accepts<Choice>({0, 0, 0, 0}));
  EXPECT_TRUE(accepts<Choice>({1, 0, 0, 0, 1}));
  EXPECT_FALSE(accepts<Choice>({2, 0, 0, 0, 1}));
  EXPECT_FALSE(accepts<Choice>({255, 255, 255, 255}));
}

TEST(HostileBytes, AKeyComesOnce) {
  const Bytes twice = encoded(std::vector<int>{5, 5});  // a set's format is a vector's
  std::set<int> set;
  EXPECT_FALSE(decode(twice, set));
  std::multiset<int> multiset;
  EXPECT_TRUE(decode(twice, multiset));
}

template <class T>
void expect_forged_count_refused(std::uint64_t count) {
  Bytes bytes = encoded(count);
  bytes.resize(bytes.size() + 64);
  T value{};
  EXPECT_FALSE(decode(bytes, value)) << count;
}

TEST(HostileBytes, ACountBeyondTheBytesIsRefusedBeforeAnythingIsAllocated) {
  for (const std::uint64_t count :
       {std::uint64_t{65}, std::uint64_t{1} << 40, std::uint64_t{1} << 61, std::numeric_limits<std::uint64_t>::max()}) {
    expect_forged_count_refused<std::string>(count);
    expect_forged_count_refused<std::vector<char>>(count);
    expect_forged_count_refused<std::vector<double>>(count);
    expect_forged_count_refused<std::vector<std::string>>(count);
    expect_forged_count_refused<std::vector<bool>>(count);
    expect_forged_count_refused<std::map<int, int>>(count);
    expect_forged_count_refused<std::set<int>>(count);
    expect_forged_count_refused<std::vector<Account>>(count);
    expect_forged_count_refused<Account>(count);
  }
  std::vector<double> value;
  Bytes bytes = encoded(std::uint64_t{9});
  bytes.resize(bytes.size() + 64);
  EXPECT_FALSE(decode(bytes, value)) << "nine doubles do not fit into 64 bytes";
  EXPECT_EQ(value.capacity(), 0u);
}

Tree chain(int depth) {
  Tree tree;
  for (int i = 1; i < depth; ++i) {
    Tree parent;
    parent.children.push_back(std::move(tree));
    tree = std::move(parent);
  }
  return tree;
}

TEST(HostileBytes, NestingIsLimited) {
  Tree back;
  EXPECT_TRUE(decode(encoded(chain(detail::max_depth)), back));
  EXPECT_FALSE(decode(encoded(chain(detail::max_depth + 1)), back));
}

TEST(HostileBytes, WhatATypesOwnCodeThrowsIsARefusal) {
  Suspicious value{-1};
  const std::int32_t negative = -1;
  EXPECT_FALSE(decode(encoded(negative), value));
}

/// Flips, cuts, grows and overwrites; what is accepted must encode to as many bytes again.
template <class T>
void fuzz(const T& value, int rounds) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const Bytes good = encoded(value);
  T target{};
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    Bytes bytes = good;
    for (unsigned change = random() % 4 + 1; change > 0 && !bytes.empty(); --change) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] ^= static_cast<std::byte>(1u << (random() % 8));
          break;
        case 1:
          bytes[at] = static_cast<std::byte>(random());
          break;
        case 2:
          bytes.resize(at);
          break;
        case 3:
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), static_cast<std::byte>(random()));
          break;
        default:
          std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), std::min<std::size_t>(8, bytes.size() - at),
                      static_cast<std::byte>(random() % 2 == 0 ? 0xFF : random()));
      }
    }
    if (!decode(bytes, target)) continue;
    ++accepted;
    ASSERT_EQ(encoded_size(target), bytes.size());
  }
  EXPECT_GT(accepted, 0) << "flips in numbers are harmless: otherwise nothing was tried";
}

TEST(HostileBytes, MutatedEncodingsAreRefusedOrDecodedButNeverHarm) {
  fuzz(sample(), 20000);
  fuzz(own_sample(), 20000);
  fuzz(chain(20), 5000);
}

TEST(HostileBytes, RandomBytesNeverHarm) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Nested nested;
  HasOwn own;
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes(random() % 300);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : 0);
    if (decode(bytes, nested)) {
      ASSERT_EQ(encoded_size(nested), bytes.size());
    }
    if (decode(bytes, own)) {
      ASSERT_EQ(encoded_size(own), bytes.size());
    }
  }
}

}  // namespace
}  // namespace actor
