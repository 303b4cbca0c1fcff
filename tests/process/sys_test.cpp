// What the broker tells of actors, to those that subscribe to "$sys/actor".

#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Sys : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n";
};

TEST_F(Sys, LivesAndDeathsAreEvents) {
  Broker& broker = start(head_ + section("watcher", "subscribes = [\"Topic.Numbers\", \"$sys/actor\"]\n", "Watcher") +
                         section("source") + section("other", "subscribes = [\"*\"]\n"));
  broker.wait_for_state("watcher", "ready");
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("other", "ready");
  const pid_t pid = broker.actor("source").at("pid").get<pid_t>();
  ASSERT_EQ(kill(pid, SIGKILL), 0);
  wait_for("watcher: down signal(SIGKILL), comes back: source 1");
  wait_for("watcher: up source 2");
  wait_for("watcher: ready source 2");
  tell("source", "send 1 1");
  wait_for("watcher: number from source");

  const auto& lines = journal().all();
  const auto place = [&](const std::string& line) { return std::find(lines.begin(), lines.end(), line); };
  EXPECT_LT(place("watcher: down signal(SIGKILL), comes back: source 1"), place("watcher: ready source 2"));
  EXPECT_LT(place("watcher: ready source 2"), place("watcher: number from source"));
  EXPECT_EQ(broker.ctl("stop other").code, 0);
  wait_for("watcher: down clean: other 1");
}

TEST_F(Sys, EventsComeOnceThoughTheBrainDiesOverThem) {
  Broker& broker = start(head_ + section("watcher", "subscribes = [\"$sys/actor\"]\n", "Watcher") +
                         section("source",
                                 "backoff = { base = \"1ms\", max = \"1ms\" }\n"
                                 "budget = { restarts = 99, within = \"1h\" }\n"));
  broker.wait_for_state("watcher", "ready");
  broker.wait_for_state("source", "ready");
  constexpr int lives = 8;
  for (int life = 1; life < lives; ++life) {
    const pid_t brain = broker.brain_pid();
    const pid_t source = broker.actor("source").at("pid").get<pid_t>();
    // One first, or the other.
    ASSERT_EQ(kill(life % 2 != 0 ? brain : source, SIGKILL), 0);
    ASSERT_EQ(kill(life % 2 != 0 ? source : brain, SIGKILL), 0);
    const std::string number = std::to_string(life);
    wait_for("watcher: down signal(SIGKILL), comes back: source " + number);
    wait_for("watcher: ready source " + std::to_string(life + 1));
  }
  for (int life = 1; life <= lives; ++life) {
    const std::string number = std::to_string(life);
    const std::size_t ends = life < lives ? 1 : 0;
    EXPECT_EQ(journal().count("watcher: down signal(SIGKILL), comes back: source " + number), ends) << life;
    if (life == 1) continue;  // the watcher may have come later
    EXPECT_EQ(journal().count("watcher: up source " + number), 1U) << life;
    EXPECT_EQ(journal().count("watcher: ready source " + number), 1U) << life;
  }
  EXPECT_EQ(broker.actor("watcher").at("incarnation"), 1);
}

TEST_F(Sys, QuarantineIsAnEventToo) {
  Broker& broker = start(head_ + section("watcher", "subscribes = [\"$sys/actor\"]\n", "Watcher") +
                         section("source", "budget = { restarts = 0, within = \"1min\" }\n"));
  broker.wait_for_state("watcher", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "die");
  wait_for("watcher: down signal(SIGKILL): source 1");
  wait_for("watcher: quarantined source 1");
}

}  // namespace
}  // namespace process_test
