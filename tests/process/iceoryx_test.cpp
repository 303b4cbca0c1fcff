// Actors whose topics travel by iceoryx, under a real broker and a real RouDi; and programs outside that know iceoryx
// only. There can be one RouDi on a machine: ctest runs these one after the other.

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Iceoryx : public RuntimeTest {
 protected:
  static std::string head(const std::string& of_topic = "") {
    return "[broker]\nname = \"test\"\ntransport = \"iceoryx\"\n[topics.\"Topic.Numbers\"]\n" + of_topic;
  }
  Broker& start_two(const std::string& of_topic = "", const std::string& of_reader = "") {
    Broker& broker = start(head(of_topic) + section("reader", "subscribes = [\"*\"]\npublishes = []\n" + of_reader) +
                           section("source"));
    for (const char* name : {"roudi", "reader", "source"}) broker.wait_for_state(name, "ready");
    return broker;
  }
  /// A program of its own, whose words are in the file of that name.
  pid_t start_outsider(const std::string& arguments, const std::string& name) {
    return start_program("process_outsider " + arguments, name);
  }
  void wait_for_outsider(const std::string& name, const std::string& line) {
    wait_until(name + " says " + line, [&] { return output_of(name).find(line + "\n") != std::string::npos; });
  }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Iceoryx, ActorsExchangeEventsAndTheAccountBalances) {
  Broker& broker = start_two();
  tell("source", "send 1 300");
  wait_for("reader: got 300");
  tell("source", "say hello");
  wait_for("reader: word hello");
  EXPECT_EQ(journal().count_with("reader: got "), 300u);
  wait_until("all is handled", [&] { return broker.actor("reader").at("handled") == 301; });
  EXPECT_EQ(broker.actor("reader").at("dropped"), 0);
  expect_the_account_to_balance(broker);
  end(broker);
}

TEST_F(Iceoryx, AProgramThatKnowsIceoryxOnlyReadsOurTopic) {
  Broker& broker = start_two();
  const pid_t outsider = start_outsider("read actor.test source Topic.Numbers", "outsider");
  wait_for_outsider("outsider", "listening");
  tell("source", "send 1 50");
  wait_for_outsider("outsider", "read 50");
  wait_for("reader: got 50");
  kill(outsider, SIGKILL);
  wait_for_exit(outsider);
  tell("source", "send 51 400");  // more than its queue holds: a reader outside holds up nobody
  wait_for("reader: got 400");
  end(broker);
}

TEST_F(Iceoryx, AProgramThatKnowsIceoryxOnlyWritesToOurTopic) {
  Broker& broker = start_two("capacity = 16\n");
  wait_for_exit(start_outsider("write actor.test Topic.Numbers 1 100", "outsider"));
  wait_for("reader: got 100");
  EXPECT_EQ(journal().count_with("reader: got "), 100u) << "on a Block topic it waits for us";
  EXPECT_EQ(broker.actor("reader").at("received"), 0) << "nobody of ours has sent it: outside the accounting";
  expect_the_account_to_balance(broker);
  end(broker);
}

TEST_F(Iceoryx, WhatADeadReaderHadNotReadIsCountedAsDroppedAndSaid) {
  Broker& broker = start_two("capacity = 16\n", "env = { ON_EVENT = \"3=die\" }\n");
  tell("source", "send 1 10");
  broker.wait_for_incarnation("reader", 2);
  broker.wait_for_state("reader", "ready");
  tell("source", "send 11 20");
  wait_for("reader: got 20");
  for (int i = 11; i <= 20; ++i) EXPECT_EQ(journal().count("reader: got " + std::to_string(i)), 1u) << i;
  broker.wait_for_line("events that source had sent, and the life before this one had not read, went with it");
  expect_the_account_to_balance(broker);
  EXPECT_GT(broker.actor("reader").at("dropped").get<int>(), 0);
  end(broker);
}

TEST_F(Iceoryx, WhatIsLargerThanPayloadArrivesInItsPlaceAllTheSame) {
  Broker& broker = start_two();
  tell("source", "say small");
  tell("source", "shout 5000");
  tell("source", "say last");
  wait_for("reader: word last");
  const auto& lines = journal().all();
  const auto at = [&](const std::string& line) { return std::find(lines.begin(), lines.end(), line); };
  EXPECT_LT(at("reader: word small"), at("reader: word of 5000 bytes"));
  EXPECT_LT(at("reader: word of 5000 bytes"), at("reader: word last"));
  end(broker);
}

TEST_F(Iceoryx, ATopicComesToTravelByIceoryxWhenTheManifestIsReadAgain) {
  const auto manifest = [&](const std::string& transport) {
    return "[broker]\nname = \"test\"\n[topics.\"Topic.Numbers\"]\ntransport = \"" + transport + "\"\n" +
           section("reader", "subscribes = [\"*\"]\npublishes = []\n") + section("source");
  };
  Broker& broker = start(manifest("shm"));
  for (const char* name : {"reader", "source"}) broker.wait_for_state(name, "ready");
  std::ofstream(directory() / "test0.toml") << manifest("iceoryx");
  EXPECT_EQ(broker.ctl("reload").code, 0);
  for (const char* name : {"reader", "source"}) broker.wait_for_incarnation(name, 2);
  for (const char* name : {"roudi", "reader", "source"}) broker.wait_for_state(name, "ready");
  const pid_t outsider = start_outsider("read actor.test source Topic.Numbers", "outsider");
  wait_for_outsider("outsider", "listening");
  tell("source", "send 1 10");
  wait_for_outsider("outsider", "read 10");
  wait_for("reader: got 10");
  kill(outsider, SIGKILL);
  end(broker);
}

TEST_F(Iceoryx, TheRuntimeEndsWithItsSignificantActorAsItDoesWithout) {
  Broker& broker = start("[broker]\nname = \"test\"\ntransport = \"iceoryx\"\nauto_shutdown = \"any\"\n" +
                         section("batch", "restart = \"transient\"\nsignificant = true\n") +
                         section("reader", "subscribes = [\"*\"]\npublishes = []\n"));
  for (const char* name : {"roudi", "batch", "reader"}) broker.wait_for_state(name, "ready");
  tell("batch", "stop");
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Iceoryx, EventsToAReaderThatIsAwayWaitForIt) {
  Broker& broker = start_two("capacity = 64\n");
  broker.ctl("stop reader");
  broker.wait_for_state("reader", "ended");
  broker.ctl("start reader");
  tell("source", "send 1 30");
  wait_for("reader: got 30");
  end(broker);
}

TEST_F(Iceoryx, ADyingWriterTakesNothingWithItThatItHasSent) {
  Broker& broker = start_two("capacity = 64\n");
  const pid_t reader = broker.actor("reader").at("pid").get<pid_t>();
  kill(reader, SIGSTOP);
  tell("source", "send 1 20");
  wait_for("source: sent 20");
  kill(broker.actor("source").at("pid").get<pid_t>(), SIGKILL);
  broker.wait_for_incarnation("source", 2);
  kill(reader, SIGCONT);
  wait_for("reader: got 20");
  EXPECT_EQ(journal().count_with("reader: got "), 20u);
  tell("source", "send 21 30");
  wait_for("reader: got 30");
  end(broker);
}

TEST_F(Iceoryx, NothingThatItOpensIsLeftToProgramsThatAnActorStarts) {
  Broker& broker = start_two();
  const auto fds = "/proc/" + std::to_string(broker.actor("reader").at("pid").get<pid_t>()) + "/fdinfo";
  unsigned seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fds)) {
    if (std::stoi(entry.path().filename().string()) < 3) continue;
    std::ifstream info(entry.path());
    for (std::string word; info >> word;) {
      if (word != "flags:") continue;
      info >> word;
      EXPECT_NE(std::stol(word, nullptr, 8) & O_CLOEXEC, 0) << entry.path();
      ++seen;
    }
  }
  EXPECT_GT(seen, 5u);
  end(broker);
}

TEST_F(Iceoryx, WhenRouDiIsKilledItAndItsActorsAreStartedAnewAndNobodyElse) {
  Broker& broker =
      start(head() + section("reader", "subscribes = [\"*\"]\npublishes = []\n") + section("source") +
            "[topics.\"Knock\"]\ntransport = \"shm\"\n" + section("knocker", "publishes = [\"Knock\"]\n", "Knocker"));
  for (const char* name : {"roudi", "reader", "source", "knocker"}) broker.wait_for_state(name, "ready");
  kill(broker.actor("roudi").at("pid").get<pid_t>(), SIGKILL);
  for (const char* name : {"roudi", "reader", "source"}) {
    broker.wait_for_incarnation(name, 2);
    broker.wait_for_state(name, "ready");
  }
  EXPECT_EQ(broker.actor("knocker").at("incarnation"), 1);
  tell("source", "send 1 10");
  wait_for("reader: got 10");
  end(broker);
}

TEST_F(Iceoryx, WhenRouDiIsChangedOrRestartedOnPurposeItsActorsComeWithIt) {
  Broker& broker = start_two();
  std::ofstream(directory() / "test0.toml")
      << head() + section("reader", "subscribes = [\"*\"]\npublishes = []\n") + section("source") +
             section("late", "subscribes = [\"*\"]\npublishes = []\n");  // more memory for RouDi
  int sent = 0;
  for (const char* command : {"reload", "restart roudi"}) {
    const int incarnation = broker.actor("roudi").at("incarnation").get<int>() + 1;
    EXPECT_EQ(broker.ctl(command).code, 0);
    for (const char* name : {"roudi", "reader", "source"}) broker.wait_for_incarnation(name, incarnation);
    for (const char* name : {"roudi", "reader", "source", "late"}) broker.wait_for_state(name, "ready");
    tell("source", "send " + std::to_string(sent + 1) + " " + std::to_string(sent + 10));
    sent += 10;
    for (const char* name : {"reader", "late"}) wait_for(name + std::string(": got ") + std::to_string(sent));
  }
  for (const char* name : {"reader", "late"}) EXPECT_EQ(broker.actor(name).at("dropped"), 0);
  end(broker);
}

TEST_F(Iceoryx, NothingOfAKilledProcessThatActorsShareIsLeftAtRouDi) {
  const std::string shared = "subscribes = [\"*\"]\npublishes = []\nprocess = \"shared\"\n";
  Broker& broker = start(head("capacity = 16\n") + section("a", shared) + section("b", shared));
  for (const char* name : {"roudi", "a", "b"}) broker.wait_for_state(name, "ready");
  for (const char* name : {"a", "b"}) {
    EXPECT_EQ(broker.ctl(std::string("stop ") + name).code, 0);
    broker.wait_for_state(name, "ended");
  }
  for (const char* name : {"a", "b"}) {  // now "a" is the one that comes to RouDi first
    EXPECT_EQ(broker.ctl(std::string("start ") + name).code, 0);
    broker.wait_for_state(name, "ready");
  }
  EXPECT_EQ(broker.ctl("stop a").code, 0);
  broker.wait_for_state("a", "ended");
  const auto b = broker.actor("b");
  kill(b.at("pid").get<pid_t>(), SIGKILL);
  broker.wait_for_incarnation("b", b.at("incarnation").get<int>() + 1);
  broker.wait_for_state("b", "ready");
  // It would wait for good for a reader that is left over.
  wait_for_exit(start_outsider("write actor.test Topic.Numbers 1 100", "outsider"));
  wait_for("b: got 100");
  end(broker);
}

TEST_F(Iceoryx, WhoWasStartedByHandEndsWithRouDiRatherThanSendToNobody) {
  Broker& broker = start(head() + section("reader", "subscribes = [\"*\"]\npublishes = []\n"));
  for (const char* name : {"roudi", "reader"}) broker.wait_for_state(name, "ready");
  for (int life = 1; life <= 2; ++life) {
    const pid_t guest = start_by_hand("guest", {"--broker", "test"});
    broker.wait_for_log("guest: ready after", static_cast<unsigned>(life));
    tell("guest", "send " + std::to_string(life) + " " + std::to_string(life));
    wait_for("reader: got " + std::to_string(life));
    kill(broker.actor("roudi").at("pid").get<pid_t>(), SIGKILL);
    wait_for_exit(guest);
    broker.wait_for_log("guest: is stopped: it was started by hand and uses iceoryx's RouDi",
                        static_cast<unsigned>(life));
    for (const char* name : {"roudi", "reader"}) {
      broker.wait_for_incarnation(name, life + 1);
      broker.wait_for_state(name, "ready");
    }
  }
  end(broker);
}

TEST_F(Iceoryx, WhoIsStoppedForLongerThanIceoryxWaitsGoesOnAfterwards) {
  Broker& broker = start_two("capacity = 4\n");
  const pid_t reader = broker.actor("reader").at("pid").get<pid_t>();
  kill(reader, SIGSTOP);
  // RouDi's own watch would take it for dead after 1.5 seconds; the broker says after a fixed time that source waits.
  tell("source", "send 1 20");
  broker.wait_for_log("'source' waits for room at 'reader' on Topic.Numbers");
  kill(reader, SIGCONT);
  wait_for("reader: got 20");
  EXPECT_EQ(broker.actor("reader").at("incarnation"), 1);
  EXPECT_EQ(broker.actor("reader").at("dropped"), 0);
  end(broker);
}

TEST_F(Iceoryx, ASecondRouDiOnTheMachineIsRefusedWithItsReason) {
  Broker& broker = start_two();
  const std::string manifest = "[broker]\nname = \"other\"\ntransport = \"iceoryx\"\n" + section("second");
  const std::string who = " (process " + broker.actor("roudi").at("pid").dump() + ")";
  std::ofstream(directory() / "other.toml") << manifest;
  const Finished checked = run("actor-broker check " + (directory() / "other.toml").string());
  EXPECT_EQ(checked.code, 0) << "it may be the broker of this very manifest";
  EXPECT_NE(checked.said.find("(warning)"), std::string::npos) << checked.said;
  EXPECT_NE(checked.said.find(who), std::string::npos) << checked.said;
  Broker& other = start(manifest);
  other.wait_for_line("another RouDi runs on this machine, and there can be one only");
  other.signal(SIGTERM);
  other.wait_for_end();
  tell("source", "send 1 10");
  wait_for("reader: got 10");
  end(broker);
}

TEST_F(Iceoryx, BesideARouDiThatWasStartedOtherwiseNoBrokerStartsAndCheckSaysWhichProcessItIs) {
  const char* const file = "/tmp/iox-unique-roudi.lock";  // as every RouDi locks it
  const actor::Fd lock(open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(flock(lock.get(), LOCK_EX | LOCK_NB), 0) << "a RouDi runs on this machine: stop it for this test";
  const std::string manifest = head() + section("reader", "subscribes = [\"*\"]\npublishes = []\n");
  std::ofstream(directory() / "m.toml") << manifest;
  const std::string who =
      " (process " + std::to_string(getpid()) + "), and there can be one only on a machine; stop it";
  for (const std::string command : {"actor-broker check ", "actor-broker ", "actorctl check "}) {
    const Finished refused = run(command + (directory() / "m.toml").string());
    EXPECT_NE(refused.code, 0) << command;
    EXPECT_NE(refused.said.find("broker.transport: iceoryx's daemon runs already, "), std::string::npos)
        << refused.said;
    EXPECT_NE(refused.said.find(who), std::string::npos) << command << "says: " << refused.said;
  }
  unlink(file);
}

TEST_F(Iceoryx, AnActorThatDiesTakesNobodyWithIt) {
  Broker& broker = start_two();
  kill(broker.actor("reader").at("pid").get<pid_t>(), SIGKILL);
  broker.wait_for_incarnation("reader", 2);
  broker.wait_for_state("reader", "ready");
  EXPECT_EQ(broker.actor("source").at("incarnation"), 1);
  EXPECT_EQ(broker.actor("roudi").at("incarnation"), 1);
  end(broker);
}

TEST_F(Iceoryx, WhenRouDiHangsItIsFoundAndTheGroupIsStartedAnew) {
  Broker& broker = start_two();
  wait_for_exit(start_outsider("die-locked actor.test victim Topic.Numbers", "victim"));
  // RouDi now has a publisher whose lock nobody will open. The next one who wants to hear it makes RouDi ask for it.
  const pid_t reader = start_outsider("read actor.test victim Topic.Numbers", "late");
  broker.wait_for_line("RouDi hangs: a program was killed while it held a lock of iceoryx's");
  for (const char* name : {"roudi", "reader", "source"}) {
    broker.wait_for_incarnation(name, 2);
    broker.wait_for_state(name, "ready");
  }
  kill(reader, SIGKILL);
  tell("source", "send 1 10");
  wait_for("reader: got 10");
  EXPECT_EQ(broker.actor("roudi").at("last_exit"), "error(70)");
  end(broker);
}

TEST_F(Iceoryx, WhoWaitsForAnAnswerOfARouDiThatHangsHoldsUpTheOthersForASecondOnly) {
  Broker& broker = start_two("", "stop_timeout = \"1h\"\nstart_timeout = \"1h\"\n");
  // Beside source there is another publisher now, by the same name, that is dead and locked: RouDi never gets past it
  // when it connects who wants to hear source.
  wait_for_exit(start_outsider("die-locked actor.test source Topic.Numbers", "victim"));
  kill(broker.actor("reader").at("pid").get<pid_t>(), SIGKILL);
  broker.wait_for_line("RouDi hangs: a program was killed while it held a lock of iceoryx's");
  broker.wait_for_log("reader: did not end within a second, with RouDi gone, and is killed");
  broker.wait_for_incarnation("reader", 3);
  for (const char* name : {"roudi", "reader", "source"}) broker.wait_for_state(name, "ready");
  tell("source", "send 1 10");
  wait_for("reader: got 10");
  end(broker);
}

}  // namespace
}  // namespace process_test
