// What iceoryx does to a process when it will not go on, and what ours does instead.

#include <gtest/gtest.h>

#include <iceoryx_hoofs/error_handling/error_handling.hpp>

#include "iceoryx/runtime.hpp"

namespace actor::iceoryx {
namespace {

TEST(IceoryxDeathTest, ASevereErrorEndsTheProcessWithItsNameAndAStatusNotWithAnAbort) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto meet = [](iox::ErrorLevel level) {
    report_errors("station.camera");
    iox::errorHandler(iox::Error::kPOSH__RUNTIME_ROUDI_PUBLISHER_LIST_FULL, nullptr, level);
  };
  for (const auto level : {iox::ErrorLevel::SEVERE, iox::ErrorLevel::FATAL})
    EXPECT_EXIT(meet(level), testing::ExitedWithCode(lost_exit),
                "station.camera: iceoryx cannot go on \\(POSH__RUNTIME_ROUDI_PUBLISHER_LIST_FULL\\)");
}

TEST(IceoryxDeathTest, AnErrorThatItsCallerHearsOfEndsNothing) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto meet = [] {
    report_errors("station.camera");
    iox::errorHandler(iox::Error::kMEPOO__MEMPOOL_GETCHUNK_POOL_IS_RUNNING_OUT_OF_CHUNKS, nullptr,
                      iox::ErrorLevel::MODERATE);
    std::exit(0);
  };
  EXPECT_EXIT(meet(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace actor::iceoryx
