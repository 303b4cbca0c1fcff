#include <gtest/gtest.h>

#include <actor/version.hpp>
#include <regex>

TEST(Version, IsMajorMinorPatch) {
  EXPECT_TRUE(std::regex_match(actor::version(), std::regex(R"(\d+\.\d+\.\d+)"))) << actor::version();
}
