// Another manifest while the broker runs: only what it changes is touched, and what is wrong with it changes nothing.

#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Reload : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n";

  void wait_for_ready(Broker& broker, const std::vector<std::string>& names) {
    for (const auto& name : names) broker.wait_for_state(name, "ready");
  }
  /// Puts another manifest in the place of the one that the broker was started with.
  void write(Broker& broker, const std::string& manifest) {
    std::ofstream(broker.ps().at("broker").at("manifest").get<std::string>(), std::ios::trunc) << manifest;
  }
  nlohmann::json reload(Broker& broker) { return nlohmann::json::parse(broker.ctl("reload --json").said); }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Reload, TouchesOnlyWhatHasChanged) {
  Broker& broker = start(head_ + section("same") + section("changed") + section("removed"));
  wait_for_ready(broker, {"same", "changed", "removed"});
  write(broker, head_ + section("same") + section("changed", "env = { ON_EVENT = \"1=hang\" }\n") +
                    section("added", "subscribes = [\"*\"]\n"));
  const auto answer = reload(broker);
  EXPECT_EQ(answer.at("added"), nlohmann::json({"added"})) << answer;
  EXPECT_EQ(answer.at("removed"), nlohmann::json({"removed"})) << answer;
  EXPECT_EQ(answer.at("changed"), nlohmann::json({"changed"})) << answer;
  broker.wait_for_incarnation("changed", 2);
  wait_for_ready(broker, {"changed", "added"});
  wait_for("removed: shutdown");
  wait_until("'removed' is not spoken of any more", [&] { return broker.ps().at("actors").size() == 3; });
  EXPECT_EQ(broker.actor("same").at("incarnation"), 1);
  tell("same", "send 7 7");
  wait_for("added: got 7");  // routes to who is new
  EXPECT_EQ(reload(broker).at("changed"), nlohmann::json::array());
  end(broker);
}

TEST_F(Reload, KeepsTheMailboxOfWhoIsStartedAnew) {
  Broker& broker = start(head_ + section("source") +
                         section("sink",
                                 "subscribes = [\"*\"]\nstop_timeout = \"100ms\"\nenv = { ON_EVENT = "
                                 "\"2=hang\" }\n"));
  wait_for_ready(broker, {"source", "sink"});
  tell("source", "send 1 9");
  wait_for("sink: hang at 2");
  write(broker, head_ + section("source") + section("sink", "subscribes = [\"*\"]\nstop_timeout = \"100ms\"\n"));
  reload(broker);
  wait_for("sink: got 9");
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  end(broker);
}

TEST_F(Reload, AnInvalidManifestIsRefusedWithLineAndColumnAndChangesNothing) {
  Broker& broker = start(head_ + section("a"));
  wait_for_ready(broker, {"a"});
  write(broker, head_ + section("a", "restart = \"Permanent\"\n") + section("b"));
  const Finished refused = broker.ctl("reload");
  EXPECT_NE(refused.code, 0);
  EXPECT_NE(refused.said.find("actors.a.restart: \"Permanent\" is not allowed"), std::string::npos) << refused.said;
  write(broker, "[broker]\nname = \"other\"\n" + section("a", "stop_timeout = \"1s\"\n"));
  EXPECT_NE(broker.ctl("reload").said.find("broker.name: cannot be changed while the broker runs"), std::string::npos);
  EXPECT_EQ(broker.ps().at("actors").size(), 1U);
  EXPECT_EQ(broker.actor("a").at("incarnation"), 1);
  end(broker);
}

TEST_F(Reload, StartsWhatWasRefusedOrQuarantinedOnceItHasChanged) {
  Broker& broker = start(head_ + section("a") + section("b", "budget = { restarts = 0, within = \"1h\" }\n"));
  wait_for_ready(broker, {"a", "b"});
  tell("a", "exit 78");
  tell("b", "die");
  broker.wait_for_state("a", "refused");
  broker.wait_for_state("b", "quarantined");
  write(broker,
        head_ + section("a", "stop_timeout = \"1s\"\n") + section("b", "budget = { restarts = 3, within = \"1h\" }\n"));
  reload(broker);
  wait_for_ready(broker, {"a", "b"});
  end(broker);
}

TEST_F(Reload, ANewBrainRunsTheManifestOfTheLastReload) {
  Broker& broker = start(head_ + section("a"));
  wait_for_ready(broker, {"a"});
  write(broker, head_ + section("a") + section("b", "budget = { restarts = 0, within = \"1h\" }\n"));
  reload(broker);
  wait_for_ready(broker, {"b"});
  kill(broker.brain_pid(), SIGKILL);
  broker.wait_for_log("a new brain goes on");
  EXPECT_EQ(broker.actor("b").at("incarnation"), 1);
  tell("b", "die");
  broker.wait_for_state("b", "quarantined");
  EXPECT_EQ(reload(broker).at("changed"), nlohmann::json::array());
  end(broker);
}

TEST_F(Reload, ANewBrainIsNotConfusedByWhoWasLeftOutBeforeItWasStarted) {
  Broker& broker = start(head_ + section("a") + section("b"));
  wait_for_ready(broker, {"a", "b"});
  EXPECT_EQ(broker.ctl("stop b").code, 0);
  broker.wait_for_state("b", "ended");
  write(broker, head_ + section("a"));
  const pid_t brain = broker.brain_pid();
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);  // nobody starts anything
  EXPECT_EQ(broker.ctl("start b").code, 0);
  EXPECT_EQ(broker.actor("b").at("state"), "spawning");
  EXPECT_EQ(reload(broker).at("removed"), nlohmann::json({"b"}));
  ASSERT_EQ(kill(brain, SIGKILL), 0);
  ASSERT_EQ(kill(broker.pid(), SIGCONT), 0);
  broker.wait_for_log("a new brain goes on");
  EXPECT_EQ(broker.actor("a").at("incarnation"), 1);
  EXPECT_EQ(broker.ps().at("actors").size(), 1U);
  end(broker);
  EXPECT_EQ(broker.log().count_with("the brain (process"), 1U) << "no other brain has ended";
}

}  // namespace
}  // namespace process_test
