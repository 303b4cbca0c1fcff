// What the manifest allows an actor, asked of its process.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Sandboxes : public RuntimeTest {
 protected:
  std::string proc(Broker& broker, const std::string& actor, const std::string& file) {
    std::ifstream stream("/proc/" + std::to_string(broker.actor(actor).at("pid").get<pid_t>()) + "/" + file);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  /// Other users reach the actors' commands, too. After the last section().
  void let_others_in() {
    fs::permissions(directory(), fs::perms(0755));
    for (const auto& file : fs::directory_iterator(directory())) {
      if (file.is_fifo()) fs::permissions(file.path(), fs::perms(0666));
    }
  }
  /// A cgroup of version 2 for the broker; empty where there can be none.
  static fs::path new_cgroup() {
    for (const char* mount : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
      if (!fs::exists(fs::path(mount) / "cgroup.procs")) continue;
      std::error_code error;
      const fs::path base = fs::path(mount) / ("actor-test-" + std::to_string(getpid()));
      if (fs::create_directory(base, error)) return base;
    }
    return {};
  }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Sandboxes, HoldTheActorAndItsNextLife) {
  Broker& broker = start("[broker]\nname = \"test\"\n" +
                         section("held", "nice = 5\ncpus = [0]\nlimits = { open_files = 77, core = \"0\" }\n") +
                         section("free", "no_new_privs = false\n"));
  for (int life = 1; life <= 2; ++life) {
    broker.wait_for_incarnation("held", life);
    broker.wait_for_state("held", "ready");
    EXPECT_THAT(proc(broker, "held", "status"), HasSubstr("NoNewPrivs:\t1"));
    EXPECT_THAT(proc(broker, "held", "status"), HasSubstr("Cpus_allowed_list:\t0\n"));
    EXPECT_THAT(proc(broker, "held", "limits"), HasSubstr("Max open files            77                   77"));
    tell("held", "die");
  }
  broker.wait_for_state("free", "ready");
  EXPECT_THAT(proc(broker, "free", "status"), HasSubstr("NoNewPrivs:\t0"));
  end(broker);
}

/// The eventfds that a process holds, by the kernel's numbers of them.
std::set<std::string> eventfds(Broker& broker, const std::string& name) {
  std::set<std::string> ids;
  const fs::path descriptors = "/proc/" + std::to_string(broker.actor(name).at("pid").get<pid_t>()) + "/fdinfo";
  for (const auto& file : fs::directory_iterator(descriptors)) {
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("eventfd-id:")) ids.insert(line);
    }
  }
  return ids;
}

bool share_an_eventfd(Broker& broker, const std::string& one, const std::string& other) {
  const std::set<std::string> ones = eventfds(broker, one), others = eventfds(broker, other);
  return std::any_of(ones.begin(), ones.end(), [&](const std::string& id) { return others.contains(id); });
}

TEST_F(Sandboxes, ActorsOfDifferentUsersShareNothingThatOneCouldMakeTheOtherWaitAt) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the user";
  const std::string both = "subscribes = [\"*\"]\n";
  const std::string text = "[broker]\nname = \"test\"\n" + section("held", "user = \"65534\"\n" + both) +
                           section("free", both) + section("a", both);
  let_others_in();
  Broker& broker = start(text);
  for (const char* name : {"held", "free", "a"}) broker.wait_for_state(name, "ready");
  tell("held", "send 1 1");
  wait_for("free: got 1");
  tell("free", "send 2 2");
  wait_for("held: got 2");
  if (eventfds(broker, "free").empty()) GTEST_SKIP() << "this kernel does not tell eventfds apart";
  EXPECT_TRUE(share_an_eventfd(broker, "a", "free")) << "between those of one user they are quicker";
  EXPECT_FALSE(share_an_eventfd(broker, "held", "free"));
  EXPECT_FALSE(share_an_eventfd(broker, "held", "a"));
  end(broker);
}

TEST_F(Sandboxes, ActorsOfDifferentUsersExchangeEventsAndDeaths) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the user";
  const std::string as_nobody = "user = \"65534\"\nseccomp = \"default\"\nsubscribes = [\"*\"]\n";
  const std::string text =
      "[broker]\nname = \"test\"\n" + section("held", as_nobody) + section("free", "subscribes = [\"*\"]\n");
  let_others_in();
  Broker& broker = start(text);
  for (const char* name : {"held", "free"}) broker.wait_for_state(name, "ready");
  EXPECT_THAT(proc(broker, "held", "status"), HasSubstr("Uid:\t65534\t65534\t65534\t65534"));
  EXPECT_THAT(proc(broker, "held", "status"), HasSubstr("CapEff:\t0000000000000000"));
  tell("free", "send 1 3");
  wait_for("held: got 3");
  tell("held", "send 4 6");
  wait_for("free: got 6");
  tell("held", "die");
  broker.wait_for_incarnation("held", 2);
  tell("free", "send 7 9");
  wait_for("held: got 9");
  end(broker);
}

TEST_F(Sandboxes, ActorsWithoutDevicesExchangeEvents) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may mount";
  struct statx root {};
  if (statx(AT_FDCWD, "/", 0, 0, &root) == 0 && !(root.stx_attributes & STATX_ATTR_MOUNT_ROOT))
    GTEST_SKIP() << "not in a chroot";
  const std::string nothing = "devices = []\nsubscribes = [\"*\"]\n";
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("a", nothing) + section("b", nothing));
  for (const char* name : {"a", "b"}) broker.wait_for_state(name, "ready");
  const fs::path its_dev = "/proc/" + std::to_string(broker.actor("a").at("pid").get<pid_t>()) + "/root/dev";
  EXPECT_TRUE(fs::exists(its_dev / "null"));
  EXPECT_FALSE(fs::exists(its_dev / "ptmx"));
  tell("a", "send 1 3");
  wait_for("b: got 3");
  tell("b", "die");
  broker.wait_for_incarnation("b", 2);
  tell("a", "send 4 6");
  wait_for("b: got 6");
  end(broker);
}

TEST_F(Sandboxes, AStepThatFailsIsInTheLogWithItsReason) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may change the user";
  // Who is not root may be filtered only if it can get no privileges back.
  Broker& broker = start("[broker]\nname = \"test\"\n" +
                         section("held", "no_new_privs = false\nuser = \"65534\"\nseccomp = \"default\"\n"));
  broker.wait_for_log("held: cannot start ");
  EXPECT_THAT(broker.log().first_with("held: cannot start "), HasSubstr("(seccomp): Permission denied"));
  broker.wait_for_state("held", "quarantined");
  end(broker);
}

TEST_F(Sandboxes, ALimitThatCannotBeHadIsSaidAtTheStart) {
  Broker& broker =
      start("[broker]\nname = \"test\"\ncgroup = \"/nonexistent\"\n" + section("held", "limits = { processes = 5 }\n"));
  broker.wait_for_log("held: limits.processes is unavailable: /nonexistent is no cgroup of version 2");
  broker.wait_for_state("held", "ready");
  end(broker);
}

TEST_F(Sandboxes, ACgroupOfItsOwnEndsWithTheActorWhateverRanAway) {
  const fs::path base = new_cgroup();
  if (base.empty()) GTEST_SKIP() << "this machine lets us make no cgroup of version 2";
  Broker& broker = start("[broker]\nname = \"test\"\ncgroup = \"" + base.string() + "\"\n" + section("held"));
  broker.wait_for_state("held", "ready");
  EXPECT_THAT(proc(broker, "held", "cgroup"), HasSubstr(base.filename().string() + "/actor.held"));
  tell("held", "runaway");
  const pid_t runaway = pid_in_journal("held: runaway");
  tell("held", "exit 3");
  wait_for_exit(runaway);
  broker.wait_for_incarnation("held", 2);
  end(broker);
  EXPECT_FALSE(fs::exists(base / "actor.held"));
  EXPECT_EQ(rmdir(base.c_str()), 0);
}

TEST_F(Sandboxes, ACgroupIsEmptiedThoughTheBrainDiesOverIt) {
  const fs::path base = new_cgroup();
  if (base.empty()) GTEST_SKIP() << "this machine lets us make no cgroup of version 2";
  Broker& broker = start("[broker]\nname = \"test\"\ncgroup = \"" + base.string() + "\"\n" +
                         section("held",
                                 "budget = { restarts = 99, within = \"1h\" }\n"
                                 "backoff = { base = \"1ms\", max = \"1ms\" }\n"));
  for (int life = 1; life <= 6; ++life) {
    broker.wait_for_incarnation("held", life);
    const pid_t brain = broker.brain_pid();
    const pid_t held = broker.actor("held").at("pid").get<pid_t>();
    tell("held", "runaway");
    wait_until("the runaway", [&] { return journal().count_with("held: runaway") == static_cast<std::size_t>(life); });
    const pid_t runaway = pid_in_journal("held: runaway");
    ASSERT_EQ(kill(life % 2 != 0 ? brain : held, SIGKILL), 0);
    ASSERT_EQ(kill(life % 2 != 0 ? held : brain, SIGKILL), 0);
    wait_for_exit(runaway);
  }
  broker.wait_for_incarnation("held", 7);
  end(broker);
  EXPECT_EQ(rmdir(base.c_str()), 0);
}

}  // namespace
}  // namespace process_test
