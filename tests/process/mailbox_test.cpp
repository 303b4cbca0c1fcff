// What becomes of events when processes die: under a real broker, with real kills.

#include <signal.h>

#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Mailbox : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n[topics.\"Topic.Numbers\"]\ncapacity = 256\n";

  /// Each of first..last at least once, in order where it came once.
  void expect_all(const std::string& reader, int first, int last) {
    for (int value = first; value <= last; ++value) {
      const std::string line = reader + ": got " + std::to_string(value);
      EXPECT_EQ(journal().count(line) + journal().count(line + " again, attempt 2"), 1U) << line;
    }
  }
};

TEST_F(Mailbox, OutlivesAKilledReaderAndTheEventInHandComesAgainMarked) {
  Broker& broker =
      start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\nenv = { ON_EVENT = \"3=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 50");
  wait_for("source: sent 50");
  wait_for("sink: hang at 3");
  const auto before = broker.actor("sink");
  EXPECT_EQ(before.at("incarnation"), 1);
  EXPECT_EQ(before.at("queued"), 48) << "3 is in hand and counts until it is handled";

  ASSERT_EQ(kill(before.at("pid").get<pid_t>(), SIGKILL), 0);
  wait_for("sink: got 50");
  broker.wait_for_incarnation("sink", 2);
  expect_all("sink", 1, 50);
  EXPECT_EQ(journal().count("sink: got 3 again, attempt 2"), 1U);
  EXPECT_EQ(broker.log().count_with("while handling puppets::Number on Topic.Numbers from 'source'"), 1U);

  const auto after = broker.actor("sink");
  EXPECT_EQ(after.at("restarts"), 1);
  EXPECT_EQ(after.at("handled"), 50);
  EXPECT_EQ(after.at("queued"), 0);
  EXPECT_EQ(after.at("last_exit"), "signal(SIGKILL)");
  EXPECT_EQ(broker.actor("source").at("sent"), 50);
  expect_the_account_to_balance(broker);
}

TEST_F(Mailbox, OfAKilledPublisherIsReadToItsEndBeforeItsSuccessorIsHeard) {
  Broker& broker =
      start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\nenv = { ON_EVENT = \"2=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 20");
  wait_for("source: sent 20");
  wait_for("sink: hang at 2");
  ASSERT_EQ(kill(pid_in_journal("source: started"), SIGKILL), 0);
  broker.wait_for_incarnation("source", 2);
  tell("source", "send 21 40");
  wait_for("source: sent 40");
  ASSERT_EQ(kill(pid_in_journal("sink: started"), SIGKILL), 0);
  wait_for("sink: got 40");
  expect_all("sink", 1, 40);
  std::size_t at = 0;
  for (int value = 1; value <= 40; ++value) {
    const auto& lines = journal().all();
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return (line + ' ').starts_with("sink: got " + std::to_string(value) + ' ');
    });
    const auto place = static_cast<std::size_t>(found - lines.begin());
    EXPECT_GE(place, at) << value << " came before " << value - 1;
    at = place;
  }
}

TEST_F(Mailbox, AccountsBalanceHoweverOftenBothSidesAreKilled) {
  Broker& broker = start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\n") +
                         section("other", "subscribes = [\"*\"]\n"));
  for (const char* name : {"source", "sink", "other"}) broker.wait_for_incarnation(name, 1);
  for (int life = 1; life <= 4; ++life) {
    tell("source", "send " + std::to_string(100 * life - 99) + ' ' + std::to_string(100 * life));
    wait_for("source: sent " + std::to_string(100 * life));
    for (const char* name : {"sink", "source"}) {
      EXPECT_EQ(broker.ctl(std::string("kill ") + name).code, 0);
      broker.wait_for_incarnation(name, life + 1);
    }
  }
  wait_until("the last of the events", [&] { return journal().count_with("sink: got 400") > 0; });
  wait_for("other: got 400");
  EXPECT_EQ(broker.actor("source").at("sent"), 800);
  EXPECT_EQ(broker.actor("other").at("handled"), 400);
  // It was killed at any moment: at most the event in hand came again, once for each kill.
  std::size_t again = 0;
  for (int value = 1; value <= 400; ++value) {
    const std::string line = "sink: got " + std::to_string(value);
    const std::size_t times = journal().count(line) + journal().count(line + " again, attempt 2");
    EXPECT_GE(times, 1U) << line;
    again += times - 1;
  }
  EXPECT_LE(again, 4U);
  expect_the_account_to_balance(broker);
}

TEST_F(Mailbox, OfAReaderInBackoffIsHandledBeforeTheRuntimeStops) {
  Broker& broker = start(
      head_ + section("source") +
      section("sink",
              "subscribes = [\"*\"]\nbackoff = { base = \"1h\", max = \"1h\" }\nenv = { ON_EVENT = \"1=die 2=die\" "
              "}\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 30");
  broker.wait_for_state("sink", "backoff");
  EXPECT_EQ(broker.actor("sink").at("queued"), 29) << "the first one was handled the second time, 2 was in hand";
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_all("sink", 1, 30);
  EXPECT_EQ(broker.log().count_with("once more"), 1U);
  expect_nothing_left();
}

TEST_F(Mailbox, OfAReaderThatDiesAgainWhileItDrainsIsReportedAsLost) {
  Broker& broker = start(head_ + section("source") +
                         section("sink",
                                 "subscribes = [\"*\"]\nbackoff = { base = \"1h\", max = \"1h\" }\nenv = { ON_EVENT "
                                 "= \"1=die 2=die 11=die\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 30");
  broker.wait_for_state("sink", "backoff");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_all("sink", 1, 10);
  EXPECT_EQ(journal().count_with("sink: got"), 10U);
  const std::string line = broker.log().first_with("become dead letters");
  EXPECT_NE(line.find("sink: 20 events"), std::string::npos) << line;
  EXPECT_NE(line.find("20 from 'source' (Topic.Numbers"), std::string::npos) << line;
  expect_nothing_left();
}

TEST_F(Mailbox, OfAReaderThatDiesDuringShutdownIsHandledByASuccessor) {
  Broker& broker =
      start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\nenv = { ON_EVENT = \"5=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 30");
  wait_for("sink: hang at 5");
  wait_for("source: sent 30");
  broker.signal(SIGTERM);
  broker.wait_for_log("shutting down");
  ASSERT_EQ(kill(pid_in_journal("sink: started"), SIGKILL), 0);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_all("sink", 1, 30);
  expect_nothing_left();
}

TEST_F(Mailbox, OfATemporaryReaderThatDiesDuringShutdownIsReportedAsLost) {
  Broker& broker =
      start(head_ + section("source") +
            section("sink", "subscribes = [\"*\"]\nrestart = \"temporary\"\nenv = { ON_EVENT = \"5=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 30");
  wait_for("sink: hang at 5");
  wait_for("source: sent 30");
  broker.signal(SIGTERM);
  broker.wait_for_log("shutting down");
  ASSERT_EQ(kill(pid_in_journal("sink: started"), SIGKILL), 0);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count_with("sink: started"), 1U);
  EXPECT_NE(broker.log().first_with("become dead letters").find("sink: 26 events"), std::string::npos);
  expect_nothing_left();
}

TEST_F(Mailbox, ThatCannotBeHandledBeforeTheRuntimeStopsIsReportedWithItsTopic) {
  Broker& broker =
      start("[broker]\nname = \"test\"\ndrain_timeout = \"300ms\"\n[topics.\"Topic.Numbers\"]\ncapacity = 256\n" +
            section("source") +
            section("sink", "subscribes = [\"*\"]\nstop_timeout = \"100ms\"\nenv = { ON_EVENT = \"5=hang\" }\n"));
  broker.wait_for_state("sink", "ready");
  broker.wait_for_state("source", "ready");
  tell("source", "send 1 30");
  wait_for("sink: hang at 5");
  wait_for("source: sent 30");
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  const std::string line = broker.log().first_with("26 events");
  EXPECT_NE(line.find("sink: "), std::string::npos) << line;
  EXPECT_NE(line.find("'source'"), std::string::npos) << line;
  EXPECT_NE(line.find("Topic.Numbers"), std::string::npos) << line;
  EXPECT_EQ(
      broker.log().count_with("drain_timeout is over: 'sink' has 26 queued; what is not handled before the actors "
                              "end becomes dead letters"),
      1U);
  expect_nothing_left();
}

TEST_F(Mailbox, OfAQuarantinedReaderIsGivenUpWithItsCountAndPublishersGoOn) {
  Broker& broker = start("[broker]\nname = \"test\"\n[topics.\"Topic.Numbers\"]\ncapacity = 4\n" + section("source") +
                         section("sink",
                                 "subscribes = [\"*\"]\nbudget = { restarts = 0, within = \"1h\" }\nenv = { ON_EVENT = "
                                 "\"1=die\" }\n") +
                         section("other", "subscribes = [\"*\"]\n"));
  for (const char* name : {"source", "sink", "other"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 20");
  broker.wait_for_state("sink", "quarantined");
  wait_for("other: got 20");  // after mailbox_hold: the source waited for the dead one's room until then
  const auto sink = broker.actor("sink");
  EXPECT_EQ(sink.at("queued"), 0);
  EXPECT_GE(sink.at("dead_lettered").get<int>(), 4);
  const std::string line = broker.log().first_with("become dead letters");
  EXPECT_NE(line.find("Topic.Numbers"), std::string::npos) << line;
  expect_the_account_to_balance(broker);
}

}  // namespace
}  // namespace process_test
