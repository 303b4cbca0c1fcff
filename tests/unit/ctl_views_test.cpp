// What actorctl makes of the broker's answers: rates, reports of deaths, pictures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ctl/dead_letters.hpp"
#include "ctl/field.hpp"
#include "ctl/rates.hpp"
#include "ctl/reply.hpp"
#include "ctl/topology.hpp"
#include "wall_time.hpp"

namespace actor::ctl {
namespace {

using ::testing::HasSubstr;

std::string ps(double uptime_s, const std::string& actors) {
  return R"({"broker":{"name":"station","state":"running","uptime_s":)" + std::to_string(uptime_s) + R"(},"actors":[)" +
         actors + "]}";
}

TEST(ActorctlRates, AreWhatHappenedBetweenTwoLooks) {
  const Rates rates = rates_between(ps(10, R"({"name":"idle","state":"ready","pid":1,"incarnation":1,"sent":7},
                {"name":"cpu","state":"ready","pid":2,"incarnation":1,"sent":100,"handled":50,"dropped":0,"restarts":0,
                 "handling_ns":[[64,50]]})"),
                                    ps(12, R"({"name":"idle","state":"ready","pid":1,"incarnation":1,"sent":7},
                {"name":"cpu","state":"ready","pid":2,"incarnation":1,"sent":300,"handled":150,"dropped":4,"restarts":1,
                 "queued":3,"handling_ns":[[64,50],[1024,98],[8192,2]]})"));
  EXPECT_EQ(rates.broker, "station");
  EXPECT_DOUBLE_EQ(rates.interval_s, 2);
  ASSERT_EQ(rates.actors.size(), 2U);
  const ActorRates& cpu = rates.actors[0];
  EXPECT_EQ(cpu.name, "cpu") << "the busiest first";
  EXPECT_DOUBLE_EQ(cpu.sent_per_s, 100);
  EXPECT_DOUBLE_EQ(cpu.handled_per_s, 50);
  EXPECT_DOUBLE_EQ(cpu.dropped_per_s, 2);
  EXPECT_EQ(cpu.queued, 3U);
  EXPECT_EQ(cpu.restarts_now, 1U);
  EXPECT_DOUBLE_EQ(cpu.median_s.value(), 1024e-9) << "what was there before does not count";
  EXPECT_DOUBLE_EQ(cpu.p99_s.value(), 8192e-9);
  EXPECT_FALSE(rates.actors[1].median_s);
}

TEST(ActorctlRates, ANewLifeCountsItsHandlingFromZero) {
  const Rates rates = rates_between(ps(1, R"({"name":"a","incarnation":1,"handling_ns":[[64,1000]]})"),
                                    ps(2, R"({"name":"a","incarnation":2,"handling_ns":[[64,3],[128,0]]})"));
  EXPECT_DOUBLE_EQ(rates.actors[0].p99_s.value(), 64e-9);
}

TEST(ActorctlRates, AnActorThatIsNewHasRatesToo) {
  const Rates rates = rates_between(ps(1, ""), ps(2, R"({"name":"a","incarnation":1,"sent":5,"handling_ns":"odd"})"));
  EXPECT_DOUBLE_EQ(rates.actors.at(0).sent_per_s, 5);
  EXPECT_EQ(rates_between(ps(2, ""), ps(2, R"({"name":"a","sent":5})")).actors.at(0).sent_per_s, 0) << "no time passed";
}

TEST(ActorctlRates, AreShownWithUnits) {
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(1.5), "1.50");
  EXPECT_EQ(rate_text(999), "999");
  EXPECT_EQ(rate_text(12345), "12.3k");
  EXPECT_EQ(rate_text(3.4e6), "3.40M");
  EXPECT_EQ(time_text(512e-9), "512ns");
  EXPECT_EQ(time_text(2.5), "2.50s");
  const Rates rates =
      rates_between(ps(1, ""), ps(61, R"({"name":"a","state":"ready","pid":3,"uptime_s":61,"sent":6})"));
  EXPECT_EQ(show_rates(rates, {}),
            "broker station, running, up 1m01s; 1 actors, 0 events handled per second\n"
            "NAME  STATE  SENT/s  HANDLED/s  DROPPED/s  QUEUED  STAGED  MEDIAN  P99  RESTARTS  UPTIME\n"
            "a     ready    0.10          0          0       0       0       -    -         0   1m01s\n");
  const Json json = Json::parse(json_of_rates(rates));
  EXPECT_EQ(json["actors"][0]["sent_per_s"], 0.1);
  EXPECT_TRUE(json["actors"][0]["p99_s"].is_null());
}

constexpr const char* three_actors =
    R"({"actors":[{"name":"cpu","state":"ready"},{"name":"alerter","state":"backoff"},{"name":"idle","state":"ready"}]})";
constexpr const char* two_topics = R"({"topics":[{"name":"T.A"},{"name":"T.\"B\""}]})";
constexpr const char* two_routes =
    R"({"routes":[{"from":"cpu","to":"alerter","topics":["T.A"]},{"from":"alerter","to":"byhand","topics":["T.\"B\""]}]})";

TEST(ActorctlTopology, IsDrawnAsTextAndAsGraphs) {
  const Topology topology = read_topology(three_actors, two_topics, two_routes);
  EXPECT_EQ(draw(topology, "text"),
            "cpu (ready)\n  T.A -> alerter\nalerter (backoff)\n  T.\"B\" -> byhand\nidle (ready)\nbyhand (joining)\n");
  EXPECT_EQ(draw(topology, "mermaid"),
            "flowchart LR\n"
            "  a1[\"alerter\"]\n  a3[\"byhand\"]\n  a0[\"cpu\"]\n  a2[\"idle\"]\n"
            "  t0([\"T.#quot;B#quot;\"])\n  t1([\"T.A\"])\n"
            "  a0 --> t1\n  a1 --> t0\n  t0 --> a3\n  t1 --> a1\n");
  EXPECT_EQ(draw(topology, "dot"),
            "digraph topology {\n  rankdir=LR;\n"
            "  a1 [shape=box, label=\"alerter\"];\n  a3 [shape=box, label=\"byhand\"];\n"
            "  a0 [shape=box, label=\"cpu\"];\n  a2 [shape=box, label=\"idle\"];\n"
            "  t0 [shape=oval, label=\"T.\\\"B\\\"\"];\n  t1 [shape=oval, label=\"T.A\"];\n"
            "  a0 -> t1;\n  a1 -> t0;\n  t0 -> a3;\n  t1 -> a1;\n}\n");
  const Json json = Json::parse(draw(topology, "json"));
  EXPECT_EQ(json["edges"].size(), 2U);
  EXPECT_EQ(json["topics"], Json({"T.\"B\"", "T.A"}));
}

TEST(ActorctlTopology, OfAnAnswerThatIsANoIsItsText) {
  try {
    read_topology(R"({"error":"not now"})", two_topics, two_routes);
    ADD_FAILURE() << "not refused";
  } catch (const Refusal& refusal) {
    EXPECT_STREQ(refusal.what(), "not now");
  }
}

TEST(ActorctlWhy, ShowsTheLastDeathFirstWithAllThatIsKnown) {
  const Answer answer = read_reply("why", R"json({"actor":"alerter","state":"backoff","pid":null,"restarts":2,
    "next_restart_s":0.2,"death_count":2,"deaths":[
    {"at":"2026-11-22T10:00:00.000Z","reason":"error(3)","incarnation":1,"pid":10,"uptime_s":5,"then":"restarted at once"},
    {"at":"2026-11-22T10:00:09.000Z","reason":"signal(SEGV)","incarnation":2,"pid":11,"uptime_s":65,
     "last_words":"told to","in_hand":{"type":"puppets::Number","topic":"T.A","sender":"cpu","event":17,"attempt":2},
     "then":"restarting in 200 ms","last_lines":[
       {"time":"10:00:08","stream":"stdout","line":"fine"},{"time":"10:00:09","stream":"stderr","line":"oh\u001b[2J"}]}]})json");
  ASSERT_TRUE(answer.ok) << answer.error;
  EXPECT_EQ(answer.text,
            "alerter is backoff, starts again after 200ms; restarts: 2, deaths: 2\n"
            "\n2026-11-22T10:00:09.000Z  signal(SEGV)\n"
            "  life          2, pid 11, up 1m05s\n"
            "  last words    told to\n"
            "  in hand       puppets::Number on T.A from cpu, event 17, attempt 2\n"
            "  then          restarting in 200 ms\n"
            "  it said last\n"
            "    10:00:08 | fine\n"
            "    10:00:09 ! oh?[2J\n"
            "\n2026-11-22T10:00:00.000Z  error(3)\n"
            "  life          1, pid 10, up 5.0s\n"
            "  in hand       no event\n"
            "  then          restarted at once\n");
}

TEST(ActorctlWhy, OfAnActorThatHasNotDiedSaysSo) {
  const Answer answer = read_reply(
      "why", R"({"actor":"a","state":"ready","pid":7,"uptime_s":3,"restarts":0,"death_count":0,"deaths":[]})");
  EXPECT_EQ(answer.text,
            "a is ready, pid 7, up 3.0s; restarts: 0, deaths: 0\nit has not died since the broker began\n");
}

TEST(ActorctlDeaths, OfAllActorsAreALineEach) {
  const Answer answer = read_reply("deaths", R"({"deaths":[
    {"actor":"cpu","at":"2026-11-22T10:00:00Z","reason":"oom","incarnation":1,"uptime_s":65,"in_hand":null,"then":"x"},
    {"actor":"alerter","at":"2026-11-22T10:00:09Z","reason":"clean","incarnation":2,"uptime_s":1.5,
     "in_hand":{"type":"T","sender":"cpu"},"then":"not started again"}]})");
  ASSERT_TRUE(answer.ok) << answer.error;
  EXPECT_EQ(answer.text,
            "AT                    ACTOR    LIFE     UP  REASON  IN HAND     THEN\n"
            "2026-11-22T10:00:00Z  cpu         1  1m05s  oom     -           x\n"
            "2026-11-22T10:00:09Z  alerter     2   1.5s  clean   T from cpu  not started again\n");
  EXPECT_EQ(read_reply("deaths", R"({"deaths":[]})").text, "no actor has died since the broker began\n");
}

TEST(ActorctlDeadLetters, AreListedWithTheirEvents) {
  const Json answer = Json::parse(R"({"given_up":7,"dead_letters":[
    {"id":1,"event":"7f:17","type":"Number","topic":"T.A","sender":"cpu","reader":"alerter","reason":"poison",
     "attempts":3,"given_up_at":"2026-11-22T10:00:00Z","payload":{"value":17},"payload_bytes":4},
    {"id":2,"type":"Blob","topic":"T.B","sender":"cpu","reader":"alerter","reason":"stopped","attempts":0,
     "given_up_at":"2026-11-22T10:00:01Z","payload":null,"payload_bytes":4096}]})");
  EXPECT_EQ(show_dead_letters(answer, {}),
            "ID  GIVEN UP              REASON   READER   SENDER  TOPIC  TYPE    ATTEMPTS  EVENT\n"
            " 1  2026-11-22T10:00:00Z  poison   alerter  cpu     T.A    Number         3  {\"value\":17}\n"
            " 2  2026-11-22T10:00:01Z  stopped  alerter  cpu     T.B    Blob           0  4096 bytes\n"
            "7 older ones are gone: there was no room for them\n");
  EXPECT_EQ(show_dead_letters(Json::parse(R"({"dead_letters":[]})"), {}), "no dead letters\n");
  EXPECT_EQ(read_reply("dead-letters", R"({"ok":"retried 2","count":2})").text, "retried 2\n");
}

TEST(ActorctlField, WhatIsMissingOrOfAnotherKindIsEmpty) {
  const Json odd = Json::parse(R"({"text":"a\nb","list":["x",1],"number":-3,"object":{}})");
  EXPECT_EQ(cell(odd, "text"), "a?b");
  EXPECT_EQ(cell(odd, "list"), "x, 1");
  EXPECT_EQ(cell(odd, "nowhere"), "");
  EXPECT_EQ(natural(odd, "number"), 0U);
  EXPECT_EQ(real(odd, "text"), 0);
  EXPECT_TRUE(member(Json(17), "x").is_null());
  EXPECT_THAT([] { parse_answer("[]"); }, ::testing::ThrowsMessage<Refusal>(HasSubstr("makes no sense")));
}

TEST(ActorctlField, TimesAreWrittenToTheMicrosecond) {
  EXPECT_EQ(broker::wall_time_text(1763841353250000999), "2025-11-22T19:55:53.250000Z");
}

}  // namespace
}  // namespace actor::ctl
