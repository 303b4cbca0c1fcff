// A machine that is too busy, and actors that are slow for it: nobody is declared dead.

#include <sched.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

/// Processes that keep processor 0 busy until the end of the test.
class Spinners {
 public:
  explicit Spinners(int count) {
    for (int i = 0; i < count; ++i) {
      const pid_t pid = fork();
      if (pid == 0) {
        cpu_set_t first;
        CPU_ZERO(&first);
        CPU_SET(0, &first);
        (void)sched_setaffinity(0, sizeof first, &first);
        for (std::atomic<unsigned> turns = 0;; ++turns) {
        }
      }
      pids_.push_back(pid);
    }
  }
  ~Spinners() {
    for (const pid_t pid : pids_) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }

 private:
  std::vector<pid_t> pids_;
};

class Starved : public RuntimeTest {};

/// Five seconds during which nothing of the runtime runs: real ones, because that is what an operator's Ctrl-Z is, or a
/// machine that pages.
TEST_F(Starved, WhatWasStoppedForFiveSecondsLives) {
  const std::string watched = "watchdog = \"1s\"\nstop_timeout = \"1s\"\n";
  Broker& broker =
      start("[broker]\nname = \"test\"\nbrain_watchdog = \"1s\"\n" +
            section("reader", watched + "subscribes = [\"*\"]\npublishes = []\n") + section("source", watched));
  for (const char* name : {"reader", "source"}) broker.wait_for_state(name, "ready");
  const pid_t brain = broker.brain_pid();
  std::vector<pid_t> all = {broker.pid(), brain};
  for (const char* name : {"reader", "source"}) all.push_back(broker.actor(name).at("pid").get<pid_t>());
  const auto stop_for_five_seconds = [&](const std::vector<pid_t>& whom) {
    for (const pid_t pid : whom) ASSERT_EQ(kill(pid, SIGSTOP), 0);
    std::this_thread::sleep_for(std::chrono::seconds(5));
    for (const pid_t pid : whom) ASSERT_EQ(kill(pid, SIGCONT), 0);
  };
  tell("source", "send 1 100");  // they are stopped at work
  stop_for_five_seconds(all);
  {
    const Spinners spinners(4);
    wait_for("reader: got 100");
    tell("source", "send 101 200");
    wait_for("source: sent 200");
    stop_for_five_seconds({all[2], all[3]});  // the broker goes on looking at them
    wait_for("reader: got 200");
  }
  EXPECT_EQ(broker.brain_pid(), brain);
  for (const char* name : {"reader", "source"}) EXPECT_EQ(broker.actor(name).at("incarnation"), 1) << name;
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Starved, ActorsOnAnOverloadedProcessorLive) {
  const std::string starved = "cpus = [0]\nwatchdog = \"1s\"\n";
  Broker& broker = start(
      "[broker]\nname = \"test\"\n[topics.\"Topic.Numbers\"]\ncapacity = 4\n" +
      section("reader", starved + "subscribes = [\"*\"]\npublishes = []\n") + section("source", starved) +
      section("clock", "watchdog = \"1s\"\nsubscribes = [\"*\"]\npublishes = []\nenv = { ON_EVENT = \"1=hang\" }\n"));
  for (const char* name : {"reader", "source", "clock"}) broker.wait_for_state(name, "ready");
  {
    const Spinners spinners(4);
    tell("source", "send 1 500");
    // That the clock is found hanging says that a whole limit has passed for the others as well.
    broker.wait_for_log("clock: hangs: ");
    wait_for("reader: got 500");
  }
  for (const char* name : {"reader", "source"}) EXPECT_EQ(broker.actor(name).at("incarnation"), 1) << name;
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

/// Of the programs that are started while it lives: what libfaketime tells them instead of the machine's.
class WallClock {
 public:
  explicit WallClock(const std::filesystem::path& directory) : offset_(directory / "wall-clock") {
    set("+0");
    utsname machine{};  // where libraries of other architectures are installed too, its own is wanted
    uname(&machine);
    const auto library = std::filesystem::path("/usr/lib") / (std::string(machine.machine) + "-linux-gnu") /
                         "faketime/libfaketimeMT.so.1";
    if (std::filesystem::exists(library)) library_ = library;
    setenv("LD_PRELOAD", library_.c_str(), 1);
    setenv("FAKETIME_TIMESTAMP_FILE", offset_.c_str(), 1);
    setenv("FAKETIME_NO_CACHE", "1", 1);
    setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1", 1);
  }
  ~WallClock() {
    for (const char* name :
         {"LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE", "FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC"})
      unsetenv(name);
  }
  bool is_there() const { return !library_.empty(); }
  void set(const std::string& offset) const { std::ofstream(offset_, std::ios::trunc) << offset << '\n'; }

 private:
  std::filesystem::path offset_;
  std::filesystem::path library_;
};

TEST_F(Starved, AWallClockThatIsSetBackAnHourDisturbsNobody) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's library must be loaded before libfaketime";
#endif
  const WallClock clock(directory());
  if (!clock.is_there()) GTEST_SKIP() << "libfaketime is not installed";
  const std::string watched = "watchdog = \"1s\"\n";
  Broker& broker = start("[broker]\nname = \"test\"\nbrain_watchdog = \"1s\"\n" +
                         section("reader", watched + "subscribes = [\"*\"]\nenv = { ON_EVENT = \"25=die\" }\n") +
                         section("source", watched));
  for (const char* name : {"reader", "source"}) broker.wait_for_state(name, "ready");
  const pid_t brain = broker.brain_pid();
  const auto hour = [&] { return broker.log().all().back().substr(0, 2); };
  const std::string before = hour();
  tell("source", "send 1 10");
  wait_for("reader: got 10");
  clock.set("-1h");
  tell("source", "send 11 30");
  wait_for("reader: got 25 again, attempt 2");
  wait_for("reader: got 30");
  broker.wait_for_incarnation("reader", 2);
  EXPECT_NE(hour(), before) << "the clock was set back";
  EXPECT_EQ(broker.brain_pid(), brain);
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

}  // namespace
}  // namespace process_test
