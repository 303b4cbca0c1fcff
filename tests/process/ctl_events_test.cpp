// Events by their schema, without the application's code: tail and send.

#include <signal.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

using Json = nlohmann::json;

class Events : public RuntimeTest {
 protected:
  Broker& start_three() {
    Broker& broker =
        start("[broker]\nname = \"test\"\n" + section("source", "publishes = [\"Topic.Numbers\", \"Topic.Words\"]\n") +
              section("sink", "subscribes = [\"*\"]\npublishes = [\"Topic.Words\"]\n") +
              section("other", "subscribes = [\"*\"]\npublishes = []\n"));
    for (const char* name : {"source", "sink", "other"}) broker.wait_for_state(name, "ready");
    return broker;
  }
  /// What comes to an actor through `send` comes to it after the tool's wish to observe it.
  pid_t start_tail(Broker& broker, const std::string& arguments) {
    const std::size_t before = broker.log().count_with("a tool observes");
    const pid_t tail = start_tool("tail " + arguments, "tail");
    broker.wait_for_log("a tool observes", before + 1);
    return tail;
  }
  std::vector<Json> lines() {
    std::vector<Json> lines;
    std::istringstream text(output_of("tail"));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Events, OfATopicAreShownAsTheyAreSent) {
  Broker& broker = start_three();
  const pid_t tail = start_tail(broker, "Topic.Numbers --count 2");
  for (const char* event : {"Topic.Numbers '{\"value\":5}'", "Topic.Words '{\"text\":\"unseen\"}' --as source",
                            "Topic.Numbers '{\"value\":-6}'"}) {
    const Finished sent = broker.ctl(std::string("send ") + event);
    EXPECT_EQ(sent.code, 0) << sent.said;
  }
  wait_for_exit(tail);
  const std::vector<Json> seen = lines();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0]["event"], (Json{{"value", 5}}));
  EXPECT_EQ(seen[1]["event"], (Json{{"value", -6}}));
  for (const Json& line : seen) {
    EXPECT_EQ(line["topic"], "Topic.Numbers");
    EXPECT_EQ(line["type"], "puppets::Number");
    EXPECT_EQ(line["sender"], "source");
    EXPECT_EQ(line["id"].get<std::string>().size(), 32U);
    EXPECT_TRUE(line["parent"].is_null());
  }
  wait_for("sink: got -6");
  EXPECT_EQ(journal().count("sink: word unseen"), 1U);
  end(broker);
}

TEST_F(Events, AreShownAsReadersGetThemToo) {
  Broker& broker = start_three();
  const pid_t tail = start_tail(broker, "'*' --received --actor sink --count 1");
  EXPECT_EQ(broker.ctl("send Topic.Words '{\"text\":\"a \\\"word\\\"\"}' --as source").code, 0);
  wait_for_exit(tail);
  const std::vector<Json> seen = lines();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0]["receiver"], "sink");
  EXPECT_EQ(seen[0]["event"]["text"], "a \"word\"");
  end(broker);
}

TEST_F(Events, GoOnBeingShownWhenTheirActorOrTheBrainIsAnotherOne) {
  Broker& broker = start_three();
  const pid_t tail = start_tail(broker, "Topic.Numbers --actor source --count 3");
  const auto send = [&](int value) {
    const Finished sent = broker.ctl("send Topic.Numbers '{\"value\":" + std::to_string(value) + "}'");
    EXPECT_EQ(sent.code, 0) << sent.said;
  };
  send(1);
  tell("source", "die");
  broker.wait_for_incarnation("source", 2);
  send(2);
  wait_until("two lines", [&] { return lines().size() == 2; });
  const std::size_t tools = broker.log().count_with("a tool observes");
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  broker.wait_for_log("a tool observes", tools + 1);
  send(3);
  wait_for_exit(tail);
  EXPECT_EQ(lines().at(2)["event"]["value"], 3);
  end(broker);
}

TEST_F(Events, ThatDoNotFitOrMayNotBeSentAreRefusedWithTheReason) {
  Broker& broker = start_three();
  const auto refused = [&](const std::string& arguments) {
    const Finished finished = broker.ctl("send " + arguments);
    EXPECT_EQ(finished.code, 1) << finished.said;
    return finished.said;
  };
  EXPECT_NE(refused("Topic.Nothing '{}'").find("there is no topic Topic.Nothing; there are: Topic.Numbers"),
            std::string::npos);
  EXPECT_NE(refused("Topic.Numbers '{\"value\":\"many\"}'").find("value: expected an integer"), std::string::npos);
  EXPECT_NE(refused("Topic.Numbers '{\"value\":1}' --type Word").find("expected the fields text and no value"),
            std::string::npos);
  EXPECT_NE(
      refused("Topic.Numbers '{\"value\":1}' --type Nonsense").find("knows no type Nonsense; it knows: Number, Word"),
      std::string::npos);
  EXPECT_NE(refused("Topic.Numbers '{\"value\":1}' --as sink").find("`publishes`"), std::string::npos);
  EXPECT_NE(refused("Topic.Numbers '{\"value\":1}' --as nobody").find("nobody"), std::string::npos);
  EXPECT_NE(refused("Topic.Numbers 'nonsense'").find("this is no JSON"), std::string::npos);
  EXPECT_EQ(journal().count("sink: got 1"), 0U);
  end(broker);
}

TEST_F(Events, WaitForASenderThatIsBusyAndFailWhenItDies) {
  Broker& broker = start_three();
  tell("source", "hang");
  const pid_t send = start_tool("send Topic.Numbers '{\"value\":4}'", "send");
  wait_until("a word of patience",
             [&] { return errors_of("send").find("has not come to it yet") != std::string::npos; });
  EXPECT_EQ(broker.ctl("kill source").code, 0);
  wait_for_exit(send);
  EXPECT_NE(errors_of("send").find("'source' ended before it sent the event"), std::string::npos) << errors_of("send");
  EXPECT_EQ(output_of("send"), "");
  end(broker);
}

TEST_F(Events, EndWithTheirBroker) {
  Broker& broker = start_three();
  const Finished started = run("(actorctl --broker test tail Topic.Numbers; echo ended $?) > " +
                               (directory() / "tail.out").string() + " 2>&1 &");
  broker.wait_for_log("a tool observes");
  end(broker);
  wait_until("tail to end", [&] { return output_of("tail").find("ended ") != std::string::npos; });
  EXPECT_NE(output_of("tail").find("ended 3"), std::string::npos) << output_of("tail");
}

TEST_F(Events, MayComeFromStandardInputAndTellTheirNumberAsJson) {
  Broker& broker = start_three();
  const Finished sent = run("echo '{\"value\":9}' | actorctl --broker test --json send Topic.Numbers -");
  EXPECT_EQ(sent.code, 0) << sent.said;
  EXPECT_EQ(Json::parse(sent.said)["sender"], "source");
  wait_for("sink: got 9");
  end(broker);
}

TEST_F(Events, OfATopicThatIsNotThereAreWaitedForWithAWarning) {
  Broker& broker = start_three();
  const pid_t tail = start_tail(broker, "Topic.Nothing");
  EXPECT_NE(errors_of("tail").find("there is no topic Topic.Nothing yet"), std::string::npos);
  ASSERT_EQ(kill(tail, SIGTERM), 0);
  wait_for_exit(tail);
  EXPECT_EQ(broker.ctl("tail Topic.Numbers --actor nobody").code, 1);
  end(broker);
}

}  // namespace
}  // namespace process_test
