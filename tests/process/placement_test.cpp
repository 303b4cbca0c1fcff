// Actors that share a process: one place to crash in, and otherwise as apart as ever.

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Placement : public RuntimeTest {
 protected:
  /// "sink" and "source" in one process, "other" in its own. What a process has only one of is `of_process`.
  Broker& start_three(const std::string& of_process = "", const std::string& of_sink = "",
                      const std::string& of_source = "") {
    Broker& broker = start(manifest(of_process, of_sink, of_source));
    for (const char* name : {"sink", "source", "other"}) broker.wait_for_state(name, "ready");
    return broker;
  }
  std::string manifest(const std::string& of_process, const std::string& of_sink, const std::string& of_source) {
    const std::string shared = "process = \"shared\"\nbackoff = { base = \"1ms\", max = \"1ms\" }\n" + of_process;
    return "[broker]\nname = \"test\"\n" + section("sink", "subscribes = [\"*\"]\n" + shared + of_sink) +
           section("source", shared + of_source) + section("other", "subscribes = [\"*\"]\n");
  }
  static pid_t pid_of(Broker& broker, const std::string& name) { return broker.actor(name).at("pid").get<pid_t>(); }
  static std::ptrdiff_t threads_of(pid_t pid) {
    const std::filesystem::directory_iterator threads("/proc/" + std::to_string(pid) + "/task");
    return std::distance(begin(threads), end(threads));
  }
  /// The number of the system call that the main thread sleeps in; "running"; "" when nobody may know.
  static std::string sleeps_in(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/syscall");
    std::string call;
    file >> call;
    return call;
  }
  static void rewrite_manifest(Broker& broker, const std::string& text) {
    std::ofstream(broker.ps().at("broker").at("manifest").get<std::string>(), std::ios::trunc) << text;
  }
  void send(int first, int last) {
    tell("source", "send " + std::to_string(first) + " " + std::to_string(last));
    for (const char* reader : {"sink", "other"}) wait_for(reader + std::string(": got ") + std::to_string(last));
  }
};

TEST_F(Placement, ActorsThatNameTheSameProcessShareItAndEventsFlowInAndOutOfIt) {
  Broker& broker = start_three();
  EXPECT_EQ(pid_of(broker, "sink"), pid_of(broker, "source"));
  EXPECT_NE(pid_of(broker, "sink"), pid_of(broker, "other"));
  EXPECT_EQ(broker.actor("sink").at("process"), "shared");
  EXPECT_TRUE(broker.actor("other").at("process").is_null());
  send(1, 100);
  for (int event = 1; event <= 100; ++event) EXPECT_EQ(journal().count("sink: got " + std::to_string(event)), 1U);
  expect_the_account_to_balance(broker);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count_with(": shutdown"), 3U);
  expect_nothing_left();
}

TEST_F(Placement, ACrashTakesTheActorsOfItsProcessAndNoOthersAndNothingIsLost) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=hang\" }\n");
  const pid_t other = pid_of(broker, "other");
  tell("source", "send 1 20");
  wait_for("sink: hang at 5");
  wait_for("source: sent 20");
  wait_for("other: got 20");
  ASSERT_EQ(kill(pid_of(broker, "sink"), SIGKILL), 0);
  wait_for("sink: got 20");  // what the dead source had sent
  for (int event = 6; event <= 20; ++event) EXPECT_EQ(journal().count("sink: got " + std::to_string(event)), 1U);
  EXPECT_EQ(journal().count("sink: got 5 again, attempt 2"), 1U);
  for (const char* name : {"sink", "source"}) {
    broker.wait_for_incarnation(name, 2);
    broker.wait_for_state(name, "ready");
    EXPECT_EQ(broker.actor(name).at("last_exit"), "signal(SIGKILL)") << "nobody knows who was meant";
  }
  EXPECT_EQ(pid_of(broker, "sink"), pid_of(broker, "source"));
  EXPECT_EQ(pid_of(broker, "other"), other);
}

TEST_F(Placement, WhoCrashedIsKnownAndOnlyItsBudgetIsCharged) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=abort\" }\n", "budget = { restarts = 0, within = \"1h\" }\n",
                               "budget = { restarts = 0, within = \"1h\" }\n");
  tell("other", "send 1 20");
  broker.wait_for_state("sink", "quarantined");
  broker.wait_for_incarnation("source", 2);
  broker.wait_for_state("source", "ready");
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "signal(SIGABRT)");
  EXPECT_EQ(broker.actor("source").at("last_exit"), "companion");
  EXPECT_EQ(broker.actor("other").at("incarnation"), 1);
  broker.wait_for_log("source: died with its process 'shared', which another actor in it has ended");
  EXPECT_EQ(broker.ctl("start sink").code, 0);
  wait_for("sink: got 5 again, attempt 2");
  wait_for("sink: got 20");
  EXPECT_EQ(broker.actor("source").at("incarnation"), 2) << "one comes back, and the process goes on";
  EXPECT_EQ(pid_of(broker, "sink"), pid_of(broker, "source"));
}

TEST_F(Placement, AnEndlessRecursionIsKnownForWhose) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer ends the process itself: an exit, and no signal";
#endif
  Broker& broker = start_three("env = { ON_EVENT = \"5=recurse\" }\n");
  tell("source", "send 5 5");
  wait_for("sink: got 5 again, attempt 2");
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "signal(SIGSEGV)");
  EXPECT_EQ(broker.actor("source").at("last_exit"), "companion");
}

TEST_F(Placement, AnErrorEndsOneActorAndItsProcessGoesOn) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=throw\" }\n");
  const pid_t shared = pid_of(broker, "sink");
  send(1, 20);
  wait_for("sink: got 5 again, attempt 2");
  broker.wait_for_incarnation("sink", 2);
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "error(1)");
  EXPECT_EQ(pid_of(broker, "sink"), shared);
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  for (int event = 6; event <= 20; ++event) EXPECT_EQ(journal().count("sink: got " + std::to_string(event)), 1U);
}

TEST_F(Placement, OneActorIsStoppedAndStartedAloneAndTheProcessEndsWithItsLast) {
  Broker& broker = start_three();
  const pid_t shared = pid_of(broker, "sink");
  EXPECT_EQ(broker.ctl("restart sink").code, 0);
  broker.wait_for_incarnation("sink", 2);
  broker.wait_for_state("sink", "ready");
  EXPECT_EQ(pid_of(broker, "sink"), shared);
  EXPECT_EQ(broker.ctl("stop sink").code, 0);
  broker.wait_for_state("sink", "ended");
  EXPECT_EQ(broker.actor("source").at("state"), "ready");
  EXPECT_EQ(broker.ctl("stop source").code, 0);
  wait_for_exit(shared);
  EXPECT_EQ(broker.ctl("start sink").code, 0);
  broker.wait_for_state("sink", "ready");
  EXPECT_NE(pid_of(broker, "sink"), shared);
  EXPECT_EQ(broker.actor("source").at("state"), "ended");
}

TEST_F(Placement, AnActorThatDoesNotStopIsKilledWithItsProcess) {
  Broker& broker = start_three("env = { ON_EVENT = \"3=hang\" }\n", "stop_timeout = \"10ms\"\n");
  tell("source", "send 3 3");
  wait_for("sink: hang at 3");
  EXPECT_EQ(broker.ctl("restart sink").code, 0);
  wait_for("sink: got 3 again, attempt 2");
  broker.wait_for_incarnation("source", 2);
  EXPECT_EQ(broker.actor("source").at("last_exit"), "companion");
  EXPECT_EQ(broker.actor("other").at("incarnation"), 1);
}

TEST_F(Placement, TheBrainDiesAndNobodyInTheProcessNotices) {
  Broker& broker = start_three("env = { ON_EVENT = \"15=throw 25=abort\" }\n");
  const pid_t shared = pid_of(broker, "sink");
  send(1, 10);
  for (int round = 1; round <= 3; ++round) {
    const pid_t brain = broker.brain_pid();
    ASSERT_EQ(kill(brain, SIGKILL), 0);
    broker.wait_for_log("a new brain goes on", static_cast<std::size_t>(round));
    tell("other", "send " + std::to_string(round * 10 + 1) + " " + std::to_string(round * 10 + 10));
    wait_for("sink: got " + std::to_string(round * 10 + 10));
    for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
    EXPECT_TRUE(round > 1 || pid_of(broker, "source") == shared);
  }
  EXPECT_EQ(broker.actor("sink").at("incarnation"), 3);
  EXPECT_EQ(broker.actor("source").at("incarnation"), 2);
  wait_for("sink: got 15 again, attempt 2");
  wait_for("sink: got 25 again, attempt 2");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Placement, WhileThereIsNoBrainItsActorsEndAndCrashAndItIsToldLater) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=throw 15=die\" }\n");
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);  // nobody makes another one
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  tell("other", "send 1 20");
  wait_for("sink: throw at 5");
  ASSERT_EQ(kill(broker.pid(), SIGCONT), 0);
  wait_for("sink: got 20");
  for (const int event : {5, 15}) wait_for("sink: got " + std::to_string(event) + " again, attempt 2");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Placement, TheKeeperDiesAndNothingIsLeft) {
  Broker& broker = start_three();
  const pid_t shared = pid_of(broker, "sink");
  broker.signal(SIGKILL);
  wait_for_exit(shared);
  expect_nothing_left();
}

TEST_F(Placement, KeeperAndBrainDieAndNothingIsLeft) {
  Broker& broker = start_three("env = { ON_EVENT = \"3=hang\" }\n");
  const pid_t shared = pid_of(broker, "sink");
  const pid_t brain = broker.brain_pid();
  ASSERT_EQ(kill(brain, SIGSTOP), 0);
  broker.signal(SIGKILL);
  ASSERT_EQ(kill(brain, SIGKILL), 0);
  wait_for_exit(shared);
  expect_nothing_left();
}

TEST_F(Placement, AReloadThatChangesTheProcessMakesItAnew) {
  Broker& broker = start_three();
  const pid_t shared = pid_of(broker, "sink");
  const pid_t other = pid_of(broker, "other");
  rewrite_manifest(broker, manifest("env = { ON_EVENT = \"3=throw\" }\n", "", ""));
  EXPECT_EQ(broker.ctl("reload").code, 0);
  for (const char* name : {"sink", "source"}) {
    broker.wait_for_incarnation(name, 2);
    broker.wait_for_state(name, "ready");
  }
  EXPECT_NE(pid_of(broker, "sink"), shared);
  EXPECT_EQ(pid_of(broker, "sink"), pid_of(broker, "source"));
  EXPECT_EQ(pid_of(broker, "other"), other);
  tell("source", "send 3 3");
  wait_for("sink: throw at 3");
}

TEST_F(Placement, AReloadMovesAnActorIntoTheProcess) {
  const std::string head = "[broker]\nname = \"test\"\n";
  Broker& broker =
      start(head + section("sink", "subscribes = [\"*\"]\n") + section("source", "process = \"shared\"\n"));
  for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
  const pid_t shared = pid_of(broker, "source");
  EXPECT_NE(pid_of(broker, "sink"), shared);
  rewrite_manifest(broker, head + section("sink", "subscribes = [\"*\"]\nprocess = \"shared\"\n") +
                               section("source", "process = \"shared\"\n"));
  EXPECT_EQ(broker.ctl("reload").code, 0);
  broker.wait_for_incarnation("sink", 2);
  broker.wait_for_state("sink", "ready");
  EXPECT_EQ(pid_of(broker, "sink"), shared);
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  tell("source", "send 1 3");
  wait_for("sink: got 3");
}

TEST_F(Placement, AProgramThatCannotBeRunFailsForAllOfItsActors) {
  Broker& broker =
      start("[broker]\nname = \"test\"\n" +
            section("one", "process = \"shared\"\nbudget = { restarts = 0, within = \"1h\" }\n", "NoSuchClass") +
            section("two", "process = \"shared\"\n"));
  broker.wait_for_state("two", "ready");
  broker.wait_for_state("one", "refused");
  EXPECT_EQ(broker.actor("one").at("last_exit"), "incompatible");
  broker.wait_for_line("no actor class NoSuchClass in this program; it holds: ");
  EXPECT_EQ(broker.actor("two").at("incarnation"), 1);
}

TEST_F(Placement, AnActorThatCrashesWhenItIsMadeIsToBlameToo) {
  const std::string shared = "process = \"shared\"\nbudget = { restarts = 0, within = \"1h\" }\n";
  Broker& broker =
      start("[broker]\nname = \"test\"\n" + section("fragile", shared, "Fragile") + section("sound", shared));
  broker.wait_for_state("fragile", "quarantined");
  broker.wait_for_state("sound", "ready");
  EXPECT_EQ(broker.actor("fragile").at("last_exit"), "signal(SIGABRT)");
}

TEST_F(Placement, CompanionsDeathsSayNothingAgainstTheEventInHand) {
  Broker& broker = start_three("env = { ALWAYS = \"1=hang\" }\n", "poison_after = 2\n");
  tell("other", "send 1 1");
  for (std::size_t death = 1; death <= 3; ++death) {
    wait_for("sink: hang at 1", death);
    tell("source", "abort");
    broker.wait_for_incarnation("sink", static_cast<int>(death) + 1);
  }
  wait_for("sink: hang at 1", 4);
  EXPECT_EQ(broker.actor("sink").at("dead_lettered"), 0);
  for (std::size_t death = 4; death <= 5; ++death) {  // now it is killed itself, twice
    wait_for("sink: hang at 1", death);
    ASSERT_EQ(kill(pid_of(broker, "sink"), SIGKILL), 0);
  }
  wait_until("it is given up", [&] { return broker.actor("sink").at("dead_lettered") == 1; });
}

TEST_F(Placement, AnExitOfOneIsNoEndInOrderOfTheOthers) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=exit 0\" }\n", "restart = \"transient\"\n",
                               "restart = \"transient\"\nnever_restart_exit = [0]\n");
  tell("other", "send 5 5");
  wait_for("sink: got 5 again, attempt 2");
  broker.wait_for_incarnation("source", 2);
  for (const char* name : {"sink", "source"}) EXPECT_EQ(broker.actor(name).at("last_exit"), "error(0)");
}

TEST_F(Placement, AProcessThatIsToldToEndIsLeftAndAnotherOneIsMade) {
  Broker& broker = start_three();
  const pid_t shared = pid_of(broker, "sink");
  ASSERT_EQ(kill(shared, SIGTERM), 0);
  for (const char* name : {"sink", "source"}) {
    broker.wait_for_incarnation(name, 2);
    broker.wait_for_state(name, "ready");
    EXPECT_EQ(broker.actor(name).at("last_exit"), "clean");
    EXPECT_NE(pid_of(broker, name), shared);
  }
  wait_for_exit(shared);
}

TEST_F(Placement, WhoWaitsForAProcessMayBeRemoved) {
  const std::string head = "[broker]\nname = \"test\"\n" + section("other");
  const std::string sink = "subscribes = [\"*\"]\nstop_timeout = \"500ms\"\nprocess = \"shared\"\n";
  Broker& broker = start(head + section("sink", sink + "env = { ON_EVENT = \"3=hang\" }\n"));
  for (const char* name : {"sink", "other"}) broker.wait_for_state(name, "ready");
  tell("other", "send 3 3");
  wait_for("sink: hang at 3");
  const std::string next = head + section("sink", sink + "env = { A = \"1\" }\n");
  rewrite_manifest(broker, next + section("late", "process = \"shared\"\nenv = { A = \"1\" }\n"));
  EXPECT_EQ(broker.ctl("reload").code, 0);
  broker.wait_for_state("late", "spawning");
  rewrite_manifest(broker, next);
  EXPECT_EQ(broker.ctl("reload").code, 0);
  wait_for("sink: got 3 again, attempt 2");
  EXPECT_EQ(broker.ps().at("actors").size(), 2U);
  EXPECT_EQ(broker.log().count_with("another one takes over"), 0U);
}

TEST_F(Placement, AProcessMadeFromAnotherManifestTakesNobodyAnyMore) {
  const std::string head = "[broker]\nname = \"test\"\n" + section("other");
  Broker& broker = start(head + section("sink",
                                        "subscribes = [\"*\"]\nstop_timeout = \"500ms\"\nprocess = \"shared\"\n"
                                        "env = { ON_EVENT = \"3=hang 4=throw\" }\n"));
  for (const char* name : {"sink", "other"}) broker.wait_for_state(name, "ready");
  tell("other", "send 3 3");
  wait_for("sink: hang at 3");
  const pid_t old = pid_of(broker, "sink");
  rewrite_manifest(broker, head);
  EXPECT_EQ(broker.ctl("reload").code, 0);
  rewrite_manifest(broker, head + section("late", "subscribes = [\"*\"]\nprocess = \"shared\"\nenv = { A = \"1\" }\n"));
  EXPECT_EQ(broker.ctl("reload").code, 0);
  broker.wait_for_state("late", "ready");
  EXPECT_NE(pid_of(broker, "late"), old);
  tell("other", "send 4 4");
  wait_for("late: got 4");
}

TEST_F(Placement, ACrashWhileThereIsNoBrainIsBlamedOnWhoeverHasCrashed) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=abort\" }\n", "", "restart = \"transient\"\n");
  const pid_t shared = pid_of(broker, "sink");
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  tell("other", "send 5 5");
  wait_for("sink: abort at 5");
  wait_until("its end", [shared] {  // nobody reaps it
    std::ifstream file("/proc/" + std::to_string(shared) + "/stat");
    std::string stat;
    std::getline(file, stat);
    return stat.find(") Z") != std::string::npos;
  });
  ASSERT_EQ(kill(broker.pid(), SIGCONT), 0);
  wait_for("sink: got 5 again, attempt 2");
  broker.wait_for_incarnation("source", 2);
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "signal(SIGABRT)");
  EXPECT_EQ(broker.actor("source").at("last_exit"), "companion");
}

TEST_F(Placement, WhoHadEndedInOrderBeforeTheCrashStaysEnded) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=abort\" }\n", "", "restart = \"transient\"\n");
  const pid_t shared = pid_of(broker, "sink");
  std::string idle;
  wait_until("its main thread to sleep", [&] { return (idle = sleeps_in(shared)) != "running"; });
  if (idle.empty()) GTEST_SKIP() << "this user may not see in /proc where a process sleeps";
  const auto threads = threads_of(shared);
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  tell("source", "stop");
  // Its thread is gone, and the process has told so and sleeps again, in the same call as before.
  wait_until("the end of source's thread",
             [&] { return threads_of(shared) == threads - 1 && sleeps_in(shared) == idle; });
  tell("other", "send 5 5");
  wait_for("sink: abort at 5");
  ASSERT_EQ(kill(broker.pid(), SIGCONT), 0);
  wait_for("sink: got 5 again, attempt 2");
  const auto source = broker.actor("source");
  EXPECT_EQ(source.at("state"), "ended");
  EXPECT_EQ(source.at("last_exit"), "clean");
  EXPECT_EQ(source.at("incarnation"), 1);
}

TEST_F(Placement, TheBrainDiesAgainAndAgainWhileTheProcessIsBeingStarted) {
  Broker& broker = start_three("budget = { restarts = 100, within = \"1h\" }\n");
  for (int round = 1; round <= 8; ++round) {
    const pid_t shared = pid_of(broker, "sink");
    const pid_t brain = broker.brain_pid();
    ASSERT_EQ(kill(shared, SIGKILL), 0);
    if (round % 2 == 0) wait_for_exit(shared);
    ASSERT_EQ(kill(brain, SIGKILL), 0);
    broker.wait_for_log("a new brain goes on", static_cast<std::size_t>(round));
    for (const char* name : {"sink", "source"}) {
      broker.wait_for_incarnation(name, round + 1);
      broker.wait_for_state(name, "ready");
    }
  }
  tell("source", "send 1 5");
  wait_for("sink: got 5");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Placement, WhatTheyPrintIsTheProcesss) {
  Broker& broker = start_three("env = { ON_EVENT = \"5=die\" }\n");
  tell("source", "print hello there");
  broker.wait_for_line("shared[" + std::to_string(pid_of(broker, "source")) + "] | hello there");
  EXPECT_NE(broker.ctl("logs sink").said.find("hello there"), std::string::npos);
  tell("source", "send 5 5");
  wait_for("sink: got 5 again, attempt 2");
  EXPECT_NE(broker.ctl("why sink").said.find("hello there"), std::string::npos) << broker.ctl("why sink").said;
}

}  // namespace
}  // namespace process_test
