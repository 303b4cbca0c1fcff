#include <gtest/gtest.h>

#include <actor/name.hpp>
#include <optional>
#include <string>
#include <vector>

namespace name_test {

struct Temperature {
  double celsius;
  std::string where;
};
struct Empty {};
struct Everything {
  char letters[8];
  std::vector<float> samples;
  std::optional<Temperature> nested;
  int with_1_digit;
  Empty empty;
  int grid[2][3];
};
template <class T>
struct Reading {
  T value;
};
template <int N>
struct Sized {
  int value;
};

enum class Topic { Reading, Alert };
enum class Sparse : std::uint8_t { A, B = 7, Last = 255 };
enum class Negative : signed char { Low = -128, Minus = -3, Zero = 0, High = 127 };
enum Unscoped { Red, Green = 200 };
enum class Wide : std::uint64_t { Small = 3, Huge = 1u << 20 };
enum class Switch : bool { Off, On };
enum class None {};

}  // namespace name_test

struct GlobalEvent {
  int number;
};

namespace actor {
namespace {

using namespace name_test;

template <class T>
std::vector<std::string> texts(const T& views) {
  return {views.begin(), views.end()};
}
using Texts = std::vector<std::string>;

TEST(TypeName, QualifiedAndUnqualified) {
  static_assert(qualified_type_name<Temperature>() == "name_test::Temperature");
  static_assert(type_name<Temperature>() == "Temperature");
  static_assert(qualified_type_name<GlobalEvent>() == "GlobalEvent");
  static_assert(type_name<GlobalEvent>() == "GlobalEvent");
}

TEST(TypeName, TemplateArgumentsHaveOneSpellingForAllCompilers) {
  EXPECT_EQ(qualified_type_name<Reading<unsigned long>>(), "name_test::Reading<u64>");
  EXPECT_EQ(qualified_type_name<Reading<unsigned long long>>(), "name_test::Reading<u64>");
  EXPECT_EQ(qualified_type_name<Reading<std::string>>(), "name_test::Reading<string>");
  EXPECT_EQ(qualified_type_name<Reading<Reading<Temperature>>>(),
            "name_test::Reading<name_test::Reading<name_test::Temperature>>");
  EXPECT_EQ(type_name<Reading<Temperature>>(), "Reading<name_test::Temperature>");
  EXPECT_EQ(type_name<Sized<3>>(), "Sized<3>");
}

TEST(TypeName, RespellsWhereGccAndClangDiffer) {
  const auto canonical = [](std::string_view text) {
    char storage[200] = {};
    detail::TextSink sink{storage, 0};
    detail::put_canonical(sink, text);
    return std::string(storage, sink.size);
  };
  EXPECT_EQ(canonical("a::B<long unsigned int, 3>::C"), "a::B<unsigned long,3>::C");
  EXPECT_EQ(canonical("a::B<std::__cxx11::basic_string<char> >"), "a::B<std::basic_string<char>>");
  EXPECT_EQ(canonical("std::__1::map<short int, long long int>"), "std::map<short,long long>");
  EXPECT_EQ(canonical("my_long int_type"), "my_long int_type");
}

TEST(TypeName, TypesThatOnlyOneFileCanNameAreNotPortable) {
  EXPECT_TRUE(has_portable_name<Temperature>());
  EXPECT_TRUE(has_portable_name<Reading<Temperature>>());
  EXPECT_FALSE(detail::is_portable_spelling("(anonymous namespace)::Hidden"));
  EXPECT_FALSE(detail::is_portable_spelling("{anonymous}::Hidden"));
  EXPECT_FALSE(detail::is_portable_spelling("main()::Local"));
}

TEST(EnumeratorNames, AreFoundInOrderOfValue) {
  EXPECT_EQ(texts(enumerator_names<Topic>()), (Texts{"Reading", "Alert"}));
  EXPECT_EQ(texts(enumerator_names<Sparse>()), (Texts{"A", "B", "Last"}));
  EXPECT_EQ(texts(enumerator_names<Negative>()), (Texts{"Low", "Minus", "Zero", "High"}));
  EXPECT_EQ(texts(enumerator_names<Unscoped>()), (Texts{"Red", "Green"}));
  EXPECT_EQ(texts(enumerator_names<Switch>()), (Texts{"Off", "On"}));
  EXPECT_TRUE(enumerators<None>().empty());
}

TEST(EnumeratorNames, BeyondTheScanThereAreNone) {
  EXPECT_EQ(texts(enumerator_names<Wide>()), Texts{"Small"});
  EXPECT_EQ(enumerator_name(Wide::Huge), "");
}

TEST(EnumeratorNames, OfAValueOrEmpty) {
  static_assert(enumerator_name(Sparse::B) == "B");
  EXPECT_EQ(enumerator_name(Sparse::Last), "Last");
  EXPECT_EQ(enumerator_name(Negative::Low), "Low");
  EXPECT_EQ(enumerator_name(static_cast<Sparse>(8)), "");
  EXPECT_EQ(enumerator_name(static_cast<Topic>(-1)), "");
  EXPECT_EQ(enumerator_name(static_cast<None>(0)), "");
}

TEST(FieldNames, InOrderOfDeclaration) {
  static_assert(field_names<Temperature>()[0] == "celsius");
  EXPECT_EQ(texts(field_names<Temperature>()), (Texts{"celsius", "where"}));
  EXPECT_EQ(texts(field_names<Everything>()), (Texts{"letters", "samples", "nested", "with_1_digit", "empty", "grid"}));
  EXPECT_EQ(texts(field_names<Reading<Temperature>>()), (Texts{"value"}));
  EXPECT_EQ(texts(field_names<GlobalEvent>()), (Texts{"number"}));
  EXPECT_TRUE(field_names<Empty>().empty());
}

}  // namespace
}  // namespace actor
