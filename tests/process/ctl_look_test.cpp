// What operators look at: why, logs, top, types, topology, reset.

#include <signal.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime_under_test.hpp"

namespace process_test {
namespace {

using Json = nlohmann::json;

class Looking : public RuntimeTest {
 protected:
  const std::string head_ = "[broker]\nname = \"test\"\n";
  const std::string source_ = "publishes = [\"Topic.Numbers\", \"Topic.Words\"]\n";

  static Json json(Broker& broker, const std::string& arguments) {
    const Finished finished = broker.ctl("--json " + arguments);
    EXPECT_EQ(finished.code, 0) << finished.said;
    return Json::parse(finished.said);
  }
  void end(Broker& broker) {
    broker.signal(SIGTERM);
    EXPECT_EQ(broker.wait_for_end(), 0);
    expect_nothing_left();
  }
};

TEST_F(Looking, WhyTellsTheEventInHandItsSenderTheLastLinesAndWhatFollowed) {
  Broker& broker = start(head_ + section("source", source_) +
                         section("sink", "subscribes = [\"*\"]\nenv = { ON_EVENT = \"7=abort\" }\n"));
  for (const char* name : {"source", "sink"}) broker.wait_for_state(name, "ready");
  EXPECT_NE(broker.ctl("why sink").said.find("it has not died since the broker began"), std::string::npos);
  tell("sink", "complain the end is near");
  broker.wait_for_line("the end is near");
  tell("source", "send 6 8");
  wait_for("sink: got 8");

  const Json why = json(broker, "why sink");
  EXPECT_EQ(why["death_count"], 1);
  ASSERT_EQ(why["deaths"].size(), 1U);
  const Json& death = why["deaths"][0];
  EXPECT_EQ(death["reason"], "signal(SIGABRT)");
  EXPECT_EQ(death["incarnation"], 1);
  EXPECT_EQ(death["in_hand"]["type"], "puppets::Number");
  EXPECT_EQ(death["in_hand"]["topic"], "Topic.Numbers");
  EXPECT_EQ(death["in_hand"]["sender"], "source");
  EXPECT_EQ(death["in_hand"]["event"].get<std::string>().size(), 32U);
  EXPECT_EQ(death["in_hand"]["attempt"], 1);
  EXPECT_EQ(death["then"], "started again at once");
  EXPECT_GE(death["uptime_s"], 0.0);
  EXPECT_EQ(death["last_lines"].back()["line"], "the end is near");
  EXPECT_EQ(death["last_lines"].back()["stream"], "stderr");
  EXPECT_NE(broker.ctl("why sink").said.find("in hand       puppets::Number on Topic.Numbers from source"),
            std::string::npos);

  const Json deaths = json(broker, "deaths")["deaths"];
  ASSERT_EQ(deaths.size(), 1U);
  EXPECT_EQ(deaths[0]["actor"], "sink");
  EXPECT_EQ(deaths[0]["reason"], "signal(SIGABRT)");

  EXPECT_EQ(broker.ctl("restart sink").code, 0);
  broker.wait_for_incarnation("sink", 3);
  EXPECT_EQ(json(broker, "why sink")["death_count"], 1) << "an end that was asked for is no death";
  end(broker);
}

TEST_F(Looking, WhySurvivesTheBrain) {
  Broker& broker = start(head_ + section("frail"));
  broker.wait_for_state("frail", "ready");
  tell("frail", "throw");
  broker.wait_for_incarnation("frail", 2);
  const Json before = json(broker, "why frail");
  EXPECT_NE(before["deaths"][0]["last_words"].get<std::string>().find("told to throw"), std::string::npos);
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  EXPECT_EQ(json(broker, "why frail")["deaths"], before["deaths"]);
  end(broker);
}

TEST_F(Looking, AResetForgivesAndEndsTheQuarantine) {
  Broker& broker = start(head_ + section("frail", "budget = { restarts = 1, within = \"1h\" }\n"));
  for (int life = 1; life <= 2; ++life) {
    broker.wait_for_incarnation("frail", life);
    tell("frail", "die");
  }
  broker.wait_for_state("frail", "quarantined");
  EXPECT_EQ(json(broker, "why frail")["deaths"].back()["then"], "quarantined: its restarts are used up");
  EXPECT_EQ(broker.ctl("reset frail").code, 0);
  broker.wait_for_incarnation("frail", 3);
  tell("frail", "die");
  broker.wait_for_incarnation("frail", 4);  // the budget is whole again
  EXPECT_EQ(broker.ctl("reset frail").code, 0);
  EXPECT_EQ(broker.actor("frail")["incarnation"], 4) << "who runs goes on";
  end(broker);
}

TEST_F(Looking, LogsHasTheLastLinesAndGoesOnWithThoseThatCome) {
  Broker& broker = start(head_ + section("talker"));
  broker.wait_for_state("talker", "ready");
  // More than one packet of the broker's answer.
  const std::string long_text(2000, 'x');
  for (int i = 1; i <= 32; ++i) tell("talker", "print " + std::to_string(i) + long_text);
  tell("talker", "complain done");
  broker.wait_for_line("done");
  const Finished all = broker.ctl("logs talker");
  EXPECT_EQ(all.code, 0);
  EXPECT_NE(all.said.find("| 1xxx"), std::string::npos);
  EXPECT_NE(all.said.find("| 32xxx"), std::string::npos);
  EXPECT_NE(all.said.find("! done"), std::string::npos);
  EXPECT_EQ(broker.ctl("logs talker -n 1").said.find("xxx"), std::string::npos);

  const pid_t follower = start_tool("--json logs talker -f -n 1", "follow");
  wait_until("the first line", [&] { return output_of("follow").find("done") != std::string::npos; });
  tell("talker", "print more");
  wait_until("the line that came later", [&] { return output_of("follow").find("more") != std::string::npos; });
  ASSERT_EQ(kill(broker.brain_pid(), SIGKILL), 0);
  broker.wait_for_log("a new brain goes on");
  tell("talker", "print still here");
  wait_until("a line after the takeover", [&] { return output_of("follow").find("still here") != std::string::npos; });
  const Finished after = broker.ctl("logs talker");
  for (const char* line : {"| 1xxx", "| 32xxx", "! done", "| more", "| still here"})
    EXPECT_NE(after.said.find(line), std::string::npos) << line;
  ASSERT_EQ(kill(follower, SIGTERM), 0);
  wait_for_exit(follower);
  EXPECT_EQ(broker.ctl("logs nobody").code, 1);
  end(broker);
}

TEST_F(Looking, TopShowsRatesAndHowLongHandlingTakes) {
  Broker& broker = start(head_ + section("source", source_) + section("sink", "subscribes = [\"*\"]\n"));
  for (const char* name : {"source", "sink"}) broker.wait_for_state(name, "ready");
  const pid_t top = start_tool("--json top -i 0.05", "top");
  Json sink;
  for (int last = 100; sink.is_null(); last += 100) {
    tell("source", "send " + std::to_string(last - 99) + ' ' + std::to_string(last));
    wait_for("source: sent " + std::to_string(last));
    wait_until("another look", [&, seen = output_of("top").size()] { return output_of("top").size() > seen + 100; });
    std::istringstream lines(output_of("top"));
    for (std::string line; std::getline(lines, line);) {
      const Json rates = Json::parse(line, nullptr, false);
      if (!rates.is_object()) continue;
      for (const Json& actor : rates["actors"]) {
        if (actor["name"] == "sink" && actor["p99_s"].is_number()) sink = actor;
      }
    }
  }
  EXPECT_GT(sink["handled_per_s"], 0.0);
  EXPECT_GT(sink["p99_s"], 0.0);
  EXPECT_GE(sink["p99_s"], sink["median_s"]);
  ASSERT_EQ(kill(top, SIGTERM), 0);
  wait_for_exit(top);
  const Finished once = broker.ctl("top --once -i 0.05");
  EXPECT_EQ(once.code, 0);
  EXPECT_NE(once.said.find("HANDLED/s"), std::string::npos);
  EXPECT_EQ(once.said.find('\x1b'), std::string::npos) << "no terminal, no colours";
  end(broker);
}

TEST_F(Looking, TopologyAndTypesSayWhoSendsWhat) {
  Broker& broker =
      start(head_ + section("source", source_) + section("sink", "subscribes = [\"*\"]\npublishes = []\n"));
  for (const char* name : {"source", "sink"}) broker.wait_for_state(name, "ready");
  EXPECT_EQ(broker.ctl("topology").said,
            "source (ready)\n  Topic.Numbers -> sink\n  Topic.Words   -> sink\nsink (ready)\n");
  EXPECT_NE(broker.ctl("topology --format mermaid").said.find("flowchart LR\n"), std::string::npos);
  EXPECT_NE(broker.ctl("topology --format dot").said.find("digraph topology {\n"), std::string::npos);
  EXPECT_EQ(json(broker, "topology")["edges"].size(), 2U);
  const Json types = json(broker, "types")["types"];
  ASSERT_EQ(types.size(), 2U);
  EXPECT_EQ(types[0]["name"], "puppets::Number");
  EXPECT_EQ(types[0]["schema"], "raw(4,4){value:i32}");
  EXPECT_EQ(types[0]["actors"], Json({"sink", "source"}));
  end(broker);
}

}  // namespace
}  // namespace process_test
