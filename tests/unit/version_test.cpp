#include <gtest/gtest.h>

#include <actor/version.hpp>
#include <cstdio>

TEST(Version, IsMajorMinorPatch) {
  int major = -1;
  int minor = -1;
  int patch = -1;
  char rest = 0;
  ASSERT_EQ(std::sscanf(actor::version(), "%d.%d.%d%c", &major, &minor, &patch, &rest), 3) << actor::version();
  EXPECT_TRUE(major >= 0 && minor >= 0 && patch >= 0) << actor::version();
}
