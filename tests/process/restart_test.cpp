// Who is started again, and who is not.

#include <signal.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

using namespace std::chrono_literals;

class Restarts : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n";

  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Restarts, FollowTheClassOfTheActor) {
  Broker& broker = start(head_ + section("permanent") + section("transient", "restart = \"transient\"\n") +
                         section("temporary", "restart = \"temporary\"\n"));
  const std::vector<std::string> all = {"permanent", "transient", "temporary"};
  for (const auto& name : all) broker.wait_for_state(name, "ready");
  for (const auto& name : all) tell(name, "exit 3");
  broker.wait_for_incarnation("permanent", 2);
  broker.wait_for_incarnation("transient", 2);
  broker.wait_for_state("temporary", "ended");
  for (const auto& name : all) EXPECT_EQ(broker.actor(name).at("last_exit"), "error(3)") << name;

  tell("permanent", "stop");
  tell("transient", "stop");
  broker.wait_for_incarnation("permanent", 3);
  broker.wait_for_state("transient", "ended");
  EXPECT_EQ(broker.actor("transient").at("last_exit"), "clean");
  EXPECT_EQ(broker.actor("transient").at("incarnation"), 2);
  EXPECT_EQ(broker.actor("temporary").at("incarnation"), 1);
  end(broker);
}

TEST_F(Restarts, FollowAnExceptionWithItsWordsInTheLog) {
  Broker& broker = start(head_ + section("thrower"));
  broker.wait_for_state("thrower", "ready");
  tell("thrower", "throw");
  broker.wait_for_incarnation("thrower", 2);
  EXPECT_EQ(broker.actor("thrower").at("last_exit"), "error(1)");
  EXPECT_NE(broker.log().first_with("thrower: died").find("told to throw"), std::string::npos);
  end(broker);
}

TEST_F(Restarts, MoreThanTheBudgetQuarantineTheActorAloneAndStartBringsItBack) {
  Broker& broker = start(head_ + section("frail", "budget = { restarts = 2, within = \"1h\" }\n") +
                         section("sibling", "subscribes = [\"*\"]\n"));
  broker.wait_for_state("sibling", "ready");
  for (int life = 1; life <= 3; ++life) {
    broker.wait_for_incarnation("frail", life);
    tell("frail", "die");
  }
  broker.wait_for_state("frail", "quarantined");
  EXPECT_EQ(broker.log().count_with("frail: quarantined: 2 restarts within"), 1U);
  EXPECT_EQ(broker.actor("sibling").at("incarnation"), 1);

  EXPECT_EQ(broker.ctl("start frail").code, 0);
  broker.wait_for_incarnation("frail", 4);
  tell("frail", "send 1 3");
  wait_for("sibling: got 3");
  tell("frail", "die");
  broker.wait_for_incarnation("frail", 5);  // the budget is whole again
  end(broker);
}

TEST_F(Restarts, ByAnOperatorCountNowhere) {
  Broker& broker = start(head_ + section("actor", "budget = { restarts = 1, within = \"1h\" }\n"));
  broker.wait_for_incarnation("actor", 1);
  for (int life = 2; life <= 5; ++life) {
    EXPECT_EQ(broker.ctl("restart actor").code, 0);
    broker.wait_for_incarnation("actor", life);
  }
  tell("actor", "die");
  broker.wait_for_incarnation("actor", 6);
  EXPECT_EQ(broker.log().count_with("quarantined"), 0U);
  end(broker);
}

TEST_F(Restarts, StopEndsTheSubscriptionAndStartBeginsItAgain) {
  Broker& broker = start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\n"));
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("sink", "ready");
  tell("source", "send 1 3");
  EXPECT_EQ(broker.ctl("stop sink").code, 0);
  broker.wait_for_state("sink", "ended");
  wait_for("source: sent 3");
  const Finished again = broker.ctl("stop sink");
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.said.find("does not run"), std::string::npos) << again.said;
  tell("source", "send 4 600");  // more than a queue holds: nobody waits for the stopped one
  wait_for("source: sent 600");
  EXPECT_EQ(broker.ctl("start sink").code, 0);
  broker.wait_for_incarnation("sink", 2);
  tell("source", "send 601 601");
  wait_for("sink: got 601");
  EXPECT_EQ(journal().count("sink: got 600"), 0U);
  end(broker);
}

TEST_F(Restarts, DoNotWaitForASenderThatIsStopped) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("sink", "subscribes = [\"*\"]\n") + section("source"));
  for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 5");
  wait_for("sink: got 5");
  const auto source = broker.actor("source").at("pid").get<pid_t>();
  ASSERT_EQ(kill(source, SIGSTOP), 0);
  EXPECT_EQ(broker.ctl("kill sink").code, 0);
  broker.wait_for_incarnation("sink", 2);
  broker.wait_for_state("sink", "ready");
  ASSERT_EQ(kill(source, SIGCONT), 0);
  tell("source", "send 6 10");
  wait_for("sink: got 10");
}

TEST_F(Restarts, ByAnOperatorKeepTheMailboxAndAKillIsACrash) {
  Broker& broker = start(head_ + section("source") +
                         section("sink",
                                 "subscribes = [\"*\"]\nstop_timeout = \"100ms\"\nenv = { ON_EVENT = "
                                 "\"2=hang\" }\n"));
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("sink", "ready");
  tell("source", "send 1 9");
  wait_for("source: sent 9");
  wait_for("sink: hang at 2");
  EXPECT_EQ(broker.ctl("restart sink").code, 0);
  wait_for("sink: got 9");
  EXPECT_EQ(journal().count("sink: got 2 again, attempt 2"), 1U);
  broker.wait_for_incarnation("sink", 2);
  EXPECT_EQ(broker.ctl("kill sink -s ABRT").code, 0);
  broker.wait_for_incarnation("sink", 3);
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "signal(SIGABRT)");
  EXPECT_EQ(broker.ctl("kill nobody").code, 1);
  end(broker);
}

TEST_F(Restarts, FollowAStartThatTakesTooLong) {
  const std::string limit = std::to_string(enough_for_a_start(200ms).count());
  Broker& broker = start(head_ +
                         section("slow", "start_timeout = \"" + limit +
                                             "ms\"\nbudget = { restarts = 1, within = \"1h\" }\nenv = "
                                             "{ ON_START = \"hang\" }\n") +
                         section("sibling"));
  broker.wait_for_state("slow", "quarantined");
  EXPECT_EQ(broker.log().count_with("slow: was not ready after " + limit +
                                    " ms (start_timeout) and is killed; it was starting"),
            2U);
  EXPECT_EQ(broker.actor("slow").at("last_exit"), "start_timeout");
  EXPECT_EQ(broker.actor("sibling").at("state"), "ready");
  end(broker);
}

TEST_F(Restarts, AreNotTriedWhenTheCommandLineIsWrong) {
  Broker& broker = start(head_ + section("greeter", "", "Pupet"));
  broker.wait_for_state("greeter", "refused");
  broker.wait_for_line("no actor class Pupet in this program; it holds: ");
  const std::string line = broker.log().first_with("greeter: died: incompatible");
  EXPECT_NE(line.find("; not restarted: its exit code 78 says that it would end so again"), std::string::npos) << line;
  EXPECT_EQ(broker.actor("greeter").at("incarnation"), 1);
  end(broker);
}

TEST_F(Restarts, OfAProgramThatIsNoActorSayWhatItLacks) {
  const std::string no_restarts = "budget = { restarts = 0, within = \"1h\" }\n";
  Broker& broker =
      start(head_ + "[actors.quick]\nexec = \"true\"\n" + no_restarts +
            "[actors.slow]\nexec = \"sleep\"\nargs = [\"1000\"]\nstart_timeout = \"500ms\"\n" + no_restarts);
  broker.wait_for_state("quick", "quarantined");
  broker.wait_for_state("slow", "quarantined");
  const std::string never_spoke = "it never spoke to the broker: does its main() call actor::run<...>()?";
  EXPECT_EQ(broker.log().count_with("quick: ended: " + never_spoke), 1U);
  EXPECT_EQ(broker.log().count_with("slow: was not ready after 500 ms (start_timeout) and is killed; " + never_spoke),
            1U);
  EXPECT_EQ(broker.log().count_with(never_spoke), 2U);
  end(broker);
}

TEST_F(Restarts, DoNotHelpAProgramThatFailsInOnStart) {
  Broker& broker =
      start(head_ + section("broken", "budget = { restarts = 2, within = \"1h\" }\nenv = { ON_START = \"throw\" }\n"));
  broker.wait_for_state("broken", "quarantined");
  EXPECT_EQ(broker.log().count_with("broken: died: error(1): "), 3U);
  EXPECT_NE(broker.log().first_with("broken: died").find("on_start: told to throw"), std::string::npos);
  end(broker);
}

TEST_F(Restarts, OfAHandStartedActorAreTheUsersAndItsSuccessorTakesOverTheMailbox) {
  Broker& broker = start(head_ + section("source"));
  broker.wait_for_state("source", "ready");
  const pid_t first = start_by_hand("guest", {"--broker", "test", "--subscribe", "*"}, "2=hang");
  broker.wait_for_state("guest", "ready");
  EXPECT_EQ(broker.actor("guest").at("hand_started"), true);
  tell("source", "send 1 9");
  wait_for("guest: hang at 2");
  ASSERT_EQ(kill(first, SIGKILL), 0);
  broker.wait_for_state("guest", "ended");
  EXPECT_EQ(broker.actor("guest").at("queued"), 8);
  start_by_hand("guest", {"--broker", "test", "--subscribe", "*"});
  wait_for("guest: got 9");
  EXPECT_EQ(journal().count("guest: got 2 again, attempt 2"), 1U);
  EXPECT_EQ(broker.actor("guest").at("incarnation"), 2);

  const Finished second = run("process_actors --actor Puppet --broker test --name guest");
  EXPECT_EQ(second.code, 78);
  EXPECT_NE(second.said.find("runs already"), std::string::npos) << second.said;

  tell("guest", "stop");
  wait_for("guest: shutdown");
  wait_until("the clean end", [&] { return broker.actor("guest").at("last_exit") == "clean"; });
  tell("source", "send 10 600");
  wait_for("source: sent 600");
  end(broker);
}

TEST_F(Restarts, OfAHandStartedActorWithTopicsThatNobodyKnowsAreWarnedOf) {
  Broker& broker = start(head_ + section("source", "publishes = [\"Topic.Words\", \"Topic.Numbers\"]\n"));
  broker.wait_for_state("source", "ready");
  start_by_hand("guest", {"--broker", "test", "--subscribe", "Topic.Numbres", "--subscribe", "*", "--subscribe",
                          "$sys/actors", "--publish", "Foo", "--publish", "Topic.Words"});
  broker.wait_for_state("guest", "ready");
  EXPECT_EQ(
      broker.log().count_with("guest: --subscribe Topic.Numbres: no program has told of a topic of that name; did "
                              "you mean \"Topic.Numbers\"?; it gets nothing from there until one does"),
      1U);
  EXPECT_EQ(
      broker.log().count_with("guest: --publish Foo: no program has told of a topic of that name; it sends nothing "
                              "there until it does"),
      1U);
  EXPECT_EQ(broker.log().count_with("no program has told of"), 2U);
  end(broker);
}

TEST_F(Restarts, OfHandStartedActorsThatEndedTheLast64AreRemembered) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("sink", "subscribes = [\"*\"]\n"));
  broker.wait_for_state("sink", "ready");
  constexpr int many = 68;
  for (int i = 1; i <= many; ++i) start_by_hand("hand" + std::to_string(i), {"--broker", "test"});
  const auto count = [&](const std::string& state) {
    const auto answer = broker.ps();
    return std::count_if(answer.at("actors").begin(), answer.at("actors").end(),
                         [&](const auto& row) { return row.at("hand_started") == true && row.at("state") == state; });
  };
  wait_until("all to be ready", [&] { return count("ready") == many; });
  for (int i = 1; i <= many; ++i) tell("hand" + std::to_string(i), "stop");
  wait_until("the end of all, and the last 64 to be left", [&] { return count("ready") == 0 && count("ended") == 64; });
  start_by_hand("hand1", {"--broker", "test"});
  broker.wait_for_state("hand1", "ready");
  tell("hand1", "send 1 1");
  wait_for("sink: got 1");
}

TEST_F(Restarts, AreNotForHandStartedActorsThatEndWithTheRuntime) {
  Broker& broker = start(head_ + section("source"));
  broker.wait_for_state("source", "ready");
  start_by_hand("guest", {"--broker", "test", "--subscribe", "*"});
  broker.wait_for_state("guest", "ready");
  tell("source", "send 1 9");
  wait_for("source: sent 9");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count("guest: got 9"), 1U);
  EXPECT_EQ(journal().count("guest: shutdown"), 1U);
  expect_nothing_left();
}

TEST_F(Restarts, AnActorThatCannotEvenBeAskedForIsDealtWithAtOnce) {
  const std::string padding(100'000, 'x');
  for (const char* name : {"PAD1", "PAD2", "PAD3", "PAD4", "PAD5"}) setenv(name, padding.c_str(), 1);
  std::string args;
  for (int i = 0; i < 6; ++i) args += (i == 0 ? "\"" : ", \"") + padding + '"';
  // Nothing else happens in this broker that would wake it.
  Broker& broker =
      start(head_ + "[actors.big]\nexec = \"sleep\"\nargs = [" + args +
            "]\nbudget = { restarts = 2, within = \"1h\" }\nbackoff = { base = \"1ms\", max = \"1ms\" }\n");
  for (const char* name : {"PAD1", "PAD2", "PAD3", "PAD4", "PAD5"}) unsetenv(name);
  broker.wait_for_log("big: quarantined");
  EXPECT_EQ(broker.log().count_with("big: died"), 3U);
  EXPECT_EQ(broker.ctl("start big").code, 0);
  broker.wait_for_log("big: quarantined", 2);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

}  // namespace
}  // namespace process_test
