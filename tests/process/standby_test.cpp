// A spare process takes over at once, and what it takes over is complete.

#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Standby : public RuntimeTest {
 protected:
  Broker& start_two(const std::string& of_sink = "") {
    Broker& broker = start("[broker]\nname = \"test\"\n" +
                           section("sink", "subscribes = [\"*\"]\nstandby = 1\n" + of_sink) + section("source"));
    for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
    return broker;
  }
  /// The process number of the spare.
  pid_t wait_for_spare(Broker& broker) {
    wait_until("a spare", [&] { return broker.actor("sink").at("standby") == "ready"; });
    wait_until("the line about it",
               [&] { return broker.log().count_with("sink: has a spare process standing by") > spares_; });
    ++spares_;
    std::string last;
    for (const std::string& line : broker.log().all()) {
      if (line.find("standing by, pid ") != std::string::npos) last = line;
    }
    return std::stoi(last.substr(last.rfind(' ')));
  }
  std::size_t spares_ = 0;
};

TEST_F(Standby, ASpareTakesOverAndAnotherOneIsMade) {
  Broker& broker = start_two("env = { ON_EVENT = \"5=die\" }\n");
  const pid_t spare = wait_for_spare(broker);
  EXPECT_EQ(journal().count_with("sink: started"), 1U) << "a spare waits before on_start()";
  tell("source", "send 1 20");
  wait_for("sink: got 20");
  wait_for("sink: got 5 again, attempt 2");
  EXPECT_EQ(broker.actor("sink").at("pid"), spare);
  EXPECT_EQ(broker.actor("sink").at("incarnation"), 2);
  EXPECT_EQ(broker.actor("sink").at("restarts"), 1);
  for (int event = 6; event <= 20; ++event) EXPECT_EQ(journal().count("sink: got " + std::to_string(event)), 1U);
  EXPECT_NE(wait_for_spare(broker), spare);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Standby, ASpareThatDiesIsMadeAgainAndNobodyNotices) {
  Broker& broker = start_two();
  const pid_t spare = wait_for_spare(broker);
  ASSERT_EQ(kill(spare, SIGKILL), 0);
  broker.wait_for_log("its spare process has ended before it was needed");
  EXPECT_NE(wait_for_spare(broker), spare);
  EXPECT_EQ(broker.actor("sink").at("incarnation"), 1);
  EXPECT_EQ(broker.actor("sink").at("restarts"), 0);
}

TEST_F(Standby, ASpareIsStartedAsTheManifestSays) {
  const auto wrapper = directory() / "wrapper", note = directory() / "wrapped";
  std::ofstream(wrapper) << "#!/bin/sh\necho \"$$\" >> '" << note.string() << "'\nexec process_actors \"$@\"\n";
  std::filesystem::permissions(wrapper, std::filesystem::perms::owner_all);
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("sink", "standby = 1\n", "Puppet", wrapper.string()));
  const pid_t spare = wait_for_spare(broker);
  std::ifstream wrapped(note);
  std::vector<pid_t> pids;
  for (pid_t pid = 0; wrapped >> pid;) pids.push_back(pid);
  EXPECT_EQ(pids, (std::vector<pid_t>{broker.actor("sink").at("pid").get<pid_t>(), spare}));
}

TEST_F(Standby, StopEndsTheSpareAndStartMakesOne) {
  Broker& broker = start_two();
  const pid_t spare = wait_for_spare(broker);
  EXPECT_EQ(broker.ctl("stop sink").code, 0);
  wait_for_exit(spare);
  broker.wait_for_state("sink", "ended");
  EXPECT_TRUE(broker.actor("sink").at("standby").is_null());
  EXPECT_EQ(broker.ctl("start sink").code, 0);
  wait_for_spare(broker);
}

TEST_F(Standby, ANewBrainMakesItsOwnSpare) {
  Broker& broker = start_two();
  const pid_t spare = wait_for_spare(broker);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  wait_for_exit(spare);
  EXPECT_NE(wait_for_spare(broker), spare);
  EXPECT_EQ(broker.actor("sink").at("incarnation"), 1);
  EXPECT_EQ(broker.ctl("kill sink").code, 0);
  broker.wait_for_incarnation("sink", 2);
  tell("source", "send 1 3");
  wait_for("sink: got 3");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

}  // namespace
}  // namespace process_test
