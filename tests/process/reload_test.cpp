// Another manifest while the broker runs: only what it changes is touched, and what is wrong with it changes nothing.

#include <signal.h>

#include <fstream>
#include <map>
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

TEST_F(Reload, OfTwentyTouchesTheThreeThatItNamesAndNobodyElse) {
  const auto twenty = [this](const std::string& of_7, bool with_13, bool with_new) {
    std::string text = head_;
    for (int i = 1; i <= 20; ++i) {
      const std::string name = "a" + std::to_string(i);
      if (i != 13 || with_13) text += section(name, (i == 7 ? of_7 : "") + "subscribes = [\"*\"]\n");
    }
    return with_new ? text + section("new") : text;
  };
  Broker& broker = start(twenty("", true, false));
  const auto lives = [&] {
    std::map<std::string, std::pair<int, int>> found;
    const auto answer = broker.ps();
    for (const auto& row : answer.at("actors")) {
      if (row.at("state") == "ready") found[row.at("name")] = {row.at("pid"), row.at("incarnation")};
    }
    return found;
  };
  wait_until("all twenty to be ready", [&] { return lives().size() == 20; });
  const auto before = lives();
  // An invalid one changes nothing.
  write(broker, twenty("args = 1\n", false, true));
  EXPECT_NE(broker.ctl("reload").code, 0);
  EXPECT_EQ(lives(), before);

  write(broker, twenty("env = { A = \"b\" }\n", false, true));
  const auto answer = reload(broker);
  EXPECT_EQ(answer.at("added"), nlohmann::json({"new"})) << answer;
  EXPECT_EQ(answer.at("removed"), nlohmann::json({"a13"})) << answer;
  EXPECT_EQ(answer.at("changed"), nlohmann::json({"a7"})) << answer;
  EXPECT_EQ(answer.at("adjusted"), nlohmann::json::array()) << answer;
  broker.wait_for_incarnation("a7", 2);
  wait_for_ready(broker, {"new"});
  wait_until("'a13' to be gone", [&] { return broker.ps().at("actors").size() == 20; });
  auto expected = before;
  auto after = lives();
  for (const char* name : {"a7", "a13"}) expected.erase(name);
  for (const char* name : {"a7", "new"}) EXPECT_EQ(after.erase(name), 1U) << name;
  EXPECT_EQ(after, expected);
  for (const auto& [name, life] : after) EXPECT_EQ(journal().count_with(name + ": started"), 1U) << name;
  end(broker);
}

TEST_F(Reload, AppliesOtherRulesWithoutARestart) {
  const std::string patient = "backoff = { base = \"1h\", max = \"1h\" }\n";
  Broker& broker = start(head_ + section("a", "budget = { restarts = 9, within = \"1h\" }\n" + patient) + section("b"));
  wait_for_ready(broker, {"a", "b"});
  write(broker, head_ + "[groups.g]\n" + section("a", "restart = \"temporary\"\nmember_of = \"g\"\n") +
                    section("b", "standby = 1\ndepends_on = { a = \"ready\" }\n"));
  const auto answer = reload(broker);
  EXPECT_EQ(answer.at("changed"), nlohmann::json::array()) << answer;
  EXPECT_EQ(answer.at("adjusted"), nlohmann::json({"a", "b"})) << answer;
  wait_until("the spare that is wanted now", [&] { return broker.actor("b").at("standby") == "ready"; });
  for (const char* name : {"a", "b"}) EXPECT_EQ(broker.actor(name).at("incarnation"), 1) << name;
  tell("a", "die");
  broker.wait_for_state("a", "ended");
  // Who waits for its restart begins at once; the spare is not wanted any more.
  write(broker, head_ + section("a", patient) + section("b"));
  reload(broker);
  wait_until("the spare to be gone", [&] { return broker.actor("b").at("standby").is_null(); });
  EXPECT_EQ(broker.actor("a").at("state"), "ended") << "it is done";
  EXPECT_EQ(broker.ctl("start a").code, 0);
  for (int life = 2; life <= 3; ++life) {  // the first restart is at once
    broker.wait_for_incarnation("a", life);
    tell("a", "die");
  }
  broker.wait_for_state("a", "backoff");
  write(broker, head_ + section("a") + section("b"));
  reload(broker);
  broker.wait_for_incarnation("a", 4);
  EXPECT_EQ(broker.actor("b").at("incarnation"), 1);
  end(broker);
}

TEST_F(Reload, WhoIsAddedAgainWhileItLeavesComesBackWhateverItsClass) {
  const std::string leaving = "restart = \"temporary\"\nenv = { ON_SHUTDOWN = \"hang\" }\nstop_timeout = \"1h\"\n";
  Broker& broker = start(head_ + section("a") + section("b", leaving));
  wait_for_ready(broker, {"a", "b"});
  write(broker, head_ + section("a"));
  EXPECT_EQ(reload(broker).at("removed"), nlohmann::json({"b"}));
  wait_for("b: shutdown");
  write(broker, head_ + section("a") + section("b", "restart = \"temporary\"\n"));
  EXPECT_EQ(reload(broker).at("added"), nlohmann::json({"b"}));
  EXPECT_EQ(broker.ctl("kill b").code, 0);
  broker.wait_for_incarnation("b", 2);
  EXPECT_EQ(broker.actor("b").at("state"), "ready");
  end(broker);
}

TEST_F(Reload, WhoIsRemovedIsForgotten) {
  Broker& broker = start(head_ + section("a", "subscribes = [\"*\"]\n"));
  for (int times = 0; times < 3; ++times) {
    write(broker, head_ + section("a", "subscribes = [\"*\"]\n") + section("b", "subscribes = [\"*\"]\n"));
    reload(broker);
    wait_for_ready(broker, {"a", "b"});
    EXPECT_EQ(broker.actor("b").at("incarnation"), 1) << "another actor of that name";
    const std::string value = std::to_string(times);
    tell("b", "send " + value + " " + value);
    wait_for("a: got " + value);
    tell("a", "send " + value + " " + value);
    wait_for("b: got " + value);
    write(broker, head_ + section("a", "subscribes = [\"*\"]\n"));
    reload(broker);
    wait_until("the end of b, and of all its routes", [&] {
      return broker.ps().at("actors").size() == 1 &&
             nlohmann::json::parse(broker.ctl("--json routes").said).at("routes").empty();
    });
    EXPECT_NE(broker.ctl("logs b").code, 0);
  }
  EXPECT_EQ(broker.actor("a").at("incarnation"), 1);
  end(broker);
}

TEST_F(Reload, WhoWasStartedByHandIsAdoptedByAManifestThatNamesIt) {
  Broker& broker = start(head_ + section("a"));
  wait_for_ready(broker, {"a"});
  const pid_t by_hand = start_by_hand("b", {"--broker", "test"});
  wait_for_ready(broker, {"b"});
  write(broker, head_ + section("a") + section("b", "subscribes = [\"*\"]\n") +
                    section("c", "depends_on = { b = \"ready\" }\n"));
  EXPECT_EQ(reload(broker).at("added"), nlohmann::json({"b", "c"}));
  wait_for_ready(broker, {"c"});
  EXPECT_EQ(broker.actor("b").at("pid"), by_hand);
  ASSERT_EQ(kill(by_hand, SIGKILL), 0);
  broker.wait_for_incarnation("b", 2);
  tell("a", "send 5 5");
  wait_for("b: got 5");
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

TEST_F(Reload, AProgramThatPublishesMoreTopicsThanBeforeIsReadOn) {
  Broker& broker =
      start(head_ + section("reader", "subscribes = [\"*\"]\n") + section("source", "publishes = [\"Topic.Words\"]\n"));
  wait_for_ready(broker, {"reader", "source"});
  tell("source", "say zeroth");
  wait_for("reader: word zeroth");
  write(broker, head_ + section("reader", "subscribes = [\"*\"]\n") + section("source"));
  EXPECT_EQ(reload(broker).at("changed"), nlohmann::json({"source"}));
  broker.wait_for_incarnation("source", 2);
  wait_for_ready(broker, {"source"});
  tell("source", "say first");
  tell("source", "send 1 5");
  wait_for("reader: got 5");
  EXPECT_EQ(broker.actor("reader").at("incarnation"), 1);
  end(broker);
}

TEST_F(Reload, AReaderThatSubscribesToMoreThanBeforeGetsIt) {
  Broker& broker = start(head_ + section("reader", "subscribes = [\"Topic.Words\"]\n") + section("source"));
  wait_for_ready(broker, {"reader", "source"});
  tell("source", "say zeroth");
  wait_for("reader: word zeroth");
  write(broker, head_ + section("reader", "subscribes = [\"*\"]\n") + section("source"));
  EXPECT_EQ(reload(broker).at("changed"), nlohmann::json({"reader"}));
  broker.wait_for_incarnation("reader", 2);
  wait_for_ready(broker, {"reader"});
  tell("source", "send 1 5");
  tell("source", "say last");
  wait_for("reader: word last");
  EXPECT_EQ(journal().count_with("reader: got "), 5u);
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  end(broker);
}

}  // namespace
}  // namespace process_test
