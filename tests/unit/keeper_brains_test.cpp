// One brain after another, and who is told what.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <random>
#include <sstream>

#include "keeper_fixture.hpp"

namespace actor::broker {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

/// What the keeper says nobody reads, and there is no room left for it: a terminal that was stopped with Ctrl-S.
class UnheardKeeper : public KeeperTest {
 protected:
  UnheardKeeper() : KeeperTest(full_pipe()) {}

 private:
  static int full_pipe() {
    static Fd reader, writer;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
    const Fd filler(
        ::open(("/proc/self/fd/" + std::to_string(writer.get())).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    while (::write(filler.get(), "x", 1) == 1) {
    }
    return writer.get();
  }
};

TEST_F(UnheardKeeper, MakesAnotherBrainAllTheSameAndKillsOneThatHangs) {
  ASSERT_EQ(::kill(brain_, SIGKILL), 0);
  be_the_brain();
  client_->say_running();
  ASSERT_EQ(::kill(brain_, SIGSTOP), 0);
  be_the_brain();
}

TEST_F(KeeperTest, SignalsToTheKeeperAreToldToTheBrain) {
  ASSERT_EQ(::kill(keeper_, SIGTERM), 0);
  EXPECT_EQ(expect_event<ShutdownRequested>().signal, SIGTERM);
  ASSERT_EQ(::kill(keeper_, SIGINT), 0);
  EXPECT_EQ(expect_event<ShutdownRequested>().signal, SIGINT);
  ASSERT_EQ(::kill(brain_, SIGTERM), 0);
  ASSERT_EQ(::kill(brain_, SIGINT), 0);
  EXPECT_EQ(end_brain(0), 0) << "the brain itself does not die of them";
}

TEST_F(KeeperTest, ABrainThatDoesNotListenIsKilledAtTheFourthRequest) {
  const Spawned child = spawn(shell("exec cat <&3"));
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(::kill(keeper_, SIGTERM), 0);
    expect_event<ShutdownRequested>();
  }
  EXPECT_EQ(wait_for_keeper(), 1);
  EXPECT_TRUE(is_readable(child.pidfd.get()));
}

TEST_F(KeeperTest, ChildrenThatAreLeftBehindGetTheTimeThatABrainHasSaid) {
  client_->set_stop_timeout(std::chrono::hours(1));
  const Spawned child =
      spawn(shell("trap 'sleep 0.5; echo stopped; exit' TERM; echo ready; while :; do sleep 1000 & wait $!; done"));
  EXPECT_EQ(read_text(child.out.get(), true), "ready");
  EXPECT_EQ(end_brain(0), 0);
  EXPECT_EQ(read_text(child.out.get()), "stopped\n") << "keeper_host alone would have given it 200 ms";
}

TEST_F(KeeperTest, TheBrainsExitCodeIsTheBrokers) {
  EXPECT_TRUE(control::is_held(control::runtime_directory("test")));
  const Spawned child = spawn(shell("exec cat <&3"));
  EXPECT_EQ(end_brain(42), 42);
  EXPECT_TRUE(is_readable(child.pidfd.get())) << "what the brain leaves behind is ended";
  EXPECT_FALSE(fs::exists(control::runtime_directory("test")));
}

TEST_F(KeeperTest, TheNextBrainIsToldEverything) {
  const Spawned lives = spawn(shell("exec cat <&3"));
  const Spawned ended = spawn(shell("exit 7"));
  expect_event<Exited>();
  const Spawned forgotten = spawn(shell("exit 8"));
  expect_event<Exited>();
  client_->ack_exit(forgotten.serial);
  const std::uint64_t failed = start({.name = "x", .exec = "/nonexistent", .args = {}, .env = {}, .cwd = {}});
  expect_event<SpawnFailed>();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd reader(ends[0]);
  client_->store(77, ends[1]);
  client_->store(78, ends[1]);
  client_->drop(78);
  ::close(ends[1]);
  ASSERT_EQ(::kill(keeper_, SIGTERM), 0);
  expect_event<ShutdownRequested>();
  // A last request, which the keeper has not seen when the brain dies.
  const std::uint64_t last = start(shell("exec cat <&3"));
  ASSERT_EQ(::kill(brain_, SIGKILL), 0);

  const auto told = be_the_brain();
  std::map<std::uint64_t, std::string> story;
  std::uint64_t shutdowns = 0;
  for (const KeeperEvent& event : told) {
    if (const auto* child = std::get_if<Spawned>(&event)) story[child->serial] += child->pidfd ? "spawned " : "? ";
    if (const auto* child = std::get_if<SpawnFailed>(&event)) story[child->serial] += "failed ";
    if (const auto* child = std::get_if<Exited>(&event))
      story[child->serial] += "exited " + std::to_string(WEXITSTATUS(child->status));
    if (const auto* request = std::get_if<ShutdownRequested>(&event)) shutdowns += request->count;
  }
  if (!story.contains(last)) {  // it was still on its way to exec
    EXPECT_EQ(expect_event<Spawned>().serial, last);
    story[last] = "spawned ";
  }
  const std::map<std::uint64_t, std::string> expected = {
      {lives.serial, "spawned "}, {ended.serial, "spawned exited 7"}, {failed, "failed "}, {last, "spawned "}};
  EXPECT_EQ(story, expected);
  EXPECT_EQ(shutdowns, 1U);
  EXPECT_TRUE(safe_->find(77));
  EXPECT_FALSE(safe_->find(78));
  client_->drop(77);
  safe_.reset();
  wait_readable(reader.get());
}

TEST_F(KeeperTest, ABrainThatHangsIsKilledAndTheNextOneIsToldEverything) {
  const Spawned child = spawn(shell("exec sleep 1000"));
  const auto next_brain = [&] {
    const pid_t old = brain_;
    const auto told = be_the_brain();
    EXPECT_NE(brain_, old);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(std::get<Spawned>(told[0]).serial, child.serial);
    client_->say_running();
  };
  for (const int how : {200, 201}) {  // see keeper_host.cpp
    const auto byte = static_cast<std::byte>(how);
    control::send_seqpacket(host_.get(), std::span(&byte, 1));
    next_brain();
  }
  ASSERT_EQ(::kill(brain_, SIGSTOP), 0);
  next_brain();
}

TEST_F(KeeperTest, WhenBrainsDieAsSoonAsTheyBeginEverythingEnds) {
  ASSERT_TRUE(fs::exists(control::runtime_directory("test")));
  const Spawned polite = spawn(shell("exec cat <&3"));
  const Spawned stubborn = spawn(shell("trap '' TERM HUP; echo ready; while :; do read x <&3; done"));
  EXPECT_EQ(read_text(stubborn.out.get(), true), "ready");
  const Spawned runaway = spawn(shell("setsid sleep 1000 & echo $!; wait"));
  const Fd stray = pidfd_of(std::stoi(read_text(runaway.out.get(), true)));
  ASSERT_TRUE(stray);
  const auto next_brain = [&](int signal, bool runs) {
    if (runs) client_->say_running();
    ASSERT_EQ(::kill(brain_, signal), 0);
    be_the_brain();
  };
  for (int brains = 0; brains < 9; ++brains) next_brain(SIGKILL, false);
  for (int brains = 0; brains < 20; ++brains) next_brain(SIGKILL, true);  // begun and killed: as often as one likes
  for (int brains = 0; brains < 5; ++brains) next_brain(SIGKILL, false);
  for (int brains = 0; brains < 5; ++brains) next_brain(SIGABRT, true);  // crashed
  ASSERT_EQ(::kill(brain_, SIGKILL), 0);
  EXPECT_EQ(wait_for_keeper(), 1);
  for (const int pidfd : {polite.pidfd.get(), stubborn.pidfd.get(), runaway.pidfd.get(), stray.get()}) {
    EXPECT_TRUE(is_readable(pidfd));
  }
  EXPECT_FALSE(fs::exists(control::runtime_directory("test")));
}

TEST_F(KeeperTest, WhenTheKeeperIsKilledTheBrainIsToldAndTheChildrenHangUp) {
  const Spawned child = spawn(shell("exec cat <&3"));
  ASSERT_EQ(::kill(keeper_, SIGKILL), 0);
  EXPECT_EQ(wait_for_keeper(), -SIGKILL);
  expect_event<KeeperGone>();
  EXPECT_FALSE(client_->next());
  client_->kill(child.serial, SIGTERM, true);
  wait_readable(child.pidfd.get());
  EXPECT_TRUE(control::is_held(control::runtime_directory("test"))) << "the brain lives, and has the lock as well";
  const Fd brain = pidfd_of(brain_);
  host_.reset();  // ends the brain
  wait_readable(brain.get());
  control::remove_if_dead(control::runtime_directory("test"));
  EXPECT_FALSE(fs::exists(control::runtime_directory("test")));
}

}  // namespace
}  // namespace actor::broker
