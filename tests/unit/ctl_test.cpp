#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "ctl/command.hpp"
#include "ctl/reply.hpp"
#include "ctl/table.hpp"

namespace actor::ctl {
namespace {

using ::testing::HasSubstr;

std::optional<Command> parsed(std::vector<const char*> arguments, int& exit_code, std::string* complaint = nullptr) {
  arguments.insert(arguments.begin(), "actorctl");
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  auto command = parse_command(static_cast<int>(arguments.size()), arguments.data(), exit_code);
  ::testing::internal::GetCapturedStdout();
  const std::string said = ::testing::internal::GetCapturedStderr();
  if (complaint) *complaint = said.substr(0, said.find('\n'));
  return command;
}

TEST(ActorctlCommand, OptionsMayStandBeforeAndAfterTheVerb) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {"--broker", "attic", "--json", "restart", "cpu"}, {"restart", "cpu", "--json", "--broker", "attic"}}) {
    int exit_code = -1;
    const auto command = parsed(arguments, exit_code);
    ASSERT_TRUE(command);
    EXPECT_EQ(command->verb, "restart");
    EXPECT_EQ(command->actor, "cpu");
    EXPECT_EQ(command->broker, "attic");
    EXPECT_TRUE(command->json);
    EXPECT_EQ(nlohmann::json::parse(command->request()), (nlohmann::json{{"command", "restart"}, {"actor", "cpu"}}));
  }
}

TEST(ActorctlCommand, ASignalHasManySpellings) {
  EXPECT_EQ(parse_signal("KILL"), SIGKILL);
  EXPECT_EQ(parse_signal("SIGTERM"), SIGTERM);
  EXPECT_EQ(parse_signal("usr1"), SIGUSR1);
  EXPECT_EQ(parse_signal("11"), SIGSEGV);
  for (const char* wrong : {"0", "-9", "65", "999999999999", "SIG", "", "KILLED", "9x"}) {
    EXPECT_FALSE(parse_signal(wrong)) << wrong;
  }
  int exit_code = -1;
  EXPECT_EQ(parsed({"kill", "cpu"}, exit_code)->signal, SIGKILL);
  EXPECT_EQ(parsed({"kill", "cpu", "-s", "segv"}, exit_code)->signal, SIGSEGV);
  EXPECT_FALSE(parsed({"kill", "cpu", "-s", "nonsense"}, exit_code));
  EXPECT_EQ(exit_code, 2);
}

TEST(ActorctlCommand, WrongUsageIsTwoAndHelpIsZero) {
  int exit_code = -1;
  for (const auto& arguments : std::vector<std::vector<const char*>>{
           {}, {"restart"}, {"dance"}, {"ps", "extra"}, {"--broker"}, {"ps", "topics"}}) {
    exit_code = -1;
    EXPECT_FALSE(parsed(arguments, exit_code)) << (arguments.empty() ? "nothing" : arguments.front());
    EXPECT_EQ(exit_code, 2) << (arguments.empty() ? "nothing" : arguments.front());
  }
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"--help"}, {"--version"}, {"kill", "--help"}}) {
    EXPECT_FALSE(parsed(arguments, exit_code));
    EXPECT_EQ(exit_code, 0);
  }
}

TEST(ActorctlCommand, WrongUsageIsAnsweredWithWhatIsRight) {
  const auto complaint = [](const std::vector<const char*>& arguments) {
    int exit_code = -1;
    std::string said;
    EXPECT_FALSE(parsed(arguments, exit_code, &said));
    return said;
  };
  EXPECT_EQ(complaint({"restrat", "x"}), "actorctl: there is no command \"restrat\"; did you mean \"restart\"?");
  EXPECT_EQ(complaint({"dance"}), "actorctl: there is no command \"dance\"");
  EXPECT_EQ(complaint({"--jsn", "ps2"}), "actorctl: there is no option \"--jsn\"");
  EXPECT_THAT(complaint({}), ::testing::StartsWith("actorctl: which command? There are ps, top, "));
  EXPECT_EQ(complaint({"dead-letters", "retri", "7"}),
            "actorctl: there is no command \"retri\" of dead-letters; did you mean \"retry\"?");
  EXPECT_EQ(complaint({"dead-letters"}), "actorctl: which command of dead-letters? There are list, retry, discard");
  EXPECT_EQ(complaint({"restart"}), "actorctl: NAME is required");
  EXPECT_EQ(complaint({"logs", "x", "-n", "ten"}), "actorctl: --lines: 'ten' is not a whole number from 1");
  EXPECT_EQ(complaint({"tail", "T", "--count", "0"}), "actorctl: --count: '0' is not a whole number from 1");
}

TEST(ActorctlCommand, EachVerbAsksForWhatItWasTold) {
  const auto request = [](const std::vector<const char*>& arguments) {
    int exit_code = -1;
    const auto command = parsed(arguments, exit_code);
    return command ? nlohmann::json::parse(command->request()) : nlohmann::json(exit_code);
  };
  EXPECT_EQ(request({"why", "cpu"}), (nlohmann::json{{"command", "why"}, {"actor", "cpu"}}));
  EXPECT_EQ(request({"reset", "cpu"}), (nlohmann::json{{"command", "reset"}, {"actor", "cpu"}}));
  EXPECT_EQ(request({"reload"}), (nlohmann::json{{"command", "reload"}}));
  EXPECT_EQ(request({"dead-letters", "list", "--actor", "cpu"}),
            (nlohmann::json{{"command", "dead-letters"}, {"action", "list"}, {"actor", "cpu"}}));
  EXPECT_EQ(request({"dead-letters", "retry", "3", "17"}),
            (nlohmann::json{{"command", "dead-letters"}, {"action", "retry"}, {"ids", {3, 17}}}));
  EXPECT_EQ(request({"dead-letters", "discard", "--all"}),
            (nlohmann::json{{"command", "dead-letters"}, {"action", "discard"}, {"all", true}}));
  for (const auto& wrong : std::vector<std::vector<const char*>>{{"dead-letters"},
                                                                 {"dead-letters", "retry"},
                                                                 {"dead-letters", "retry", "3", "--all"},
                                                                 {"dead-letters", "retry", "three"},
                                                                 {"topology", "--format", "png"},
                                                                 {"tail"},
                                                                 {"tail", "T", "--count", "0"},
                                                                 {"send", "T"},
                                                                 {"top", "--interval", "0"}}) {
    EXPECT_EQ(request(wrong), 2) << wrong.front() << ' ' << wrong.back();
  }
}

TEST(ActorctlCommand, TailAndSendTakeWhatTheyNeed) {
  int exit_code = -1;
  const auto tail = parsed({"tail", "T.A", "--actor", "cpu", "-n", "3", "--received"}, exit_code);
  ASSERT_TRUE(tail);
  EXPECT_EQ(tail->topic, "T.A");
  EXPECT_EQ(tail->actor, "cpu");
  EXPECT_EQ(tail->count, 3U);
  EXPECT_TRUE(tail->received);
  const auto send = parsed({"send", "T.A", R"({"a":-1})", "--type", "A", "--as", "cpu"}, exit_code);
  ASSERT_TRUE(send);
  EXPECT_EQ(send->event, R"({"a":-1})");
  EXPECT_EQ(send->type, "A");
  EXPECT_EQ(send->actor, "cpu");
  EXPECT_TRUE(parsed({"topology", "--format", "json"}, exit_code)->json);
}

TEST(ActorctlReply, ActorsAreShownAsAnAlignedTable) {
  const Answer answer = read_reply("ps", R"({"broker": {"name": "station"}, "new_key": [1], "actors": [
    {"name": "cpu", "pid": 4713, "state": "ready", "incarnation": 2, "restarts": 1, "uptime_s": 12.56, "sent": 1000,
     "received": 7, "handled": 7, "queued": 0, "dropped": 0, "dead_lettered": 3, "last_exit": "signal 9"},
    {"name": "überwacher", "pid": null, "state": "quarantined", "incarnation": 6, "restarts": 5, "uptime_s": null}]})");
  ASSERT_TRUE(answer.ok) << answer.error;
  EXPECT_EQ(answer.text,
            "NAME         PID  STATE        INC  RESTARTS  UPTIME  SENT  RECEIVED  HANDLED  QUEUED  DROPPED  DEAD\n"
            "cpu         4713  ready          2         1   12.5s  1000         7        7       0        0     3\n"
            "überwacher     -  quarantined    6         5       -     -         -        -       -        -     -\n");
}

TEST(ActorctlReply, TopicsAreShownWithTheirPeople) {
  const Answer answer = read_reply("topics", R"({"topics": [
    {"name": "T.A", "overflow": "block", "capacity": 256, "publishers": ["a", "b"], "subscribers": []}]})");
  ASSERT_TRUE(answer.ok) << answer.error;
  EXPECT_EQ(answer.text,
            "TOPIC  OVERFLOW  CAPACITY  PUBLISHERS  SUBSCRIBERS\nT.A    block          256  a, b        -\n");
}

TEST(ActorctlReply, ARefusalIsAnErrorAndAMessageIsShown) {
  EXPECT_EQ(read_reply("stop", R"({"error": "no actor is named 'x'"})").error, "no actor is named 'x'");
  const Answer accepted = read_reply("stop", R"({"ok": "stop cpu", "state": "draining"})");
  EXPECT_TRUE(accepted.ok);
  EXPECT_EQ(accepted.text, "stop cpu\n");
}

TEST(ActorctlReply, RoutesShowWhatIsQueuedBetweenWhom) {
  const Answer answer = read_reply("routes", R"({"routes": [
    {"id": 3, "from": "cpu", "to": "alerter", "lane": 0, "topics": ["T.A", "T.B"], "slots": 256, "queued": 12,
     "segments": 1}]})");
  ASSERT_TRUE(answer.ok) << answer.error;
  EXPECT_EQ(answer.text,
            "ID  FROM  TO       QUEUED  SLOTS  SEGMENTS  TOPICS\n"
            " 3  cpu   alerter      12    256         1  T.A, T.B\n");
}

TEST(ActorctlReply, NonsenseIsAnErrorAndNotACrash) {
  for (const char* json : {"", "{", "[]", "17", R"({"ok": "yes"})", R"({"actors": 7})", R"({"actors": {"a": null}})",
                           R"({"actors": [3]})", "\xff\xfe"}) {
    const Answer answer = read_reply("ps", json);
    EXPECT_FALSE(answer.ok) << json;
    EXPECT_THAT(answer.error, HasSubstr("makes no sense")) << json;
  }
  EXPECT_TRUE(read_reply("ps", R"({"actors": [{"uptime_s": "x", "pid": [], "name": {"a": 1}}]})").ok);
}

TEST(ActorctlReply, AReloadShowsWhatChangedAndARefusedOneAllThatIsWrong) {
  EXPECT_EQ(read_reply("reload", R"({"ok":"reloaded x.toml","added":["a"],"removed":[],"changed":["b","c"]})").text,
            "reloaded x.toml\n  added: a\n  changed: b, c\n");
  EXPECT_EQ(
      read_reply("reload", R"({"error":"nothing was changed:","errors":["x.toml:1:2: no","x.toml:3:4: no"]})").error,
      "nothing was changed:\nx.toml:1:2: no\nx.toml:3:4: no");
}

TEST(ActorctlReply, StallsAreTheBrokersWords) {
  EXPECT_EQ(read_reply("stalls", R"({"stalls":["cpu waits for alerter"]})").text, "cpu waits for alerter\n");
  EXPECT_EQ(read_reply("stalls", R"({"stalls":[]})").text, "nobody waits for anybody\n");
}

TEST(ActorctlTable, TextsAreCutToTheWidthAndNumbersAreNot) {
  Table table({{"NAME"}, {"COUNT", Table::Align::Right}, {"TOPICS"}});
  table.add_row({"überwacher-mit-langem-namen", "1234567", "StationTopic.Reading, StationTopic.Alert"});
  EXPECT_EQ(table.text({.width = 40, .height = 0, .colours = false}),
            "NAME              COUNT  TOPICS\n"
            "überwacher-mi…  1234567  StationTopic.R…\n");
  EXPECT_EQ(table.text().find("…"), std::string::npos);
  EXPECT_EQ(cut_to("über", 3), "üb…");
  EXPECT_EQ(cut_to("über", 4), "über");
}

TEST(ActorctlTable, ColoursGoAroundTheTextAndNotIntoItsWidth) {
  Table table({{"STATE"}, {"N", Table::Align::Right}});
  table.add_row({"ready", "1"});
  table.paint(0, Colour::Green);
  EXPECT_EQ(table.text({.width = 0, .height = 0, .colours = true}),
            "\x1b[1mSTATE\x1b[0m  \x1b[1mN\x1b[0m\n\x1b[32mready\x1b[0m  1\n");
}

TEST(ActorctlTable, WhatActorsSayCannotMoveTheCursor) {
  EXPECT_EQ(harmless("a\x1b[2Jb\tc\r\x7f"), "a?[2Jb\tc??");
}

TEST(ActorctlTable, UptimesFitFewCharacters) {
  EXPECT_EQ(uptime_text(0.85), "850ms");
  EXPECT_EQ(uptime_text(59.99), "59.9s");
  EXPECT_EQ(uptime_text(60), "1m00s");
  EXPECT_EQ(uptime_text(7384), "2h03m");
  EXPECT_EQ(uptime_text(86400 * 4 + 3600 * 3), "4d03h");
}

}  // namespace
}  // namespace actor::ctl
