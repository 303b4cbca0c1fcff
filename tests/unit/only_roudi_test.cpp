// Is there a RouDi on this machine, and whose? Under names and locks of the test's own: a real one may run.

#include "iceoryx/only_roudi.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <string>

namespace actor::iceoryx {
namespace {

using ::testing::HasSubstr;

constexpr const char* no_lock = "/nowhere/no.lock";

std::string own_name() {
  return "libactor/only_roudi_test/" + std::to_string(getpid());
}

std::string own_program() {
  char name[16] = {};
  prctl(PR_GET_NAME, name);
  return name;
}

TEST(OnlyRoudi, NobodyIsFoundWhereNobodyRuns) {
  EXPECT_FALSE(find_running_roudi(no_lock, own_name()));
}

TEST(OnlyRoudi, OneOfOursIsFoundUntilItEnds) {
  {
    const OnlyRoudi only(own_name());
    const auto found = find_running_roudi(no_lock, own_name());
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->is_actor);
    EXPECT_EQ(found->pid, getpid());
    EXPECT_EQ(found->program, own_program());
  }
  EXPECT_FALSE(find_running_roudi(no_lock, own_name()));
}

TEST(OnlyRoudi, TheSecondIsRefusedAndToldWhoTheFirstIs) {
  const OnlyRoudi only(own_name());
  try {
    const OnlyRoudi another(own_name());
    FAIL() << "there are two";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Refused);
    EXPECT_THAT(error.what(),
                HasSubstr("another RouDi runs on this machine, and there can be one only: " + own_program() +
                          " (process " + std::to_string(getpid()) + "); stop that broker"));
  }
}

TEST(OnlyRoudi, IsFoundByAnyNumberOfThoseWhoAsk) {
  OnlyRoudi only(own_name());
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(find_running_roudi(no_lock, own_name())) << "it does not look: " << i;
  only.let_go_of_who_asked();
  EXPECT_EQ(find_running_roudi(no_lock, own_name())->pid, getpid());
}

TEST(OnlyRoudi, AForeignOneIsFoundByIceoryxsLockOnItsFile) {
  std::string file = testing::TempDir() + "iox-XXXXXX";
  const int fd = mkstemp(file.data());
  ASSERT_GE(fd, 0);
  EXPECT_FALSE(find_running_roudi(file.c_str(), own_name())) << "a file that a dead one has left locks nobody out";
  ASSERT_EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
  if (access("/proc/locks", R_OK) != 0) GTEST_SKIP() << "this kernel does not tell who holds locks";
  const auto found = find_running_roudi(file.c_str(), own_name());
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->is_actor);
  EXPECT_EQ(found->described(), own_program() + " (process " + std::to_string(getpid()) + ")");
  close(fd);
  EXPECT_FALSE(find_running_roudi(file.c_str(), own_name()));
  unlink(file.c_str());
}

}  // namespace
}  // namespace actor::iceoryx
