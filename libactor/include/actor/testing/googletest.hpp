#pragma once
// explore() for GoogleTest: a test under many seeds. This header needs GoogleTest. Called by a test, on its thread.

#include <gtest/gtest.h>

#include <actor/testing/explore.hpp>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace actor::testing {

namespace detail {

inline int failures_so_far() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  int failures = 0;
  for (int i = 0; test && i < test->result()->total_part_count(); ++i) {
    failures += test->result()->GetTestPartResult(i).failed();
  }
  return failures;
}

inline std::string this_test() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string program = program_invocation_name;
  return test ? program + " --gtest_filter=" + test->test_suite_name() + "." + test->name() : program;
}

}  // namespace detail

/// Runs test(seed) for each seed until one fails: an EXPECT or ASSERT in it, or an exception, which fails the test too.
/// Says which seed that was and how to run only that one; returns it.
inline std::optional<std::uint64_t> explore(Seeds seeds, const std::function<void(std::uint64_t)>& test) {
  const int failures = detail::failures_so_far();
  const auto failed = [&] { return detail::failures_so_far() > failures; };
  const auto failure = explore_seeds(
      seeds,
      [&](std::uint64_t seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        test(seed);
      },
      failed, detail::this_test());
  if (!failure) return std::nullopt;
  if (!failure->what.empty()) ADD_FAILURE() << "seed " << failure->seed << ": " << failure->what;
  return failure->seed;
}

}  // namespace actor::testing
