// Brokers beside each other, and what they print.

#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

class Brokers : public RuntimeTest {
 protected:
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
  }
};

TEST_F(Brokers, OfTwoNamesLiveSideBySide) {
  Broker& one = start("[broker]\nname = \"test\"\n" + section("source") + section("sink", "subscribes = [\"*\"]\n"));
  one.wait_for_state("source", "ready");
  one.wait_for_state("sink", "ready");
  Broker& two = start("[broker]\nname = \"other\"\n" + section("lonely", "subscribes = [\"*\"]\n"));
  wait_for("lonely: started " + std::to_string(pid_in_journal("lonely: started")));
  tell("source", "send 1 3");
  wait_for("sink: got 3");
  EXPECT_EQ(run("actorctl --broker other ps").code, 0);
  const Finished which = run("actorctl ps");
  EXPECT_EQ(which.code, 3) << "it does not guess";
  EXPECT_NE(which.said.find("other"), std::string::npos) << which.said;
  end(one);
  const Finished left = run("actorctl --json ps");
  EXPECT_EQ(left.code, 0) << "the only one left is found without its name: " << left.said;
  EXPECT_EQ(nlohmann::json::parse(left.said).at("broker").at("name"), "other");
  end(two);
  EXPECT_EQ(journal().count_with("lonely: got"), 0U);
  expect_nothing_left();
}

TEST_F(Brokers, OfOneNameAreRefusedWithTheFirstOnesProcessNumber) {
  Broker& one = start("[broker]\nname = \"test\"\n" + section("source"));
  one.wait_for_state("source", "ready");
  Broker& two = start("[broker]\nname = \"test\"\n" + section("source"));
  EXPECT_EQ(two.wait_for_end(), 1);
  EXPECT_NE(two.log().first_with("already running").find(std::to_string(one.pid())), std::string::npos);
  EXPECT_EQ(one.actor("source").at("state"), "ready");
  Broker& three = start("[broker]\nname = \"test\"\n" + section("lonely"), {"--name", "third"});
  pid_in_journal("lonely: started");
  end(three);
  end(one);
  expect_nothing_left();
}

TEST_F(Brokers, TakeOverWhatOneOfTheSameNameHasLeftBehind) {
  Broker& one = start("[broker]\nname = \"test\"\n" + section("source"));
  one.wait_for_state("source", "ready");
  const pid_t brain = one.brain_pid();
  const pid_t source = pid_in_journal("source: started");
  for (const pid_t pid : {source, one.pid(), brain}) ASSERT_EQ(kill(pid, SIGSTOP), 0);
  for (const pid_t pid : {source, one.pid(), brain}) ASSERT_EQ(kill(pid, SIGKILL), 0);
  EXPECT_EQ(one.wait_for_end(), -SIGKILL);
  wait_for_exit(brain);
  ASSERT_TRUE(std::filesystem::exists(directory() / "run/actor/test/control.sock"));
  EXPECT_EQ(run("actorctl --broker test ps").code, 3);
  Broker& two = start("[broker]\nname = \"test\"\n" + section("source"));
  two.wait_for_state("source", "ready");
  end(two);
  expect_nothing_left();
}

TEST_F(Brokers, PrefixWhatActorsPrintWithTheirNameAndProcess) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("talker"));
  broker.wait_for_state("talker", "ready");
  tell("talker", "print one two");
  tell("talker", "complain of \"this\"");
  const std::string name = "talker[" + std::to_string(pid_in_journal("talker: started")) + "]";
  wait_until("both lines", [&] {
    return broker.out().count(name + " | one two") == 1 && broker.out().count(name + " ! of \"this\"") == 1;
  });
  end(broker);
}

TEST_F(Brokers, AreNotHeldUpByAnActorThatSplicesIntoItsOutput) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("clogger") + section("speaker"));
  for (const char* name : {"clogger", "speaker"}) broker.wait_for_state(name, "ready");
  tell("clogger", "clog");
  wait_for("clogger: clogs");
  tell("speaker", "print still heard");
  broker.wait_for_line("still heard");
  end(broker);
}

TEST_F(Brokers, WriteOneJsonObjectALineWhenAskedTo) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("talker"), {"--log", "json"});
  broker.wait_for_state("talker", "ready");
  tell("talker", "print say \"x\" \\ and \x01\xff");
  tell("talker", "complain {");
  tell("talker", "die");
  broker.wait_for_incarnation("talker", 2);
  end(broker);
  const auto parsed = [](const Lines& lines) {
    std::vector<nlohmann::json> objects;
    for (const std::string& line : lines.all()) {
      objects.push_back(nlohmann::json::parse(line, nullptr, false));
      EXPECT_TRUE(objects.back().is_object()) << line;
    }
    return objects;
  };
  const auto out = parsed(broker.out());
  ASSERT_EQ(out.size(), 2U);
  for (const auto& line : out) EXPECT_EQ(line.at("actor"), "talker");
  std::vector<std::string> events;
  for (const auto& line : parsed(broker.log())) events.push_back(line.at("event"));
  for (const char* event : {"running", "started", "ready", "died", "stopping", "ended", "stopped"})
    EXPECT_TRUE(std::find(events.begin(), events.end(), event) != events.end()) << event;
}

TEST_F(Brokers, EndInGoodOrderAfterTheTimeGiven) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("source"), {"--for", "100ms"});
  EXPECT_EQ(broker.wait_for_end(), 0);
  expect_nothing_left();
}

TEST_F(Brokers, ShutDownWhenAToolAsks) {
  Broker& broker = start("[broker]\nname = \"test\"\n" + section("source"));
  broker.wait_for_state("source", "ready");
  EXPECT_EQ(broker.ctl("shutdown").code, 0);
  EXPECT_EQ(broker.wait_for_end(), 0);
  EXPECT_EQ(journal().count("source: shutdown"), 1U);
  expect_nothing_left();
}

}  // namespace
}  // namespace process_test
