#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include <actor/error.hpp>
#include <actor/testing/googletest.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

using actor::testing::explore;
using actor::testing::explore_seeds;
using actor::testing::Seeds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

namespace {

/// Without what the caller of this test has set.
class Explore : public testing::Test {
 protected:
  void SetUp() override { unsetenv("ACTOR_TEST_SEED"); }
  void TearDown() override { unsetenv("ACTOR_TEST_SEED"); }
};

bool never() {
  return false;
}

TEST_F(Explore, RunsEachSeedOnceWhenAllPass) {
  std::vector<std::uint64_t> seeds;
  EXPECT_EQ(explore(4, [&](std::uint64_t seed) { seeds.push_back(seed); }), std::nullopt);
  EXPECT_THAT(seeds, ElementsAre(1, 2, 3, 4));
}

TEST_F(Explore, MayStartAnywhere) {
  std::vector<std::uint64_t> seeds;
  EXPECT_EQ(explore({1000, 2}, [&](std::uint64_t seed) { seeds.push_back(seed); }), std::nullopt);
  EXPECT_THAT(seeds, ElementsAre(1000, 1001));
}

TEST_F(Explore, StopsAtTheFirstSeedThatThrowsAndSaysHowToRepeatIt) {
  std::vector<std::uint64_t> seeds;
  testing::internal::CaptureStderr();
  const auto failure = explore_seeds(
      10,
      [&](std::uint64_t seed) {
        seeds.push_back(seed);
        if (seed == 3) throw std::runtime_error("lost an event");
      },
      never, "ctest -R pingpong");
  const std::string said = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->seed, 3u);
  EXPECT_EQ(failure->what, "lost an event");
  EXPECT_THAT(seeds, ElementsAre(1, 2, 3));
  EXPECT_EQ(said,
            "seed 3 fails (2 passed before): lost an event\n"
            "to repeat it: ACTOR_TEST_SEED=3 ctest -R pingpong\n");
}

/// Runs one of this program's own tests in a process of its own; returns what it printed.
std::string run_alone(const std::string& test, const std::string& environment = "") {
  const std::string command = environment + " " + std::filesystem::read_symlink("/proc/self/exe").string() +
                              " --gtest_also_run_disabled_tests --gtest_filter=" + test + " 2>&1";
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  char buffer[4096];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, size);
  pclose(pipe);
  return output;
}

/// Fails on purpose; run by the test below.
TEST(ExploreChild, DISABLED_FailsWithSeedsAboveTwo) {
  EXPECT_EQ(1, 2) << "a failure of before is not the seed's";
  explore(10, [](std::uint64_t seed) {
    std::printf("trying %d\n", static_cast<int>(seed));
    EXPECT_LT(seed, 3u) << "out of order";
  });
}

TEST_F(Explore, StopsAtTheFirstSeedThatFailsAnExpectation) {
  const std::string output = run_alone("ExploreChild.DISABLED_FailsWithSeedsAboveTwo");
  EXPECT_THAT(output, HasSubstr("trying 3\n"));
  EXPECT_THAT(output, Not(HasSubstr("trying 4\n")));
  EXPECT_THAT(output, HasSubstr("seed 3 fails (2 passed before)\nto repeat it: ACTOR_TEST_SEED=3 /"));
  EXPECT_THAT(output, HasSubstr("--gtest_filter=ExploreChild.DISABLED_FailsWithSeedsAboveTwo"));
  EXPECT_THAT(output, HasSubstr("seed 3"));  // GoogleTest's trace of the failure
}

TEST_F(Explore, AFailingSeedFailsAgainAlone) {
  const std::string output = run_alone("ExploreChild.DISABLED_FailsWithSeedsAboveTwo", "ACTOR_TEST_SEED=7");
  EXPECT_THAT(output, Not(HasSubstr("trying 6\n")));
  EXPECT_THAT(output, HasSubstr("trying 7\n"));
  EXPECT_THAT(output, HasSubstr("seed 7 fails (0 passed before)"));
}

TEST_F(Explore, StopsWhenTheFrameworkSaysSo) {
  bool failed = false;
  testing::internal::CaptureStderr();
  const auto failure = explore_seeds(
      10, [&](std::uint64_t seed) { failed = seed == 2; }, [&] { return failed; }, "x");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("seed 2 fails (1 passed before)\n"));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->seed, 2u);
  EXPECT_EQ(failure->what, "");
}

TEST_F(Explore, AnExceptionFailsTheTest) {
  testing::internal::CaptureStderr();
  EXPECT_NONFATAL_FAILURE(explore(3, [](std::uint64_t) { throw std::runtime_error("lost an event"); }),
                          "seed 1: lost an event");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("--gtest_filter=Explore.AnExceptionFailsTheTest"));
}

TEST_F(Explore, RunsOnlyTheSeedOfTheEnvironment) {
  setenv("ACTOR_TEST_SEED", "77", 1);
  std::vector<std::uint64_t> seeds;
  EXPECT_EQ(explore(1000, [&](std::uint64_t seed) { seeds.push_back(seed); }), std::nullopt);
  EXPECT_THAT(seeds, ElementsAre(77));
}

TEST_F(Explore, ASeedThatIsNoNumberIsRefused) {
  setenv("ACTOR_TEST_SEED", "seven", 1);
  EXPECT_THROW((void)explore(1, [](std::uint64_t) {}), actor::Error);
}

}  // namespace
