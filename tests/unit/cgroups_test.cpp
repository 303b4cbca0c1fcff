// Cgroups over directories that look like a cgroup file system; and, where this machine lets us, over a real one.

#include "sandbox/cgroups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// A file system that keeps what is written, but does nothing.
class FakeCgroups : public ::testing::Test {
 protected:
  FakeCgroups() {
    std::string pattern = (fs::temp_directory_path() / "cgroups-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    root_ = pattern;
    base_ = root_ / "mount/system.slice/station.service";
    fs::create_directories(base_);
    fs::create_directories(root_ / "proc/self");
    write(root_ / "proc/self/cgroup", "4:memory:/elsewhere\n0::/system.slice/station.service\n");
    write(root_ / "proc/self/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n30 1 0:26 / " +
                                             (root_ / "mount").string() + " rw shared:4 - cgroup2 cgroup2 rw\n");
    write(base_ / "cgroup.procs", "");
    write(base_ / "cgroup.controllers", "cpuset cpu io memory pids\n");
    write(base_ / "cgroup.subtree_control", "");
  }
  ~FakeCgroups() override { fs::remove_all(root_); }

  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  /// As the kernel would make it.
  void make_leaf(const std::string& name) {
    const fs::path leaf = base_ / name;
    fs::create_directories(leaf);
    for (const char* file : {"cgroup.procs", "cgroup.kill", "memory.max", "memory.oom.group", "pids.max", "cpu.max"}) {
      write(leaf / file, "");
    }
  }

  fs::path root_;
  fs::path base_;
};

const Limits all{.memory_bytes = 64u << 20, .open_files = {}, .core_bytes = {}, .processes = 7, .cpu_percent = 150};

TEST_F(FakeCgroups, OneThatWasNotDelegatedIsLeftAlone) {
  Cgroups cgroups(std::nullopt, root_);
  EXPECT_FALSE(cgroups.available());
  EXPECT_THAT(cgroups.why_not(), HasSubstr("was not delegated"));
  EXPECT_FALSE(cgroups.enter({::getpid()}));
  EXPECT_THAT(cgroups.missing(all), ElementsAre("processes", "cpu"));
  EXPECT_FALSE(cgroups.prepare("cpu", all));
  EXPECT_EQ(text_of(base_ / "cgroup.procs"), "");
}

TEST_F(FakeCgroups, TheManifestsIsUsedWithoutAsking) {
  Cgroups cgroups(base_, root_);
  EXPECT_TRUE(cgroups.available());
  EXPECT_TRUE(cgroups.controls("memory"));
  EXPECT_THAT(cgroups.missing(all), IsEmpty());
  make_leaf("broker");
  ASSERT_TRUE(cgroups.enter({4711}));
  EXPECT_EQ(text_of(base_ / "broker/cgroup.procs"), "4711") << "the broker makes way: it was in there itself";
  EXPECT_THAT(text_of(base_ / "cgroup.subtree_control"), HasSubstr("+cpu"));
}

TEST_F(FakeCgroups, AnActorsLimitsAreWrittenAndTakenAway) {
  make_leaf("broker");
  make_leaf("actor.cpu");
  Cgroups cgroups(base_, root_);
  EXPECT_TRUE(cgroups.prepare("cpu", all));
  EXPECT_EQ(text_of(base_ / "actor.cpu/memory.max"), "67108864");
  EXPECT_EQ(text_of(base_ / "actor.cpu/memory.oom.group"), "1");
  EXPECT_EQ(text_of(base_ / "actor.cpu/pids.max"), "7");
  EXPECT_EQ(text_of(base_ / "actor.cpu/cpu.max"), "150000 100000");
  make_leaf("actor.cpu");
  EXPECT_TRUE(cgroups.prepare("cpu", {}));
  EXPECT_EQ(text_of(base_ / "actor.cpu/memory.max"), "max");
  EXPECT_EQ(text_of(base_ / "actor.cpu/pids.max"), "max");
  EXPECT_EQ(text_of(base_ / "actor.cpu/cpu.max"), "max 100000");
}

TEST_F(FakeCgroups, AControllerThatTheKernelHasSwitchedOffIsMissing) {
  write(base_ / "cgroup.controllers", "cpu pids\n");  // Raspberry Pi OS
  const Cgroups cgroups(base_, root_);
  EXPECT_FALSE(cgroups.controls("memory"));
  EXPECT_THAT(cgroups.missing(all), IsEmpty()) << "memory has its stand-in";
}

TEST_F(FakeCgroups, OomKillsAreCountedByTheKernel) {
  make_leaf("actor.cpu");
  write(base_ / "actor.cpu/memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n");
  const Cgroups cgroups(base_, root_);
  EXPECT_EQ(cgroups.oom_kills("cpu"), 2u);
  EXPECT_EQ(cgroups.oom_kills("other"), 0u);
}

TEST_F(FakeCgroups, AnotherDirectoryIsNoCgroup) {
  const Cgroups cgroups(fs::path("/etc"), root_);
  EXPECT_EQ(cgroups.why_not(), "/etc is no cgroup of version 2");
}

/// A cgroup of this test's own in the real file system, if it may make one.
class RealCgroups : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      if (!fs::exists(fs::path(mount) / "cgroup.procs")) continue;
      base_ = fs::path(mount) / ("actor-test-" + std::to_string(::getpid()));
      std::error_code error;
      if (fs::create_directory(base_, error)) return;
    }
    base_.clear();
    GTEST_SKIP() << "this machine lets us make no cgroup of version 2";
  }
  void TearDown() override {
    if (base_.empty()) return;
    (void)::rmdir((base_ / "actor.cpu").c_str());
    (void)::rmdir(base_.c_str());
  }
  fs::path base_;
};

TEST_F(RealCgroups, TheEndOfAnActorIsTheEndOfAllThatItHasStarted) {
  Cgroups cgroups(base_);
  ASSERT_TRUE(cgroups.available()) << cgroups.why_not();
  ASSERT_TRUE(cgroups.enter({::getpid()})) << "this process is elsewhere and stays there";
  Fd procs = cgroups.prepare("cpu", {});
  ASSERT_TRUE(procs);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::write(procs.get(), "0", 1) != 1) ::_exit(1);
    if (::fork() == 0) ::setsid();  // a runaway: another session, another group
    (void)!::write(ready[1], "r", 1);
    for (;;) ::pause();
  }
  ::close(ready[1]);
  char bytes[2];
  for (int read = 0; read < 2;) read += static_cast<int>(::read(ready[0], bytes, 1));
  cgroups.kill("cpu");
  EXPECT_EQ(::read(ready[0], bytes, 1), 0) << "both have let go of the pipe";
  ::close(ready[0]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace actor::broker
