// Events that are given up on, under a real broker: on disk, readable, and counted.

#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class DeadLetters : public RuntimeTest {
 protected:
  const std::string head_ =
      "[broker]\nname = \"test\"\nmailbox_hold = \"1ms\"\n[topics.\"Topic.Numbers\"]\ncapacity = 256\n";
  const std::string sink_ = "subscribes = [\"*\"]\n";

  nlohmann::json letters(Broker& broker, const std::string& options = "") {
    const Finished list = broker.ctl("dead-letters --json list " + options);
    EXPECT_EQ(list.code, 0) << list.said;
    const auto answer = nlohmann::json::parse(list.said, nullptr, false);
    if (!answer.contains("dead_letters")) throw std::runtime_error("dead-letters list said: " + list.said);
    return answer["dead_letters"];
  }

  /// Number 3 is dead letter 1 of "sink", which runs.
  void make_poison(Broker& broker) {
    broker.wait_for_state("sink", "ready");
    broker.wait_for_state("source", "ready");
    tell("source", "send 1 4");
    wait_for("sink: got 4");
    ASSERT_EQ(letters(broker).size(), 1U);
    wait_until("handling to be counted", [&] { return broker.actor("sink").at("queued") == 0; });
    broker.wait_for_state("sink", "ready");
  }

  void mend(const std::string& puppet) {
    tell(puppet, "always nothing");
    wait_for(puppet + ": always nothing");
  }
};

TEST_F(DeadLetters, APoisonEventIsGivenUpAndItsReaderGoesOnWithoutIt) {
  Broker& broker = start(head_ + section("source") + section("sink", sink_ + "env = { ALWAYS = \"3=abort\" }\n") +
                         section("other", sink_));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("other", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 10");
  wait_for("sink: got 10");
  wait_for("other: got 10");
  EXPECT_EQ(journal().count_with("sink: abort at 3"), 3U);
  EXPECT_EQ(journal().count_with("sink: got"), 9U) << "all but that one";
  EXPECT_EQ(broker.actor("other").at("restarts"), 0) << "its siblings do not notice";
  EXPECT_EQ(broker.actor("sink").at("restarts"), 3);
  broker.wait_for_log("attempt 3 of 3");

  const auto found = letters(broker);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at("reason"), "poison");
  EXPECT_EQ(found[0].at("attempts"), 3);
  EXPECT_EQ(found[0].at("reader"), "sink");
  EXPECT_EQ(found[0].at("sender"), "source");
  EXPECT_EQ(found[0].at("topic"), "Topic.Numbers");
  EXPECT_EQ(found[0].at("type"), "puppets::Number");
  EXPECT_EQ(found[0].at("payload"), (nlohmann::json{{"value", 3}}));
  wait_until("handling to be counted", [&] { return broker.actor("sink").at("queued") == 0; });
  EXPECT_EQ(broker.actor("sink").at("dead_lettered"), 1);
  expect_the_account_to_balance(broker);

  const Finished missing = broker.ctl("dead-letters discard 77");
  EXPECT_EQ(missing.code, 1);
  EXPECT_EQ(missing.said, "actorctl: there is no dead letter 77: actorctl dead-letters list has those there are\n");
  EXPECT_EQ(broker.ctl("dead-letters discard --all").code, 0);
  EXPECT_EQ(letters(broker).size(), 0U);
}

TEST_F(DeadLetters, WhatAReaderCouldNotKeepUpWithIsGivenUp) {
  Broker& broker = start("[broker]\nname = \"test\"\n[topics.\"Topic.Numbers\"]\noverflow = \"fail\"\ncapacity = 4\n" +
                         section("source", "publishes = [\"Topic.Numbers\"]\n") +
                         section("sink",
                                 "subscribes = [\"Topic.Numbers\"]\nstop_timeout = \"100ms\"\n"
                                 "env = { ON_EVENT = \"1=hang\" }\n"));
  for (const char* name : {"source", "sink"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 1");
  wait_for("sink: hang at 1");
  tell("source", "send 2 5");
  broker.wait_for_log("sink: does not keep up");
  broker.wait_for_incarnation("sink", 2);
  EXPECT_EQ(broker.actor("sink").at("last_exit"), "overflow");
  tell("source", "send 6 6");
  wait_for("sink: got 6");
  EXPECT_EQ(journal().count_with("sink: got"), 1U) << "the one that it hung over was in the queue as well";
  const auto letters = nlohmann::json::parse(broker.ctl("--json dead-letters list").said).at("dead_letters");
  ASSERT_EQ(letters.size(), 4U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(letters[i].at("reason"), "overflow");
    EXPECT_EQ(letters[i].at("payload").at("value"), i + 1);
    EXPECT_EQ(letters[i].at("attempts"), i == 0 ? 1 : 0);
  }
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, AtMostOnceHandsOutNoEventAgain) {
  Broker& broker = start(head_ + section("source") +
                         section("sink", sink_ + "delivery = \"at_most_once\"\n" + "env = { ON_EVENT = \"2=die\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 4");
  wait_for("sink: got 4");
  EXPECT_EQ(journal().count_with("sink: got 2"), 0U);
  const auto found = letters(broker);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at("reason"), "in hand");
  EXPECT_EQ(found[0].at("payload").at("value"), 2);
  wait_until("handling to be counted", [&] { return broker.actor("sink").at("queued") == 0; });
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, TheMailboxOfWhoDoesNotComeBackIsKept) {
  Broker& broker = start(head_ + section("source") +
                         section("sink", sink_ + "restart = \"temporary\"\n" + "env = { ON_EVENT = \"2=die\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 40");
  wait_for("source: sent 40");
  broker.wait_for_state("sink", "ended");
  wait_until("its mailbox to be given up", [&] { return broker.actor("sink").at("dead_lettered") == 39; });
  const auto found = letters(broker, "--actor sink");
  ASSERT_EQ(found.size(), 39U);
  for (int i = 0; i < 39; ++i) EXPECT_EQ(found[static_cast<std::size_t>(i)].at("payload").at("value"), i + 2);
  EXPECT_EQ(found[0].at("attempts"), 1) << "it had this one in hand";
  EXPECT_EQ(found[1].at("attempts"), 0);
  EXPECT_EQ(letters(broker, "--actor source").size(), 0U);
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, WhatADrainHasNoTimeForIsKept) {
  Broker& broker = start("[broker]\nname = \"test\"\ndrain_timeout = \"20ms\"\n" + section("source") +
                         section("sink", sink_ + "stop_timeout = \"0s\"\nenv = { ON_EVENT = \"1=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 30");
  wait_for("source: sent 30");
  EXPECT_EQ(broker.ctl("stop sink").code, 0);
  broker.wait_for_state("sink", "ended");
  wait_until("its mailbox to be given up", [&] { return broker.actor("sink").at("dead_lettered") == 30; });
  EXPECT_EQ(broker.log().count_with("sink: drain_timeout is over: 30 events are still queued; what it does not handle "
                                    "before it ends becomes dead letters"),
            1U);
  expect_the_account_to_balance(broker);
  tell("source", "send 31 31");
  wait_for("source: sent 31");
}

TEST_F(DeadLetters, TheMailboxIsGivenUpAtADeathIfThatIsWanted) {
  Broker& broker =
      start(head_ + section("source") +
            section("sink", sink_ + "mailbox_on_restart = \"dead_letter\"\n" + "env = { ON_EVENT = \"2=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 20");
  wait_for("source: sent 20");
  wait_for("sink: hang at 2");
  ASSERT_EQ(kill(broker.actor("sink").at("pid").get<pid_t>(), SIGKILL), 0);
  broker.wait_for_incarnation("sink", 2);
  broker.wait_for_state("sink", "ready");
  tell("source", "send 21 22");
  wait_for("sink: got 22");
  EXPECT_EQ(journal().count_with("sink: got"), 3U) << "1, 21 and 22";
  EXPECT_EQ(letters(broker).size(), 19U);
  wait_until("handling to be counted", [&] { return broker.actor("sink").at("queued") == 0; });
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, OutliveTheBrainAndTheBroker) {
  const std::string manifest = head_ + section("source") + section("sink", sink_ + "env = { ALWAYS = \"3=abort\" }\n");
  {
    Broker& broker = start(manifest);
    broker.wait_for_state("sink", "ready");
    broker.wait_for_state("source", "ready");
    tell("source", "send 1 4");
    wait_for("sink: got 4");
    ASSERT_EQ(letters(broker).size(), 1U);
    ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
    broker.wait_for_log("a new brain goes on");
    EXPECT_EQ(letters(broker).size(), 1U);
    wait_until("handling to be counted", [&] { return broker.actor("sink").at("queued") == 0; });
    EXPECT_EQ(broker.actor("sink").at("dead_lettered"), 1);
    expect_the_account_to_balance(broker);
    broker.interrupt();
    EXPECT_EQ(broker.wait_for_end(), 0);
  }
  Broker& broker = start(manifest);
  broker.wait_for_state("sink", "ready");
  const auto found = letters(broker);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at("payload").at("value"), 3);
}

TEST_F(DeadLetters, ARetriedLetterStaysUntilItIsHandled) {
  Broker& broker = start(head_ + section("source") + section("sink", sink_ + "env = { ALWAYS = \"3=abort\" }\n"));
  make_poison(broker);
  const Finished none = broker.ctl("dead-letters retry 17 18 --actor sink");
  EXPECT_EQ(none.code, 1);
  EXPECT_EQ(none.said,
            "actorctl: there is no dead letter 17, 18 for 'sink': actorctl dead-letters list has those there are\n");

  EXPECT_EQ(broker.ctl("dead-letters retry --all").code, 0);
  wait_for("sink: abort at 3", 4);
  broker.wait_for_log("while handling dead letter 1 again, attempt 4");
  broker.wait_for_incarnation("sink", 5);
  broker.wait_for_state("sink", "ready");
  const auto found = letters(broker);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].at("id"), 1);
  EXPECT_EQ(found[0].at("attempts"), 4);

  tell("sink", "always 3=throw");
  wait_for("sink: always 3=throw");
  EXPECT_EQ(broker.ctl("dead-letters retry 1").code, 0);
  broker.wait_for_log("while handling dead letter 1 again, attempt 5");
  broker.wait_for_incarnation("sink", 6);
  broker.wait_for_state("sink", "ready");
  ASSERT_EQ(letters(broker).size(), 1U);

  mend("sink");
  EXPECT_EQ(broker.ctl("dead-letters retry 1").code, 0);
  wait_for("sink: got 3 again, attempt 6");
  wait_until("the letter to be forgotten", [&] { return letters(broker).empty(); });
  EXPECT_NE(broker.ctl("dead-letters retry 1").code, 0);
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, AMailboxThatWasGivenUpIsRetriedInItsOrder) {
  Broker& broker =
      start(head_ + section("source") +
            section("sink", sink_ + "mailbox_on_restart = \"dead_letter\"\n" + "env = { ON_EVENT = \"2=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 2 5");
  wait_for("source: sent 5");
  tell("source", "shout 100000");
  tell("source", "send 6 6");
  wait_for("source: sent 6");
  wait_for("sink: hang at 2");
  ASSERT_EQ(kill(broker.actor("sink").at("pid").get<pid_t>(), SIGKILL), 0);
  broker.wait_for_incarnation("sink", 2);
  broker.wait_for_state("sink", "ready");
  ASSERT_EQ(letters(broker).size(), 6U);
  EXPECT_EQ(broker.ctl("dead-letters retry --all --actor sink").code, 0);
  wait_until("all letters to be forgotten", [&] { return letters(broker).empty(); });
  const std::vector<std::string> expected = {"sink: got 2 again, attempt 2",
                                             "sink: got 3 again, attempt 1",
                                             "sink: got 4 again, attempt 1",
                                             "sink: got 5 again, attempt 1",
                                             "sink: word of 100000 bytes again, attempt 1",
                                             "sink: got 6 again, attempt 1"};
  wait_for(expected.back());
  std::vector<std::string> handled;
  for (const std::string& line : journal().all()) {
    if (line.find(" again") != std::string::npos) handled.push_back(line);
  }
  EXPECT_EQ(handled, expected);
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, ARetryGoesOnUnderANewBrain) {
  Broker& broker = start(head_ + section("source") + section("sink", sink_ + "env = { ALWAYS = \"3=abort\" }\n"));
  make_poison(broker);
  tell("sink", "always 3=hang");
  wait_for("sink: always 3=hang");
  EXPECT_EQ(broker.ctl("dead-letters retry 1").code, 0);
  wait_for("sink: hang at 3");
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  const Finished second = broker.ctl("dead-letters retry 1");
  EXPECT_NE(second.code, 0);
  EXPECT_NE(second.said.find("is being retried already"), std::string::npos) << second.said;
  ASSERT_EQ(kill(broker.actor("sink").at("pid").get<pid_t>(), SIGKILL), 0);
  broker.wait_for_incarnation("sink", 5);
  broker.wait_for_state("sink", "ready");
  ASSERT_EQ(letters(broker).size(), 1U);
  EXPECT_EQ(letters(broker)[0].at("attempts"), 4);

  mend("sink");
  EXPECT_EQ(broker.ctl("dead-letters retry 1").code, 0);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  broker.wait_for_log("a new brain goes on", 2);
  wait_until("the letter to be forgotten", [&] { return letters(broker).empty(); });
  wait_for("sink: got 3 again, attempt 5");
  EXPECT_EQ(journal().count_with("sink: got 3"), 1U);
  expect_the_account_to_balance(broker);
}

TEST_F(DeadLetters, WhatCannotBeRetriedIsRefusedWithTheReasonAndStays) {
  const std::string poisoned = section("sink", sink_ + "env = { ALWAYS = \"3=abort\" }\n");
  const auto expect_refusal = [&](Broker& broker, const std::string& why) {
    const Finished retry = broker.ctl("dead-letters retry 1");
    EXPECT_EQ(retry.code, 1);
    EXPECT_NE(retry.said.find(why), std::string::npos) << retry.said;
    EXPECT_EQ(letters(broker).size(), 1U);
  };
  const auto end = [&](Broker& broker) {
    broker.interrupt();
    EXPECT_EQ(broker.wait_for_end(), 0);
  };
  Broker& first = start(head_ + section("source") + poisoned);
  make_poison(first);
  EXPECT_EQ(first.ctl("stop sink").code, 0);
  first.wait_for_state("sink", "ended");
  expect_refusal(first, "'sink' is ended: start it first");
  end(first);

  Broker& elsewhere = start(head_ + section("source") + section("sink", "subscribes = [\"Topic.Words\"]\n"));
  elsewhere.wait_for_state("sink", "ready");
  expect_refusal(elsewhere, "does not subscribe to Topic.Numbers any more");
  end(elsewhere);

  Broker& other_program = start(head_ + section("source") + section("sink", sink_, "Narrow"));
  other_program.wait_for_state("sink", "ready");
  expect_refusal(other_program, "does not know the event type puppets::Number");
  end(other_program);

  Broker& gone = start(head_ + section("source"));
  gone.wait_for_state("source", "ready");
  expect_refusal(gone, "there is no actor 'sink' any more");
}

TEST_F(DeadLetters, TheBrokerGoesOnWithoutAPlaceForThem) {
  Broker& broker = start("[broker]\nname = \"test\"\nstate_dir = \"/proc/nowhere\"\n" + section("source") +
                         section("sink", sink_ + "env = { ALWAYS = \"3=abort\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 4");
  wait_for("sink: got 4");
  broker.wait_for_log("events that are given up on are dropped");
  EXPECT_NE(broker.ctl("dead-letters list").code, 0);
  wait_until("handling to be counted", [&] { return broker.actor("sink").at("queued") == 0; });
  EXPECT_EQ(broker.actor("sink").at("discarded"), 1);
  expect_the_account_to_balance(broker);
}

}  // namespace
}  // namespace process_test
