#include <gtest/gtest.h>

#include "manifest/suggestion.hpp"
#include "manifest/units.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;

TEST(Duration, IsAWholeNumberWithAUnit) {
  EXPECT_EQ(parse_duration("7ns"), 7ns);
  EXPECT_EQ(parse_duration("250us"), 250us);
  EXPECT_EQ(parse_duration("5ms"), 5ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("2min"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("0"), 0ns);
  EXPECT_EQ(parse_duration("0h"), 0ns);
}

TEST(Duration, AnythingElseIsRefused) {
  for (const char* text :
       {"", "s", "5", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1m", "1S", "1sec", "1s1s", "0x1s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(Duration, WhatDoesNotFitIsRefused) {
  EXPECT_EQ(parse_duration("9223372036854775807ns"), std::chrono::nanoseconds::max());
  EXPECT_EQ(parse_duration("9223372036854775808ns"), std::nullopt);
  EXPECT_EQ(parse_duration("2562047h"), 2562047h);
  EXPECT_EQ(parse_duration("2562048h"), std::nullopt);
  EXPECT_EQ(parse_duration("99999999999999999999s"), std::nullopt);
}

TEST(Duration, IsWrittenInTheLargestExactUnitAndReadBack) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(120s), "2min");
  EXPECT_EQ(format_duration(24h), "24h");
  EXPECT_EQ(format_duration(-3ns), "-3ns");
  for (const auto duration :
       {1ns, std::chrono::nanoseconds(1us), std::chrono::nanoseconds(90min), std::chrono::nanoseconds::max()}) {
    EXPECT_EQ(parse_duration(format_duration(duration)), duration);
  }
}

TEST(Size, IsAWholeNumberWithABinaryUnit) {
  EXPECT_EQ(parse_bytes("512B"), 512u);
  EXPECT_EQ(parse_bytes("64KiB"), 65536u);
  EXPECT_EQ(parse_bytes("16MiB"), 16u << 20);
  EXPECT_EQ(parse_bytes("1GiB"), 1u << 30);
  EXPECT_EQ(parse_bytes("0"), 0u);
  EXPECT_EQ(parse_bytes("18446744073709551615B"), ~std::uint64_t{0});
  for (const char* text :
       {"", "64", "64KB", "64MB", "64K", "64kib", "1.5MiB", "-1B", "18446744073709551616B", "17179869184GiB"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
  EXPECT_EQ(format_bytes(65536), "64KiB");
  EXPECT_EQ(format_bytes(1000), "1000B");
}

TEST(Suggestion, OffersTheNearestNameOrNone) {
  const std::vector<std::string> names{"exec", "args", "restart", "max", "drop-oldest"};
  EXPECT_EQ(nearest("exce", names), "exec");
  EXPECT_EQ(nearest("RESTART", names), "restart");
  EXPECT_EQ(nearest("maximum", names), "max");
  EXPECT_EQ(nearest("drop_oldest", names), "drop-oldest");
  EXPECT_EQ(nearest("drop_oldest", {"fail", "drop", "drop-oldest"}),
            "drop-oldest");  // "drop" begins it, and is not meant
  EXPECT_EQ(nearest("colour", names), "");
  EXPECT_EQ(nearest("x", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), names), "");
  EXPECT_EQ(did_you_mean("arg", names), "; did you mean \"args\"?");
}

}  // namespace
}  // namespace actor::broker
