// Programs that do not fit each other, and those that fit in part.

#include <signal.h>

#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Fit : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n";

  void expect_the_others_go_on(Broker& broker) {
    tell("source", "send 1 5");
    wait_for("sink: got 5");
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Fit, ATypeWithOtherFieldsIsRefusedOnceNamingBothSidesAndTheType) {
  Broker& broker = start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\n"));
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("sink", "ready");
  const Finished stranger = run("process_other_schema --broker test --name stranger --subscribe Topic.Numbers");
  EXPECT_EQ(stranger.code, 78);
  const std::string line = broker.log().first_with("refused");
  for (const char* part :
       {"stranger", "source", "process_other_schema", "process_actors", "puppets::Number", "value"}) {
    EXPECT_NE(line.find(part), std::string::npos) << "the log names " << part << ": " << line;
    EXPECT_NE(stranger.said.find(part), std::string::npos) << "the program says " << part << ": " << stranger.said;
  }
  EXPECT_EQ(broker.log().count_with("refused: "), 1U);
  expect_the_others_go_on(broker);
}

TEST_F(Fit, AMismatchInTheManifestIsNotRestartedAndTheOthersGoOn) {
  Broker& broker = start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\n") +
                         section("stranger", "", "Stranger", "process_other_schema"));
  wait_until("a refusal", [&] { return broker.log().count_with("refused: ") > 0; });
  // Whoever came first is in: the stranger, or the two others.
  nlohmann::json actors;
  wait_until("one side to be refused", [&] {
    actors = broker.ps().at("actors");
    std::size_t settled = 0;
    for (const auto& row : actors) settled += row.at("state") == "refused" || row.at("state") == "ready" ? 1 : 0;
    return settled == 3;
  });
  for (const auto& row : actors) {
    EXPECT_EQ(row.at("incarnation"), 1) << row;
    if (row.at("state") == "refused") {
      EXPECT_EQ(row.at("last_exit"), "incompatible") << row;
    }
  }
  const bool stranger_is_out = actors.at(2).at("state") == "refused";
  EXPECT_EQ(broker.log().count_with(" refused: "), stranger_is_out ? 1U : 2U);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Fit, AnotherPolicyIsRefusedWithoutAWordOfTheManifest) {
  Broker& broker = start(head_ + section("source") + section("sink", "subscribes = [\"*\"]\n"));
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("sink", "ready");
  const Finished stranger = run("process_other_policy --broker test --name stranger --subscribe Topic.Numbers");
  EXPECT_EQ(stranger.code, 78);
  const std::string line = broker.log().first_with("refused");
  for (const char* part :
       {"stranger", "process_actors", "Topic.Numbers", "block", "drop-oldest", "process_other_policy"})
    EXPECT_NE(line.find(part), std::string::npos) << "the log names " << part << ": " << line;
  expect_the_others_go_on(broker);
}

TEST_F(Fit, TheManifestsPolicyEndsTheArgument) {
  Broker& broker = start(head_ + "[topics.\"Topic.Numbers\"]\noverflow = \"drop\"\n" + section("source") +
                         section("sink", "subscribes = [\"*\"]\n") +
                         section("stranger", "subscribes = [\"*\"]\n", "Stranger", "process_other_policy"));
  for (const char* name : {"source", "sink", "stranger"}) broker.wait_for_state(name, "ready");
  EXPECT_EQ(broker.log().count_with("refused"), 0U);
  expect_the_others_go_on(broker);
}

TEST_F(Fit, ATypeThatAReaderDoesNotKnowIsSkippedCountedAndNotedOnce) {
  Broker& broker = start(head_ + section("source") + section("narrow", "subscribes = [\"*\"]\n", "Narrow"));
  broker.wait_for_state("source", "ready");
  broker.wait_for_state("narrow", "ready");
  tell("source", "send 1 7");
  wait_for("source: sent 7");
  tell("source", "say hello");
  wait_for("narrow: word hello");
  wait_until("the skipped to be counted", [&] { return broker.actor("narrow").at("skipped") == 7; });
  EXPECT_EQ(broker.actor("narrow").at("handled"), 1);
  EXPECT_EQ(broker.actor("source").at("sent"), 8);
  wait_until("the note", [&] { return broker.out().count_with("does not know") > 0; });
  EXPECT_EQ(broker.out().count_with("does not know"), 1U);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(broker.out().count_with("does not know"), 1U);
  expect_nothing_left();
}

TEST_F(Fit, WhoOpensTopicsWithoutEndIsRefused) {
  Broker& broker = start(head_ + section("knocker", "", "Knocker") + section("source") +
                         section("sink", "subscribes = [\"Topic.Numbers\"]\n"));
  for (const char* name : {"knocker", "source", "sink"}) broker.wait_for_state(name, "ready");
  tell("knocker", "flood tower 1100 0");
  broker.wait_for_state("knocker", "refused");
  const std::string line = broker.log().first_with("knocker: refused: it has opened more than 1024 topics");
  EXPECT_NE(line.find("Room{house=tower,floor=1024}"), std::string::npos) << line;
  expect_the_others_go_on(broker);
}

TEST_F(Fit, StructTopicsReachTheirReadersAcrossARestartOfThePublisher) {
  Broker& broker =
      start(head_ + section("all", "subscribes = [\"*\"]\n", "Porter") +
            section("one", "subscribes = ['Room{house=red,floor=2}']\n", "Porter") + section("knocker", "", "Knocker"));
  for (const char* name : {"all", "one", "knocker"}) broker.wait_for_state(name, "ready");
  const std::string red = "Room{house=red,floor=2} times ";
  const std::string blue = "Room{house=blue,floor=1} times ";
  tell("knocker", "knock red 2 1");
  wait_for("all: " + red + "1");
  wait_for("one: " + red + "1");
  tell("knocker", "knock blue 1 1");
  wait_for("all: " + blue + "1");

  EXPECT_EQ(broker.ctl("kill knocker").code, 0);
  broker.wait_for_incarnation("knocker", 2);
  tell("knocker", "knock red 2 2");
  tell("knocker", "knock blue 1 2");
  wait_for("all: " + red + "2");
  wait_for("one: " + red + "2");
  wait_for("all: " + blue + "2");

  EXPECT_EQ(broker.ctl("kill all").code, 0);
  tell("knocker", "knock blue 1 3");
  tell("knocker", "knock red 2 3");
  wait_for("all: " + blue + "3");
  wait_for("one: " + red + "3");
  EXPECT_EQ(journal().count_with("one: Room{house=blue"), 0U);
  broker.signal(SIGTERM);
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

}  // namespace
}  // namespace process_test
