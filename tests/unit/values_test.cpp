#include <gtest/gtest.h>

#include <actor/error.hpp>
#include <actor/step.hpp>
#include <actor/subscribe.hpp>
#include <array>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace values_test {
struct Ping {};
struct Pong {};
using Events = std::variant<Ping, Pong>;
enum class WeatherTopic { Reading, Frost };
}  // namespace values_test

namespace actor {
namespace {

using namespace values_test;
using namespace std::chrono_literals;

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

TEST(StepAction, PrintsItsNameAndDelay) {
  EXPECT_EQ(printed(StepAction::Continue()), "Continue");
  EXPECT_EQ(printed(StepAction::Yield()), "Yield");
  EXPECT_EQ(printed(StepAction::AwaitEvent()), "AwaitEvent");
  EXPECT_EQ(printed(StepAction::Backoff(250ms)), "Backoff(250ms)");
  EXPECT_EQ(printed(StepAction::Backoff(0ms)), "Backoff(0s)");
  EXPECT_EQ(printed(StepAction::Backoff(1001ns)), "Backoff(1001ns)");
  EXPECT_EQ(printed(StepAction()), "Never") << "the default";
}

TEST(OverflowPolicy, PrintsWhatAManifestSays) {
  EXPECT_EQ(printed(OverflowPolicy::block_for(250ms)), "block:250ms");
  EXPECT_TRUE(OverflowPolicy().is_fail());
  EXPECT_TRUE(OverflowPolicy::drop().is_drop() && OverflowPolicy::drop_oldest().is_drop_oldest());
  EXPECT_TRUE(OverflowPolicy::block_for(1s).is_block() && !OverflowPolicy::block().is_drop());
}

TEST(Subscribe, PrintsItsTopics) {
  EXPECT_EQ(printed(Subscribe::all()), "all topics");
  EXPECT_EQ(printed(Subscribe::none()), "no topics");
  EXPECT_EQ(printed(Subscribe({WeatherTopic::Reading, WeatherTopic::Frost})),
            "[WeatherTopic.Reading, WeatherTopic.Frost]");
}

TEST(Subscribe, IsBuiltFromAnyContainerOfTopics) {
  const Subscribe both{WeatherTopic::Reading, WeatherTopic::Frost};
  EXPECT_EQ(Subscribe(std::vector{WeatherTopic::Reading, WeatherTopic::Frost}), both);
  EXPECT_EQ(Subscribe(std::array{WeatherTopic::Reading, WeatherTopic::Frost}), both);
  EXPECT_EQ(Subscribe::to(std::set{WeatherTopic::Reading, WeatherTopic::Frost}), both);
  const WeatherTopic topics[] = {WeatherTopic::Reading, WeatherTopic::Frost};
  EXPECT_EQ(Subscribe::to(topics), both);
  EXPECT_TRUE(Subscribe(std::vector<WeatherTopic>{}).is_none());
}

TEST(Topic, OfTheLibrarysOwnTypesPrintsItsWireName) {
  EXPECT_EQ(printed(DefaultTopic{}), "default");
  EXPECT_EQ(printed(TypeTopic<Events>(of<Pong>)), "Pong");
}

TEST(Error, PrintsCodeMessageAndErrno) {
  EXPECT_EQ(printed(Error(ErrorCode::MailboxFull, "the outbox is full")), "mailbox full: the outbox is full");
  EXPECT_EQ(printed(Error(ErrorCode::Io, "reading x", 5)), "system call failed: reading x (errno 5)");
  EXPECT_EQ(printed(ErrorCode::Stalled), "stalled");
}

TEST(Error, HasANameForEveryCode) {
  for (const ErrorCode code : enumerators<ErrorCode>()) {
    EXPECT_NE(to_string(code), "unknown error") << enumerator_name(code);
  }
}

TEST(Error, EqualsWhatSaysTheSame) {
  const Error error(ErrorCode::Io, "reading x", 5);
  EXPECT_EQ(error, Error(ErrorCode::Io, "reading x", 5));
  EXPECT_NE(error, Error(ErrorCode::Internal, "reading x", 5));
  EXPECT_NE(error, Error(ErrorCode::Io, "reading y", 5));
  EXPECT_NE(error, Error(ErrorCode::Io, "reading x", 6));
}

TEST(Error, WrapsWhatUserCodeThrew) {
  const Error wrapped = Error::external("actor cpu, reading /proc", std::runtime_error("no such file"));
  EXPECT_EQ(wrapped.code(), ErrorCode::External);
  EXPECT_STREQ(wrapped.what(), "actor cpu, reading /proc: no such file");
  const Error error(ErrorCode::MailboxFull, "full");
  EXPECT_EQ(Error::external("sending", error), error) << "an Error stays what it is";
}

TEST(Error, OfASettleTimeoutSaysHowLongAndHowMuch) {
  const Error error = Error::settle_timeout("settle_on_event(Alert)", 1s, 3);
  EXPECT_EQ(error.code(), ErrorCode::SettleTimeout);
  const std::string what = error.what();
  EXPECT_NE(what.find("settle_on_event(Alert) was not met within 1s: 3 events recorded"), std::string::npos) << what;
}

}  // namespace
}  // namespace actor
