// The brain is killed at any time: the actors live on, and the next brain knows all that the one before it knew.

#include <fcntl.h>
#include <signal.h>

#include <control/channel.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

/// A source, and a sink that it sends to.
class Takeover : public RuntimeTest {
 protected:
  Broker& start_two(const std::string& of_sink = "", const std::string& of_broker = "") {
    Broker& broker = start("[broker]\nname = \"test\"\n" + of_broker +
                           section("sink", "subscribes = [\"*\"]\n" + of_sink) + section("source"));
    for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
    return broker;
  }
  /// Kills the brain and waits until the next one answers. Its process number.
  pid_t kill_brain(Broker& broker) {
    const pid_t old = broker.brain_pid();
    EXPECT_EQ(kill(old, SIGKILL), 0);
    pid_t next = old;
    wait_until("another brain", [&] {
      const Finished answer = broker.ctl("--json ps");
      if (answer.code == 0) next = nlohmann::json::parse(answer.said).at("broker").at("pid").get<pid_t>();
      return next != old;
    });
    return next;
  }
  void send(int first, int last) {
    tell("source", "send " + std::to_string(first) + " " + std::to_string(last));
    wait_for("sink: got " + std::to_string(last));
  }
};

TEST_F(Takeover, ActorsLiveOnAndEventsFlow) {
  Broker& broker = start_two();
  send(1, 10);
  const auto sink = broker.actor("sink");
  const auto source = broker.actor("source");
  kill_brain(broker);
  send(11, 20);
  for (const auto& before : {sink, source}) {
    const auto now = broker.actor(before.at("name"));
    EXPECT_EQ(now.at("pid"), before.at("pid"));
    EXPECT_EQ(now.at("incarnation"), 1);
    EXPECT_EQ(now.at("state"), "ready");
  }
  EXPECT_EQ(journal().count_with("sink: started"), 1U);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count_with(": shutdown"), 2U);
  expect_nothing_left();
}

TEST_F(Takeover, EventsFlowWhileThereIsNoBrain) {
  Broker& broker = start_two();
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);  // nobody makes another one
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  send(1, 100);
  ASSERT_EQ(kill(broker.pid(), SIGCONT), 0);
  broker.wait_for_log("a new brain goes on");
  send(101, 110);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Takeover, DeathsWhileThereIsNoBrainAreToldAndNothingIsLost) {
  Broker& broker = start_two("env = { ON_EVENT = \"5=die\" }\n");
  ASSERT_EQ(kill(broker.pid(), SIGSTOP), 0);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  tell("source", "send 1 20");
  wait_for("source: sent 20");
  wait_for("sink: got 4");
  ASSERT_EQ(kill(pid_in_journal("source: started"), SIGKILL), 0);
  ASSERT_EQ(kill(broker.pid(), SIGCONT), 0);
  wait_for("sink: got 20");
  for (int event = 6; event <= 20; ++event) EXPECT_EQ(journal().count("sink: got " + std::to_string(event)), 1U);
  broker.wait_for_incarnation("source", 2);
  EXPECT_EQ(broker.actor("source").at("last_exit"), "signal(SIGKILL)");
  EXPECT_EQ(broker.actor("sink").at("restarts"), 1);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Takeover, SignalsThatCameWhileThereWasNoBrainEndTheRuntime) {
  Broker& broker = start_two();
  const pid_t brain = broker.brain_pid();
  ASSERT_EQ(kill(brain, SIGSTOP), 0);
  broker.signal(SIGTERM);
  ASSERT_EQ(kill(brain, SIGKILL), 0);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count_with(": shutdown"), 2U);
  EXPECT_EQ(broker.log().count_with("asked again"), 0U);
  expect_nothing_left();
}

TEST_F(Takeover, WhatFoundNoRoomInTheControlSocketIsSaidThoughTheActorSleeps) {
  Broker& broker = start_two("latency = \"power-save\"\nenv = { ON_EVENT = \"3=stop-all\" }\n");
  const pid_t brain = broker.brain_pid();
  ASSERT_EQ(kill(brain, SIGSTOP), 0);
  tell("source", "send 1 3");
  wait_for("sink: got 3");
  ASSERT_EQ(kill(brain, SIGCONT), 0);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count_with(": shutdown"), 2U);
  expect_nothing_left();
}

TEST_F(Takeover, AShutdownThatHadBegunGoesOn) {
  // With a drain_timeout as long as this, the test would not end.
  Broker& broker = start_two("env = { ON_EVENT = \"3=hang\" }\n", "drain_timeout = \"24h\"\n");
  tell("source", "send 1 5");
  wait_for("sink: hang at 3");
  const pid_t brain = broker.brain_pid();
  broker.signal(SIGTERM);
  broker.wait_for_log("shutting down");
  ASSERT_EQ(kill(brain, SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  ASSERT_EQ(kill(pid_in_journal("sink: started"), SIGKILL), 0);
  wait_for("sink: got 5");
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(broker.log().count_with("asked again"), 0U);
  EXPECT_EQ(journal().count_with("source: shutdown"), 1U);
  expect_nothing_left();
}

TEST_F(Takeover, BackoffAndBudgetAreRemembered) {
  Broker& broker =
      start_two("budget = { restarts = 2, within = \"1h\" }\nbackoff = { base = \"1ms\", max = \"1ms\" }\n");
  for (int life = 2; life <= 3; ++life) {
    EXPECT_EQ(broker.ctl("kill sink").code, 0);
    broker.wait_for_incarnation("sink", life);
    kill_brain(broker);
  }
  broker.wait_for_state("sink", "ready");
  EXPECT_EQ(broker.ctl("kill sink").code, 0);
  broker.wait_for_state("sink", "quarantined");
  kill_brain(broker);
  EXPECT_EQ(broker.actor("sink").at("state"), "quarantined");
  EXPECT_EQ(broker.actor("sink").at("restarts"), 2);
  EXPECT_EQ(broker.ctl("start sink").code, 0);
  broker.wait_for_state("sink", "ready");
  send(1, 3);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Takeover, AnActorThatIsStillStartingIsNotDisturbed) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("sink", "subscribes = [\"*\"]\n") + section("source") +
                         "[actors.sleeper]\nexec = \"sleep\"\nargs = [\"86400\"]\nstart_timeout = \"24h\"\n");
  broker.wait_for_state("sleeper", "connecting");
  const auto before = broker.actor("sleeper");
  kill_brain(broker);
  EXPECT_EQ(broker.actor("sleeper").at("pid"), before.at("pid"));
  EXPECT_EQ(broker.actor("sleeper").at("state"), "connecting");
  for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
  send(1, 3);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Takeover, ABrainThatHangsIsSucceededLikeADeadOne) {
  Broker& broker = start_two("", "brain_watchdog = \"1s\"\n");
  send(1, 10);
  const pid_t brain = broker.brain_pid();
  const pid_t sink = broker.actor("sink").at("pid").get<pid_t>();
  ASSERT_EQ(kill(brain, SIGSTOP), 0);
  ASSERT_EQ(kill(sink, SIGKILL), 0);  // nobody can deal with that now
  broker.wait_for_log("the brain (process " + std::to_string(brain) + ") hangs");
  broker.wait_for_incarnation("sink", 2);
  EXPECT_NE(broker.brain_pid(), brain);
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "signal(SIGKILL)");
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  send(11, 20);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Takeover, AnOperatorsSignalIsSentOnce) {
  Broker& broker = start(
      "[broker]\nname = \"test\"\n[actors.shell]\nexec = \"sh\"\nstart_timeout = \"1h\"\n"
      "args = [\"-c\", \"trap 'echo told to end' TERM; trap 'echo told more' USR1; echo begins; "
      "while :; do sleep 1000 & wait; done\"]\n");
  broker.wait_for_line("begins");
  EXPECT_EQ(broker.ctl("kill shell -s TERM").code, 0);
  broker.wait_for_line("told to end");
  kill_brain(broker);
  EXPECT_EQ(broker.ctl("kill shell -s USR1").code, 0);
  broker.wait_for_line("told more");
  EXPECT_EQ(broker.out().count_with("told to end"), 1U);
}

TEST_F(Takeover, ActorsStartedByHandStay) {
  Broker& broker = start_two();
  const pid_t guest = start_by_hand("guest", {"--broker", "test", "--subscribe", "*"});
  broker.wait_for_state("guest", "ready");
  kill_brain(broker);
  tell("source", "send 1 3");
  wait_for("guest: got 3");
  EXPECT_EQ(broker.actor("guest").at("pid"), guest);
  ASSERT_EQ(kill(guest, SIGKILL), 0);
  broker.wait_for_state("guest", "ended");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Takeover, WhoWasStartedByHandAndNotLetInYetComesAgain) {
  // A broker as far as it can be seen from outside: its lock and its socket.
  const actor::Fd lock(open((directory() / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct flock held = {};
  held.l_type = F_WRLCK;
  held.l_whence = SEEK_SET;
  ASSERT_EQ(fcntl(lock.get(), F_OFD_SETLK, &held), 0);
  const actor::Fd listener = actor::control::listen_at((directory() / "control.sock").string());
  start_by_hand("guest", {"--broker", directory().string() + "/", "--subscribe", "*"});
  const auto accept = [&] {
    std::optional<actor::control::Accepted> accepted;
    wait_until("a connection", [&] { return (accepted = actor::control::accept_from(listener.get())).has_value(); });
    return actor::control::Channel(std::move(accepted->socket));
  };
  { const auto lost = accept(); }
  auto second = accept();
  actor::control::Packet packet;
  wait_until("Hello", [&] { return second.receive(packet) == actor::control::ReceiveResult::Packet; });
  std::string error;
  const auto message = actor::control::decode_to_broker(packet, error);
  ASSERT_TRUE(message) << error;
  EXPECT_EQ(std::get<actor::control::Hello>(*message).name, "guest");
}

TEST_F(Takeover, TheReasonsOfDeathsAreRightHoweverCloseTogetherTheyAre) {
  const std::string often =
      "budget = { restarts = 10000, within = \"1h\" }\nbackoff = { base = \"1ms\", max = \"1ms\" }\n";
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("sink", "subscribes = [\"*\"]\n" + often) +
                         section("source", often));
  for (int round = 2; round <= 40; ++round) {
    for (const char* name : {"sink", "source"}) broker.wait_for_state(name, "ready");
    const pid_t brain = broker.brain_pid();
    const auto sink = broker.actor("sink").at("pid").get<pid_t>();
    const auto source = broker.actor("source").at("pid").get<pid_t>();
    // In each order, and mostly before the one before was noticed.
    if (round % 3 == 0) kill(brain, SIGKILL);
    kill(sink, SIGQUIT);  // one that no sanitizer catches
    if (round % 3 == 1) kill(brain, SIGKILL);
    kill(source, SIGABRT);
    if (round % 3 == 2) kill(brain, SIGKILL);
    for (const char* name : {"sink", "source"}) broker.wait_for_incarnation(name, round);
    EXPECT_EQ(broker.actor("sink").at("last_exit"), "signal(SIGQUIT)");
    EXPECT_EQ(broker.actor("source").at("last_exit"), "signal(SIGABRT)");
  }
  for (const char* name : {"sink", "source"}) {
    broker.wait_for_state(name, "ready");
    EXPECT_EQ(broker.actor(name).at("restarts"), 39) << name;
  }
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
}

TEST_F(Takeover, ManyBrainsMayBeKilledWhileActorsAreBeingStarted) {
  Broker& broker = start_two();
  // Each brain is killed as soon as it is there, in whatever it is doing just then.
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(broker.ctl("restart sink").code, 0);
    for (int brain = 0; brain < 5; ++brain) kill_brain(broker);
  }
  broker.wait_for_state("sink", "ready");
  EXPECT_EQ(broker.actor("sink").at("restarts"), 5);
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  send(1, 10);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

}  // namespace
}  // namespace process_test
