#include "command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct Result {
  std::optional<CommandLine> line;
  int exit_code = -1;
  std::string printed;  // stdout and stderr
};

Result parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "actor-broker");
  Result result;
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  result.line = parse_command_line(static_cast<int>(arguments.size()), arguments.data(), result.exit_code);
  result.printed = ::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr();
  return result;
}

TEST(BrokerCommandLine, AManifestAloneIsRunAsItSays) {
  const auto [line, exit_code, printed] = parsed({"station.toml"});
  ASSERT_TRUE(line) << printed;
  EXPECT_EQ(line->action, CommandLine::Action::Run);
  EXPECT_EQ(line->manifest, "station.toml");
  EXPECT_FALSE(line->run_for);
  EXPECT_FALSE(line->log);
  EXPECT_FALSE(line->name);
}

TEST(BrokerCommandLine, OptionsSayOtherwiseOnEitherSideOfTheManifest) {
  for (const auto& arguments :
       std::vector<std::vector<const char*>>{{"--for", "1500ms", "--log", "json", "--name", "attic", "m.toml"},
                                             {"m.toml", "--for=1500ms", "--log=json", "--name=attic"}}) {
    const auto [line, exit_code, printed] = parsed(arguments);
    ASSERT_TRUE(line) << printed;
    EXPECT_EQ(line->manifest, "m.toml");
    EXPECT_EQ(line->run_for, 1500ms);
    EXPECT_EQ(line->log, LogFormat::Json);
    EXPECT_EQ(line->name, "attic");
  }
}

TEST(BrokerCommandLine, DirectoriesAreRelativeToTheWorkingDirectory) {
  const auto [line, exit_code, printed] = parsed({"m.toml", "--runtime-dir", "run", "--state-dir", "/var/lib/x"});
  ASSERT_TRUE(line) << printed;
  EXPECT_EQ(line->runtime_dir, std::filesystem::current_path() / "run");
  EXPECT_EQ(line->state_dir, "/var/lib/x");
}

TEST(BrokerCommandLine, CheckStartsNothing) {
  const auto [line, exit_code, printed] = parsed({"check", "m.toml"});
  ASSERT_TRUE(line) << printed;
  EXPECT_EQ(line->action, CommandLine::Action::Check);
  EXPECT_EQ(line->manifest, "m.toml");
}

TEST(BrokerCommandLine, WhatIsWrongIsSaidAndEndsWithTwo) {
  const std::vector<std::pair<std::vector<const char*>, const char*>> wrong = {
      {{}, "actor-broker: MANIFEST is required\n"},
      {{"chek", "m.toml"}, "actor-broker: there is no command \"chek\"; did you mean \"check\"?\n"},
      {{"check"}, "MANIFEST is required"},
      {{"m.toml", "other.toml"}, "other.toml"},
      {{"m.toml", "--for", "10"}, "'10' is no duration"},
      {{"m.toml", "--for", "-1s"}, "-1s"},
      {{"m.toml", "--log", "xml"}, "xml"},
      {{"m.toml", "--name", "../up"}, "../up"},
      {{"m.toml", "--wrong"}, "--wrong"},
  };
  for (const auto& [arguments, complaint] : wrong) {
    const Result result = parsed(arguments);
    EXPECT_FALSE(result.line) << complaint;
    EXPECT_EQ(result.exit_code, 2) << complaint;
    EXPECT_THAT(result.printed, HasSubstr(complaint));
  }
}

TEST(BrokerCommandLine, HelpTeachesAndEndsWithZero) {
  const Result help = parsed({"--help"});
  EXPECT_FALSE(help.line);
  EXPECT_EQ(help.exit_code, 0);
  for (const char* lesson : {"[actors.sensor]", "actor-broker check", "actorctl ps", "Exit codes"}) {
    EXPECT_THAT(help.printed, HasSubstr(lesson));
  }
  const Result version = parsed({"--version"});
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_THAT(version.printed, HasSubstr("actor-broker "));
}

}  // namespace
}  // namespace actor::broker
