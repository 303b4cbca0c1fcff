#include "runtime_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <control/channel.hpp>
#include <control/runtime_path.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

class RuntimeDirTest : public ::testing::Test {
 protected:
  RuntimeDirTest() {
    char place[] = "/tmp/actor-runtime-XXXXXX";
    if (::mkdtemp(place) == nullptr) throw std::runtime_error("mkdtemp");
    place_ = place;
    ::setenv("XDG_RUNTIME_DIR", place, 1);
  }
  ~RuntimeDirTest() override {
    std::error_code ignored;
    fs::remove_all(place_, ignored);
  }

  static std::string directory(const std::string& name) { return control::runtime_directory(name); }

  /// The error's text; the code must be the one expected.
  template <class Action>
  static std::string error_of(ErrorCode code, Action&& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      return error.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }

  fs::path place_;
};

TEST_F(RuntimeDirTest, ABrokerIsFoundByNameWhileItRuns) {
  EXPECT_THAT(control::running_brokers(), IsEmpty());
  {
    const RuntimeDir mine(directory("station"));
    const Fd listener = mine.listen();
    EXPECT_EQ(mine.path(), (place_ / "actor" / "station").string());
    EXPECT_EQ(fs::status(mine.path()).permissions(), fs::perms::owner_all);
    EXPECT_THAT(control::running_brokers(), ElementsAre("station"));
    EXPECT_EQ(control::find_broker(""), mine.path() + "/control.sock");
    EXPECT_EQ(control::find_broker("station"), mine.path() + "/control.sock");
    EXPECT_EQ(control::find_broker(mine.path() + "/"), mine.path() + "/control.sock");
    EXPECT_EQ(control::find_broker(mine.path() + "/control.sock"), mine.path() + "/control.sock");
    EXPECT_TRUE(control::connect_to(control::find_broker("")));
    mine.remove();
    EXPECT_FALSE(fs::exists(mine.path()));
  }
  EXPECT_THAT(control::running_brokers(), IsEmpty());
}

TEST_F(RuntimeDirTest, ASecondBrokerOfTheSameNameIsRefusedAndAnotherNameIsNot) {
  const RuntimeDir mine(directory("station"));
  const std::string error = error_of(ErrorCode::Refused, [] { RuntimeDir another(directory("station")); });
  EXPECT_THAT(error, HasSubstr("a broker named 'station' is already running (process " + std::to_string(::getpid())));
  const RuntimeDir other(directory("attic"));
  EXPECT_THAT(control::running_brokers(), ElementsAre("attic", "station"));
  const std::string several = error_of(ErrorCode::Io, [] { control::find_broker(""); });
  EXPECT_THAT(several, HasSubstr("attic, station"));
  const std::string wrong = error_of(ErrorCode::Io, [] { control::find_broker("cellar"); });
  EXPECT_THAT(wrong, HasSubstr("running are: attic, station"));
}

TEST_F(RuntimeDirTest, WhatADeadBrokerHasLeftIsTakenOver) {
  {
    const RuntimeDir dead(directory("station"));
    const Fd listener = dead.listen();
  }
  ASSERT_TRUE(fs::exists(directory("station") + "/control.sock"));
  EXPECT_FALSE(control::is_held(directory("station")));
  const RuntimeDir mine(directory("station"));
  EXPECT_FALSE(fs::exists(directory("station") + "/control.sock"));
  const Fd listener = mine.listen();
  EXPECT_TRUE(control::connect_to(control::find_broker("station")));
}

TEST_F(RuntimeDirTest, OnlyWhatIsDeadIsRemovedByOthers) {
  std::optional<RuntimeDir> mine(directory("station"));
  control::remove_if_dead(directory("station"));
  EXPECT_TRUE(fs::exists(directory("station")));
  mine.reset();
  control::remove_if_dead(directory("station"));
  EXPECT_FALSE(fs::exists(directory("station")));
  control::remove_if_dead(directory("never-was"));
}

TEST_F(RuntimeDirTest, ADirectoryThatOthersCanEnterIsRefused) {
  fs::create_directories(directory("station"));
  fs::permissions(place_ / "actor", fs::perms::owner_all);
  for (const fs::perms open : {fs::perms::group_write, fs::perms::others_read, fs::perms::others_exec}) {
    fs::permissions(directory("station"), fs::perms::owner_all | open);
    EXPECT_THAT(error_of(ErrorCode::Io, [] { RuntimeDir mine(directory("station")); }), HasSubstr("chmod 700"));
  }
}

TEST_F(RuntimeDirTest, WhoMayEnterItByItsGroupMayConnect) {
  const auto mode_of = [](const std::string& file) { return static_cast<unsigned>(fs::status(file).permissions()); };
  fs::create_directories(directory("station"));
  fs::permissions(place_ / "actor", fs::perms::owner_all);
  fs::permissions(directory("station"), fs::perms(0750));
  {
    const RuntimeDir mine(directory("station"));
    const Fd listener = mine.listen();
    EXPECT_EQ(mode_of(control::socket_path(mine.path())), 0660u);
    EXPECT_EQ(mode_of(control::lock_path(mine.path())), 0640u) << "by which it is seen that a broker runs";
  }
  const RuntimeDir closed(directory("attic"));
  EXPECT_EQ(mode_of(control::lock_path(closed.path())), 0600u);
}

TEST_F(RuntimeDirTest, ABrokerOfTheSystemIsFoundByNameWhenThisUserHasNoneOfThatName) {
  const std::string system = (place_ / "system").string();
  fs::create_directory(system);
  const RuntimeDir theirs(system + "/station");
  EXPECT_EQ(control::find_broker("station", control::Asker::Tool, system), theirs.path() + "/control.sock");
  const RuntimeDir mine(directory("station"));
  EXPECT_EQ(control::find_broker("station", control::Asker::Tool, system), mine.path() + "/control.sock");
}

TEST_F(RuntimeDirTest, OfABrokerOfTheSystemThatIsClosedItIsSaidHowToAskIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  const std::string system = (place_ / "system").string();
  fs::create_directory(system);
  fs::permissions(place_, fs::perms(0755));
  const RuntimeDir theirs(system + "/station");
  const auto as_another = [&](control::Asker who = control::Asker::Tool) {
    EXPECT_EQ(::seteuid(12345), 0);
    std::string said = error_of(ErrorCode::Io, [&] { control::find_broker("station", who, system); });
    EXPECT_EQ(::seteuid(0), 0);
    return said;
  };
  const std::string what =
      "the broker at " + system +
      "/station is that of user 'root', and this user may not ask it: " + "sudo actorctl --broker station";
  EXPECT_EQ(as_another(), what);
  EXPECT_EQ(as_another(control::Asker::Actor),
            "the broker at " + system +
                "/station is that of user 'root', and only that user's programs can be its actors: run this one with "
                "sudo -u root");
  fs::permissions(theirs.path(), fs::perms(0750));
  ASSERT_EQ(::chown(theirs.path().c_str(), 0, 65534), 0);
  EXPECT_EQ(as_another(),
            what + "; or become a member of the group 'nogroup' (sudo adduser USER nogroup, then log in anew)");
}

TEST_F(RuntimeDirTest, OthersMayLookAtWhatBrokersThereAreButNotAddOne) {
  fs::create_directories(place_ / "actor");
  fs::permissions(place_ / "actor", fs::perms(0755));
  { const RuntimeDir mine(directory("station")); }
  fs::permissions(place_ / "actor", fs::perms(0775));
  EXPECT_THAT(error_of(ErrorCode::Io, [] { RuntimeDir mine(directory("attic")); }), HasSubstr("chmod 700"));
}

TEST_F(RuntimeDirTest, ALinkOrAFileInItsPlaceIsRefused) {
  fs::create_directories(place_ / "actor");
  fs::permissions(place_ / "actor", fs::perms::owner_all);
  fs::create_directory(place_ / "elsewhere");
  fs::create_directory_symlink(place_ / "elsewhere", directory("linked"));
  EXPECT_THAT(error_of(ErrorCode::Io, [] { RuntimeDir mine(directory("linked")); }), HasSubstr("not a directory"));
  std::ofstream(directory("file")) << "text";
  EXPECT_THAT(error_of(ErrorCode::Io, [] { RuntimeDir mine(directory("file")); }), HasSubstr("not a directory"));
}

TEST_F(RuntimeDirTest, AnotherUsersDirectoryIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  fs::create_directories(directory("station"));
  fs::permissions(place_ / "actor", fs::perms::owner_all);
  ASSERT_EQ(::chown(directory("station").c_str(), 12345, 12345), 0);
  EXPECT_THAT(error_of(ErrorCode::Io, [] { RuntimeDir mine(directory("station")); }),
              HasSubstr("belongs to user 12345"));
  // Nor is a XDG_RUNTIME_DIR that is another user's trusted.
  ASSERT_EQ(::chown(place_.c_str(), 12345, 12345), 0);
  EXPECT_EQ(control::runtime_root(), "/run/actor");
}

TEST_F(RuntimeDirTest, ADirectoryOfTheManifestsChoiceNeedsNoRoot) {
  const RuntimeDir mine((place_ / "chosen").string() + "/");
  EXPECT_EQ(mine.path(), (place_ / "chosen").string());
  EXPECT_EQ(control::find_broker((place_ / "chosen").string()), mine.path() + "/control.sock");
  EXPECT_THAT(error_of(ErrorCode::Io, [&] { RuntimeDir lost((place_ / "no" / "parent").string()); }),
              HasSubstr("cannot make the runtime directory"));
}

}  // namespace
}  // namespace actor::broker
