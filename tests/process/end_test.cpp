// Nothing is left, however a runtime ends: no process, no file.

#include <signal.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

/// Three actors: one with a child of its own that ignores SIGTERM and SIGHUP, a reader, and one that hears nothing any
/// more if `deaf`.
class End : public RuntimeTest {
 protected:
  Broker& start_three(bool deaf = false) {
    Broker& broker = start("[broker]\nname = \"test\"\n" + section("parent", "stop_timeout = \"300ms\"\n") +
                           section("sink", std::string("subscribes = [\"*\"]\nstop_timeout = \"300ms\"\n") +
                                               (deaf ? "env = { ON_EVENT = \"1=hang\" }\n" : "")) +
                           section("source"));
    for (const char* name : {"parent", "sink", "source"}) broker.wait_for_state(name, "ready");
    tell("parent", "child");
    child_ = pid_in_journal("parent: child");
    tell("source", "send 1 10");
    wait_for(deaf ? "sink: hang at 1" : "sink: got 10");
    wait_for("source: sent 10");
    brain_ = broker.brain_pid();
    return broker;
  }

  void expect_no_named_memory(Broker& broker) {
    const auto answer = broker.ps();
    for (const auto& row : answer.at("actors")) {
      std::ifstream maps("/proc/" + row.at("pid").dump() + "/maps");
      for (std::string line; std::getline(maps, line);)
        EXPECT_EQ(line.find("/dev/shm"), std::string::npos) << row.at("name") << ": " << line;
    }
  }

  pid_t child_ = 0;
  pid_t brain_ = 0;
};

TEST_F(End, SigtermEndsAllInGoodOrderTheLastStartedFirst) {
  Broker& broker = start_three();
  expect_no_named_memory(broker);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
  const auto& lines = journal().all();
  const auto place = [&](const char* line) { return std::find(lines.begin(), lines.end(), line) - lines.begin(); };
  EXPECT_LT(place("source: shutdown"), place("sink: shutdown"));
  EXPECT_LT(place("sink: shutdown"), place("parent: shutdown"));
  EXPECT_EQ(journal().count_with(": shutdown"), 3U);
}

TEST_F(End, CtrlCInATerminalIsTheSame) {
  Broker& broker = start_three();
  broker.interrupt();
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
  EXPECT_EQ(journal().count_with(": shutdown"), 3U);
}

TEST_F(End, ASecondCtrlCDoesNotWaitForWhatIsQueued) {
  Broker& broker = start_three(true);
  broker.interrupt();
  broker.wait_for_log("shutting down");
  // Two that come at once count as one: repeated until it has been understood.
  wait_until("the second Ctrl-C", [&] {
    if (broker.log().count_with("asked again") == 0) broker.interrupt();
    return broker.log().count_with("asked again") > 0;
  });
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
  EXPECT_NE(
      broker.log()
          .first_with("asked again")
          .find("not waiting for what is queued any more: 'sink' has 10 queued; what is not handled before the actors "
                "end becomes dead letters"),
      std::string::npos)
      << broker.log().first_with("asked again");
}

TEST_F(End, AThirdCtrlCDoesNotWaitForTheActors) {
  // With timeouts as long as these, the test would not end.
  Broker& broker = start("[broker]\nname = \"test\"\ndrain_timeout = \"24h\"\n" +
                         section("stubborn", "stop_timeout = \"24h\"\nenv = { ON_SHUTDOWN = \"hang\" }\n"));
  broker.wait_for_state("stubborn", "ready");
  tell("stubborn", "child");
  pid_in_journal("stubborn: child");
  for (const char* answer : {"shutting down", "asked again: killing"}) {
    wait_until(answer, [&] {
      if (broker.log().count_with(answer) == 0) broker.interrupt();
      return broker.log().count_with(answer) > 0;
    });
  }
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(broker.log().count_with("not waiting any longer"), 0U) << "the brain did it itself";
  expect_nothing_left();
}

TEST_F(End, AShutdownTimeoutKillsWhoStillRuns) {
  Broker& broker = start("[broker]\nname = \"test\"\ndrain_timeout = \"100ms\"\nshutdown_timeout = \"300ms\"\n" +
                         section("stubborn", "stop_timeout = \"24h\"\nenv = { ON_SHUTDOWN = \"hang\" }\n"));
  broker.wait_for_state("stubborn", "ready");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(broker.log().count_with("shutdown_timeout is over"), 1U);
  EXPECT_EQ(journal().count("stubborn: shutdown"), 1U);
  expect_nothing_left();
}

TEST_F(End, TheKeepersDeathEndsTheRuntimeInGoodOrder) {
  Broker& broker = start_three();
  broker.signal(SIGKILL);
  EXPECT_EQ(broker.wait_for_end(), -SIGKILL);
  expect_nothing_left();
  EXPECT_EQ(journal().count_with(": shutdown"), 3U);
}

TEST_F(End, TheKeepersDeathWhileAnActorIsBeingStartedEndsTheRuntime) {
  Broker& broker = start_three();
  EXPECT_EQ(broker.ctl("stop sink").code, 0);
  broker.wait_for_state("sink", "ended");
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);  // it must not answer the request
  EXPECT_EQ(broker.ctl("start sink").code, 0);
  broker.wait_for_state("sink", "spawning");
  broker.signal(SIGKILL);
  EXPECT_EQ(broker.wait_for_end(), -SIGKILL);
  expect_nothing_left();
  EXPECT_EQ(journal().count_with(": shutdown"), 3U);
}

TEST_F(End, WithoutAKeeperTheBrainHearsOfSignalsItself) {
  // With timeouts as long as these, the test would not end.
  Broker& broker = start("[broker]\nname = \"test\"\ndrain_timeout = \"24h\"\n" +
                         section("stubborn", "stop_timeout = \"24h\"\nenv = { ON_SHUTDOWN = \"hang\" }\n"));
  broker.wait_for_state("stubborn", "ready");
  const pid_t brain = broker.brain_pid();
  broker.signal(SIGKILL);
  broker.wait_for_log("shutting down");
  wait_until("the kill that was asked for", [&] {
    if (broker.log().count_with("asked again: killing") == 0) kill(brain, SIGTERM);
    return broker.log().count_with("asked again: killing") > 0;
  });
  EXPECT_EQ(broker.wait_for_end(), -SIGKILL);
  expect_nothing_left();
}

TEST_F(End, TheDeathOfBothEndsTheActors) {
  Broker& broker = start_three();
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);  // it must not do anything about the brain's death
  ASSERT_EQ(kill(brain_, SIGKILL), 0);
  broker.signal(SIGKILL);
  EXPECT_EQ(broker.wait_for_end(), -SIGKILL);
  expect_nothing_left();
  EXPECT_EQ(journal().count_with(": shutdown"), 3U);
}

TEST_F(End, TheDeathOfBothEndsAnActorThatHearsNothingToo) {
  Broker& broker = start_three(true);
  tell("sink", "unheard");
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);
  ASSERT_EQ(kill(brain_, SIGKILL), 0);
  broker.signal(SIGKILL);
  EXPECT_EQ(broker.wait_for_end(), -SIGKILL);
  expect_nothing_left();
  EXPECT_EQ(journal().count("sink: shutdown"), 0U);
}

TEST_F(End, AnActorKilledDuringShutdownHoldsUpNobody) {
  Broker& broker = start_three(true);
  broker.signal(SIGTERM);
  broker.wait_for_log("shutting down");
  ASSERT_EQ(kill(pid_in_journal("parent: started"), SIGKILL), 0);
  ASSERT_EQ(kill(pid_in_journal("source: started"), SIGKILL), 0);
  ASSERT_EQ(kill(pid_in_journal("sink: started"), SIGKILL), 0);
  wait_for("sink: got 1 again, attempt 2");
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count("sink: got 10"), 1U);
  expect_nothing_left();
}

TEST_F(End, AnActorsOwnChildrenEndWithIt) {
  Broker& broker = start_three();
  EXPECT_EQ(kill(child_, 0), 0);
  EXPECT_EQ(broker.ctl("kill parent").code, 0);
  wait_for_exit(child_);
  broker.wait_for_incarnation("parent", 2);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(End, AnActorThatIgnoresItsStopIsKilledAndReported) {
  Broker& broker = start_three(true);
  EXPECT_EQ(broker.ctl("restart sink").code, 0);
  broker.wait_for_incarnation("sink", 2);
  EXPECT_EQ(broker.log().count_with("sink: did not end within its stop_timeout"), 1U);
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "stop_timeout");
  wait_for("sink: got 10");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(End, AProgramThatNeverSaysHelloDoesNotHoldUpAShutdown) {
  // With drain_timeout as long as this, the test would not end.
  Broker& broker = start("[broker]\nname = \"test\"\ndrain_timeout = \"24h\"\n" + section("source") +
                         "[actors.sleeper]\nexec = \"sleep\"\nargs = [\"86400\"]\nstart_timeout = \"24h\"\n");
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("sleeper", "connecting");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(End, AnActorMayEndTheRuntime) {
  Broker& broker = start_three();
  tell("source", "stop_runtime");
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(broker.log().count_with("actor 'source' asked for it"), 1U);
  expect_nothing_left();
}

TEST_F(End, WhatWasSentJustBeforeTheEndIsHandled) {
  Broker& broker = start_three();
  tell("source", "send 11 200");
  tell("source", "stop_runtime");
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count("sink: got 200"), 1U);
  expect_nothing_left();
}

}  // namespace
}  // namespace process_test
