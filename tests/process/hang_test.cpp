// Actors that hang, and actors that hold each other up.

#include <signal.h>

#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Hangs : public RuntimeTest {
 protected:
  static std::string head(const std::string& of_broker = "", const std::string& of_topic = "") {
    return "[broker]\nname = \"test\"\n" + of_broker + "[topics.\"Topic.Numbers\"]\ncapacity = 4\n" + of_topic;
  }
  static std::string rules(const std::string& on_event) {
    return "subscribes = [\"*\"]\nwatchdog = \"500ms\"\nabort_grace = \"200ms\"\nenv = { ON_EVENT = \"" + on_event +
           "\" }\n";
  }
  /// An actor that hangs in a callback when it is told to: that it is found says that a whole limit has passed for the
  /// others as well.
  std::string clock() { return section("clock", "watchdog = \"500ms\"\npublishes = []\n"); }
  void let_a_limit_pass(Broker& broker, std::size_t time = 1) {
    tell("clock", "hang");
    broker.wait_for_log("clock: hangs: ", time);
  }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Hangs, AHandlerThatDoesNotReturnIsAbortedAndItsEventComesAgain) {
  Broker& broker = start(head() + section("reader", rules("3=hang")) + section("source"));
  for (const char* name : {"reader", "source"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 5");
  wait_for("reader: hang at 3");
  broker.wait_for_incarnation("reader", 2);
  wait_for("reader: got 3 again, attempt 2");
  wait_for("reader: got 5");
  EXPECT_EQ(broker.actor("reader").at("last_exit"), "watchdog");
  const std::string said = broker.log().first_with("reader: hangs: it has made no progress for ");
  EXPECT_NE(said.find("has been handling"), std::string::npos) << said;
  EXPECT_NE(said.find("on Topic.Numbers from 'source'"), std::string::npos) << said;
  end(broker);
}

TEST_F(Hangs, WhoIgnoresSigabrtIsKilledAfterTheGrace) {
  Broker& broker = start(head() + section("reader", rules("1=deaf")) + section("source"));
  for (const char* name : {"reader", "source"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 1");
  broker.wait_for_log("reader: has not ended after SIGABRT and is killed");
  wait_for("reader: got 1 again, attempt 2");
  EXPECT_EQ(broker.actor("reader").at("last_exit"), "watchdog");
  end(broker);
}

TEST_F(Hangs, AStoppedActorIsLeftAloneHoweverLong) {
  Broker& broker = start(head() + section("stopped", rules("") + "publishes = []\n") + clock() + section("source"));
  for (const char* name : {"stopped", "clock", "source"}) broker.wait_for_state(name, "ready");
  const pid_t pid = broker.actor("stopped").at("pid").get<pid_t>();
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  tell("source", "send 1 3");
  let_a_limit_pass(broker);
  broker.wait_for_incarnation("clock", 2);
  let_a_limit_pass(broker, 2);
  ASSERT_EQ(kill(pid, SIGCONT), 0);
  wait_for("stopped: got 3");
  EXPECT_EQ(broker.actor("stopped").at("incarnation"), 1);
  EXPECT_EQ(broker.actor("stopped").at("pid"), pid);
  end(broker);
}

TEST_F(Hangs, WaitingForRoomAtAHungReaderIsNoHanging) {
  Broker& broker = start(head("stall_after = \"100ms\"\n") +
                         section("reader", "subscribes = [\"*\"]\nenv = { ON_EVENT = \"1=hang\" }\n") +
                         section("source", "watchdog = \"500ms\"\n") + clock());
  for (const char* name : {"reader", "source", "clock"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 20");
  broker.wait_for_log("'source' waits for room at 'reader' on Topic.Numbers for ");
  const std::string said = broker.log().first_with("'source' waits for room");
  EXPECT_NE(said.find("; 'reader' has been handling"), std::string::npos) << said;
  const auto stalls = nlohmann::json::parse(broker.ctl("--json stalls").said).at("stalls");
  ASSERT_EQ(stalls.size(), 1U);
  EXPECT_EQ(stalls[0].at("actors"), (nlohmann::json{"source", "reader"}));
  EXPECT_EQ(stalls[0].at("circle"), false);
  let_a_limit_pass(broker);
  EXPECT_NE(broker.log().first_with("clock: hangs: ").find("is in a step or a callback"), std::string::npos);

  EXPECT_EQ(broker.ctl("kill reader").code, 0);
  wait_for("reader: got 1 again, attempt 2");
  wait_for("reader: got 20");
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  // (Waiting for the reader's next life is another story, told where starting takes long.)
  EXPECT_EQ(broker.log().count_with("; 'reader' has been handling"), 1U) << "told once";
  end(broker);
}

TEST_F(Hangs, ANewBrainGoesOnLooking) {
  Broker& broker = start(head() + section("reader", rules("1=hang")) + section("source"));
  for (const char* name : {"reader", "source"}) broker.wait_for_state(name, "ready");
  const pid_t old = broker.brain_pid();
  ASSERT_EQ(kill(old, SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  tell("source", "send 1 2");
  wait_for("reader: got 1 again, attempt 2");
  EXPECT_EQ(broker.actor("reader").at("last_exit"), "watchdog");
  end(broker);
}

}  // namespace
}  // namespace process_test
