#include "manifest/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "manifest/check.hpp"
#include "manifest_lines.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

Manifest parse_valid(std::string_view text) {
  ManifestResult result = parse_manifest(text, "station.toml");
  EXPECT_THAT(lines_of(result.errors), IsEmpty());
  return result.manifest.value_or(Manifest{});
}

std::vector<std::string> errors_in(std::string_view text) {
  const ManifestResult result = parse_manifest(text, "station.toml");
  EXPECT_EQ(result.manifest.has_value(), result.errors.empty());
  return lines_of(result.errors);
}

// The errors of [actors.a] with these lines after exec; the first of them is line 3.
std::vector<std::string> errors_in_actor(const std::string& lines) {
  return errors_in("[actors.a]\nexec = 'a'\n" + lines + "\n");
}

TEST(Manifest, AnActorWithAProgramIsEnough) {
  const Manifest manifest = parse_valid("[actors.cpu]\nexec = './cpu'\n");
  ASSERT_THAT(manifest.actors, SizeIs(1));
  const ActorSection& cpu = manifest.actors[0];
  EXPECT_EQ(cpu.name, "cpu");
  EXPECT_EQ(cpu.exec, "./cpu");
  EXPECT_TRUE(cpu.publishes.all);
  EXPECT_FALSE(cpu.subscribes.all);
  EXPECT_THAT(cpu.subscribes.names, IsEmpty());
  EXPECT_EQ(cpu.restart, Restart::Permanent);
  EXPECT_EQ(cpu.backoff, (Backoff{.base = 10ms, .max = 5s, .reset_after = 10s}));
  EXPECT_EQ(cpu.budget, (RestartBudget{.restarts = 5, .within = 10s}));
  EXPECT_EQ(cpu.start_timeout, 10s);
  EXPECT_EQ(cpu.stop_timeout, 5s);
  EXPECT_EQ(cpu.latency, Latency::Balanced);
  EXPECT_EQ(cpu.spin, std::nullopt);
  EXPECT_EQ(cpu.memory_bytes, 16u << 20);
  EXPECT_EQ(manifest.broker.name, "station");
  EXPECT_EQ(manifest.broker.log, LogFormat::Text);
  EXPECT_EQ(manifest.broker.drain_timeout, 5s);
  EXPECT_FALSE(manifest.broker.shutdown_timeout);
  EXPECT_FALSE(manifest.broker.runtime_dir);
}

TEST(Manifest, EveryKeyArrivesInItsField) {
  const Manifest manifest = parse_valid(R"(
[broker]
name = "weather.1"
runtime_dir = "/run/weather"
log = "json"
drain_timeout = "0"
shutdown_timeout = "2min"
[topics."StationTopic.Reading"]
overflow = "block"
block_deadline = "250us"
capacity = 65536
[actors.a]
exec = "/bin/a"
args = ["-x", ""]
env = { B = "2", A = "" }
cwd = "data"
publishes = []
subscribes = ["*", "$sys/actor"]
restart = "transient"
backoff = { base = "1s", max = "1min", reset_after = "1h" }
budget = { restarts = 0, within = "5ms" }
start_timeout = "7s"
stop_timeout = "0s"
spin = "0"
memory = "1GiB"
)");
  EXPECT_EQ(manifest.broker, (BrokerSection{.name = "weather.1",
                                            .runtime_dir = "/run/weather",
                                            .log = LogFormat::Json,
                                            .drain_timeout = 0s,
                                            .shutdown_timeout = 2min}));
  const TopicSection topic{.overflow = OverflowPolicy::block_for(250us), .capacity = 65536};
  EXPECT_THAT(manifest.topics, ElementsAre(Pair("StationTopic.Reading", topic)));
  ASSERT_THAT(manifest.actors, SizeIs(1));
  EXPECT_EQ(manifest.actors[0], (ActorSection{.name = "a",
                                              .exec = "/bin/a",
                                              .args = {"-x", ""},
                                              .env = {{"A", ""}, {"B", "2"}},
                                              .cwd = "data",
                                              .publishes = {.all = false, .names = {}},
                                              .subscribes = {.all = true, .names = {"$sys/actor"}},
                                              .restart = Restart::Transient,
                                              .backoff = {.base = 1s, .max = 1min, .reset_after = 1h},
                                              .budget = {.restarts = 0, .within = 5ms},
                                              .start_timeout = 7s,
                                              .stop_timeout = 0s,
                                              .spin = 0s,
                                              .memory_bytes = 1u << 30}));
}

TEST(Manifest, EachWordOfAChoiceHasItsMeaning) {
  for (const OverflowPolicy policy :
       {OverflowPolicy::fail(), OverflowPolicy::drop(), OverflowPolicy::drop_oldest(), OverflowPolicy::block()}) {
    const auto manifest =
        parse_valid("[topics.'T.A']\noverflow = '" + to_string(policy) + "'\n[actors.a]\nexec = 'a'\n");
    EXPECT_EQ(manifest.topics.at("T.A").overflow, policy) << to_string(policy);
  }
  for (const auto& [word, restart] :
       {std::pair("permanent", Restart::Permanent), std::pair("transient", Restart::Transient),
        std::pair("temporary", Restart::Temporary)}) {
    const auto manifest = parse_valid("[actors.a]\nexec = 'a'\nrestart = '" + std::string(word) + "'\n");
    EXPECT_EQ(manifest.actors.at(0).restart, restart) << word;
  }
}

TEST(Manifest, ActorsKeepTheOrderOfTheFile) {
  const Manifest manifest = parse_valid("[actors.z]\nexec='z'\n[actors.a]\nexec='a'\n[actors.m]\nexec='m'\n");
  std::vector<std::string> names;
  for (const ActorSection& actor : manifest.actors) names.push_back(actor.name);
  EXPECT_THAT(names, ElementsAre("z", "a", "m"));
  EXPECT_EQ(manifest.find_actor("m"), &manifest.actors[2]);
  EXPECT_EQ(manifest.find_actor("q"), nullptr);
}

TEST(Manifest, BrokerIsNamedAfterTheFile) {
  const auto name_for = [](const std::string& file) {
    return parse_manifest("[actors.a]\nexec = 'a'\n", file).manifest.value().broker.name;
  };
  EXPECT_EQ(name_for("/etc/actor/station.toml"), "station");
  EXPECT_EQ(name_for("My Weather Station.toml"), "my-weather-station");
  EXPECT_EQ(name_for("\xc3\xa4.toml"), "broker");
  EXPECT_EQ(name_for(std::string(100, 'x') + ".toml"), std::string(64, 'x'));
}

TEST(Manifest, StarStandsForAllButTheBrokersOwnTopics) {
  const TopicSet all{.all = true, .names = {"$sys/actor"}};
  EXPECT_TRUE(all.contains("StationTopic.Reading"));
  EXPECT_TRUE(all.contains("$sys/actor"));
  EXPECT_FALSE(all.contains("$sys/other"));
  EXPECT_FALSE((TopicSet{.all = false, .names = {"A.B"}}.contains("A.C")));
}

TEST(Manifest, AllErrorsAreReportedInFileOrder) {
  EXPECT_THAT(
      errors_in("[broker]\nlog = 'xml'\ncolour = true\n"
                "[topics.'T.A']\ncapacity = 0\n"
                "[actors.a]\nexec = ''\nrestart = 7\n"
                "[actors.b]\n"),
      ElementsAre(HasSubstr("station.toml:2:7: broker.log: \"xml\" is not allowed; allowed: \"text\", \"json\""),
                  HasSubstr("station.toml:3:1: broker.colour: unknown key"),
                  HasSubstr("station.toml:5:12: topics.\"T.A\".capacity: 0 is out of range; allowed: 1 to 65536"),
                  HasSubstr("station.toml:7:8: actors.a.exec: must not be empty"),
                  AllOf(HasSubstr("station.toml:8:11: actors.a.restart: must be one of \"permanent\""),
                        HasSubstr("not the integer 7")),
                  HasSubstr("station.toml:9:9: actors.b.exec: missing")));
}

TEST(Manifest, UnknownKeyIsAnErrorAndTheMeantOneIsOffered) {
  EXPECT_THAT(errors_in_actor("restrat = 'permanent'"),
              ElementsAre(AllOf(HasSubstr("3:1: actors.a.restrat: unknown key; did you mean \"restart\"?"),
                                HasSubstr("allowed here: abort_grace, args, backoff, budget"))));
  EXPECT_THAT(errors_in_actor("backoff = { maximum = '5s' }"), ElementsAre(HasSubstr("did you mean \"max\"?")));
  EXPECT_THAT(
      errors_in("[actor.a]\nexec = 'a'\n"),
      ElementsAre(HasSubstr("no actor to run"), HasSubstr("1:2: actor: unknown key; did you mean \"actors\"?")));
}

TEST(Manifest, AKeyThatIsNotWrittenIsOfferedToo) {
  EXPECT_THAT(
      errors_in("[actors.a]\nexec = 'a'\n[topics.T]\nlached = true\noverflow = 'drop_oldest'\n"),
      ElementsAre("station.toml:4:1: topics.T.lached: unknown key; did you mean \"latched\"?; allowed here: "
                  "block_deadline, capacity, latched, overflow, payload, transport",
                  "station.toml:5:12: topics.T.overflow: \"drop_oldest\" is not allowed; allowed: \"fail\", \"drop\", "
                  "\"drop-oldest\", \"block\"; did you mean \"drop-oldest\"?"));
}

TEST(Manifest, AManifestWithoutActorsIsAnError) {
  EXPECT_THAT(errors_in(""),
              ElementsAre(HasSubstr("station.toml: actors: the manifest has no actor to run; add a section")));
  EXPECT_THAT(errors_in("[actors]\n"), ElementsAre(HasSubstr("no actor to run")));
  EXPECT_THAT(errors_in("[[actors]]\nexec = 'a'\n"),
              ElementsAre(HasSubstr("must be sections with a name each: [actors.NAME]")));
  EXPECT_THAT(errors_in("[actors]\na = 'a'\n"),
              ElementsAre(HasSubstr("actors.a: must be a section [actors.a], not a string")));
}

TEST(Manifest, TextThatIsNotTomlIsReportedWithItsPlaceAndAdvice) {
  EXPECT_THAT(errors_in("[actors.a]\nexec = a\n"),
              ElementsAre(AllOf(HasSubstr("station.toml:2:8: not valid TOML"), HasSubstr("double quotes"))));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\nstop_timeout = 10s\n"),
              ElementsAre(AllOf(HasSubstr("station.toml:3:"), HasSubstr("double quotes"))));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\n[topics.T{a=1}]\n"), ElementsAre(HasSubstr("is quoted: [topics.\"")));
  for (const std::string_view unclosed : {"[actors.a\nexec = 'a'\n", "[actors.a", "[actors.a # sensor\nexec = 'a'\n"})
    EXPECT_THAT(errors_in(unclosed), ElementsAre(HasSubstr("; the ] that ends the section's header is missing")))
        << unclosed;
  for (const std::string_view unclosed : {"[actors.a]\nexec = \"a\nargs = []\n", "[actors.a]\nexec = 'a\nargs = []\n",
                                          "[actors.a]\nexec = \"a", "[actors.a]\nexec = 'a"})
    EXPECT_THAT(errors_in(unclosed), ElementsAre(HasSubstr("; is the quote that ends the text missing?"))) << unclosed;
  EXPECT_THAT(errors_in("\xff\xfe"), ElementsAre(HasSubstr("station.toml:1:1: not valid TOML")));
}

TEST(Manifest, ANameUsedTwiceIsAnError) {
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\n[actors.a]\nexec = 'b'\n"),
              ElementsAre(AllOf(HasSubstr("station.toml:3:"), HasSubstr("actors.a"), HasSubstr("written once"))));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\nexec = 'b'\n"), ElementsAre(HasSubstr("set above already")));
}

TEST(Manifest, AnUnquotedNameWithADotIsRecognized) {
  EXPECT_THAT(errors_in("[topics.StationTopic.Reading]\noverflow = 'drop'\n[actors.a]\nexec = 'a'\n"),
              ElementsAre(HasSubstr("is quoted: [topics.\"StationTopic.Reading\"]")));
  EXPECT_THAT(errors_in("[actors.sensor.cpu]\nexec = 'a'\n"),
              ElementsAre(HasSubstr("is quoted: [actors.\"sensor.cpu\"]")));
}

TEST(Manifest, NamesOfActorsAreChecked) {
  for (const std::string good :
       {"a", "9", "sensor.cpu", "a_b-c", "0123456789012345678901234567890123456789012345678901234567890123"}) {
    EXPECT_THAT(errors_in("[actors.'" + good + "']\nexec = 'a'\n"), IsEmpty());
  }
  for (const std::string bad : {"", "A", ".", "..", "-a", "_", "a b", "a/b", "\xc3\xa4",
                                "01234567890123456789012345678901234567890123456789012345678901234"}) {
    EXPECT_THAT(errors_in("[actors.'" + bad + "']\nexec = 'a'\n"),
                ElementsAre(HasSubstr("is not an actor's name; allowed: 1 to 64")));
  }
  EXPECT_THAT(errors_in("[actors.'Sensor 1']\nexec = 'a'\n"), ElementsAre(HasSubstr("for example \"sensor-1\"")));
  EXPECT_THAT(errors_in("[broker]\nname = 'A'\n[actors.a]\nexec = 'a'\n"),
              ElementsAre(HasSubstr("2:8: broker.name: \"A\"")));
}

TEST(Manifest, NamesOfTopicsAreChecked) {
  for (const std::string good :
       {"T.A", "Quote{symbol=ABC}", "Quote{text=\"a *\"}", "default", "Reading", "$sys/actor"}) {
    EXPECT_THAT(errors_in_actor("subscribes = ['" + good + "']"), IsEmpty());
  }
  const std::vector<std::string> bad{"", " T.A", "T.A ", "T.*", "$other", "$", std::string(256, 'x')};
  for (const std::string& name : bad) {
    EXPECT_THAT(errors_in_actor("subscribes = ['" + name + "']"),
                ElementsAre(HasSubstr("3:15: actors.a.subscribes[0]: ")))
        << name;
    EXPECT_THAT(errors_in("[topics.'" + name + "']\n[actors.a]\nexec = 'a'\n"), SizeIs(1)) << name;
  }
  EXPECT_THAT(errors_in_actor("subscribes = ['T.A', 'T.A', '*', '*', 3]"),
              ElementsAre(HasSubstr("subscribes[1]: \"T.A\" is listed twice"),
                          HasSubstr("subscribes[3]: \"*\" is listed twice"),
                          HasSubstr("subscribes[4]: must be a topic name in double quotes, not the integer 3")));
  EXPECT_THAT(errors_in_actor("publishes = ['$sys/actor']"), ElementsAre(HasSubstr("published by the broker only")));
}

TEST(Manifest, LatencyAndSpinSayTheSameThingSoOneOfThemIsTooMany) {
  EXPECT_EQ(parse_valid("[actors.a]\nexec = 'a'\nlatency = 'power-save'\n").actors[0].latency, Latency::PowerSave);
  EXPECT_EQ(parse_valid("[actors.a]\nexec = 'a'\nlatency = 'low'\n").actors[0].latency, Latency::Low);
  EXPECT_THAT(errors_in_actor("latency = 'low'\nspin = '1ms'"), ElementsAre(HasSubstr("remove one of the two")));
  EXPECT_THAT(errors_in_actor("latency = 'lowest'"), SizeIs(1));
}

TEST(Manifest, WrongTypesAreErrorsForEveryKindOfKey) {
  for (const std::string key : {"exec", "cwd", "args", "env", "publishes", "subscribes", "restart", "backoff", "budget",
                                "start_timeout", "stop_timeout", "latency", "spin", "memory"}) {
    for (const std::string value : {"7", "true", "1.5", "1979-05-27", "[[]]", "{ x = [] }"}) {
      const std::string text =
          "[actors.a]\n" + std::string(key == "exec" ? "" : "exec = 'a'\n") + key + " = " + value + "\n";
      EXPECT_THAT(errors_in(text), SizeIs(1)) << text;
    }
  }
}

TEST(Manifest, DurationsAndSizesNeedUnitsAndLimits) {
  EXPECT_THAT(errors_in_actor("stop_timeout = 5"),
              ElementsAre(HasSubstr("must be a duration in double quotes: a whole number with a unit")));
  EXPECT_THAT(errors_in_actor("stop_timeout = '5'"),
              ElementsAre(HasSubstr("\"5\" is not a duration; allowed: a whole number")));
  EXPECT_THAT(errors_in_actor("start_timeout = '0'"),
              ElementsAre(HasSubstr("\"0\" is out of range; allowed: \"1ms\" to \"24h\"")));
  EXPECT_THAT(errors_in_actor("memory = '64MB'"),
              ElementsAre(HasSubstr("\"64MB\" is not a size; allowed: a whole number")));
  EXPECT_THAT(errors_in_actor("memory = '1B'"),
              ElementsAre(HasSubstr("\"1B\" is out of range; allowed: \"64KiB\" to \"64GiB\"")));
  EXPECT_THAT(errors_in_actor("budget = { restarts = 10001 }"),
              ElementsAre(HasSubstr("10001 is out of range; allowed: 0 to 10000")));
  EXPECT_THAT(errors_in_actor("budget = { restarts = -1 }"), ElementsAre(HasSubstr("-1 is out of range")));
}

TEST(Manifest, KeysThatContradictEachOtherAreErrors) {
  const std::string rest = "\n[actors.a]\nexec = 'a'\n";
  EXPECT_THAT(errors_in("[topics.'T.A']\nblock_deadline = '1s'" + rest),
              ElementsAre(HasSubstr("only for overflow = \"block\"")));
  EXPECT_THAT(errors_in("[topics.'T.A']\noverflow = 'drop'\nblock_deadline = '1s'" + rest),
              ElementsAre(HasSubstr("only for overflow")));
  EXPECT_THAT(errors_in("[topics.'$sys/actor']\noverflow = 'block'" + rest),
              ElementsAre(HasSubstr("neither block nor fail")));
  EXPECT_THAT(errors_in("[broker]\nshutdown_timeout = '4s'" + rest),
              ElementsAre(HasSubstr("2:20: broker.shutdown_timeout: must not be shorter than drain_timeout (5s)")));
  EXPECT_THAT(errors_in_actor("backoff = { base = '6s' }"),
              ElementsAre(HasSubstr("actors.a.backoff.base: max (5s) is shorter than base (6s)")));
}

TEST(Manifest, WhatNoProgramCanBeGivenIsAnError) {
  EXPECT_THAT(errors_in_actor(R"(args = ["a\u0000b"])"), ElementsAre(HasSubstr("args[0]: contains a NUL")));
  EXPECT_THAT(errors_in_actor(R"(env = { "A=B" = "" })"),
              ElementsAre(HasSubstr("\"A=B\" cannot be the name of a variable")));
  EXPECT_THAT(errors_in_actor(R"(env = { "" = "" })"), ElementsAre(HasSubstr("cannot be the name of a variable")));
}

TEST(Manifest, AnErrorIsOneLineWhateverTheManifestSays) {
  for (const std::string& line :
       errors_in_actor("restart = \"x\\n\\u001b[2J" + std::string(1000, 'y') + "\"\n\"k\\n\\u001b\" = 1")) {
    EXPECT_EQ(line.find_first_of("\n\x1b"), std::string::npos) << line;
    EXPECT_LT(line.size(), 500u);
  }
}

TEST(Manifest, ASyntaxErrorIsOneLineToo) {
  EXPECT_THAT(errors_in("[actors.a]\nexec = t\n"), ElementsAre(::testing::Not(HasSubstr("\n"))));
}

TEST(Manifest, NestingBeyondAnyManifestIsRefusedAndDoesNotCrash) {
  std::string dots = "a";
  for (int i = 0; i < 200'000; ++i) dots += ".a";
  EXPECT_THAT(errors_in("[" + dots + "]\n"), ElementsAre(HasSubstr("nested more than 32 deep")));
  EXPECT_THAT(errors_in("x = 1\n" + dots + " = 1\n"),
              ElementsAre(HasSubstr("station.toml:2:66: nested more than 32 deep")));
  EXPECT_THAT(errors_in("x = " + std::string(500'000, '[') + "\n"), ElementsAre(HasSubstr("nested more than 32 deep")));
  const std::string many(100, '.');
  EXPECT_THAT(errors_in_actor("# " + many + "\nargs = ['" + many + "', \"\\\"" + many + "\", '''\n'" + many +
                              "''', \"\"\"\"" + many + "\"\"\"]"),
              IsEmpty());
}

std::vector<std::string> warnings_in(std::string_view text) {
  const ManifestResult result = parse_manifest(text, "station.toml");
  EXPECT_THAT(lines_of(result.errors), IsEmpty());
  return lines_of(result.warnings);
}

TEST(Manifest, ASubscriptionThatNobodyServesIsAWarning) {
  EXPECT_THAT(warnings_in("[actors.a]\nexec = 'a'\npublishes = ['T.Reading']\n"
                          "[actors.b]\nexec = 'b'\npublishes = []\nsubscribes = ['*', '$sys/actor', 'T.Readng']\n"),
              ElementsAre(HasSubstr("station.toml:7:34: actors.b.subscribes: no actor lists \"T.Readng\" in publishes; "
                                    "did you mean \"T.Reading\"?")));
  EXPECT_THAT(warnings_in("[actors.a]\nexec = 'a'\npublishes = ['T.A']\nsubscribes = ['T.A']\n"),
              ElementsAre(HasSubstr("no event is delivered to its own sender")));
  EXPECT_THAT(warnings_in("[topics.'T.B']\n[actors.a]\nexec = 'a'\npublishes = ['T.A']\n"),
              ElementsAre(HasSubstr("station.toml:1:9: topics.\"T.B\": this section has no effect")));
}

TEST(Manifest, APublisherThatDoesNotListItsTopicsMayPublishAnything) {
  EXPECT_THAT(
      warnings_in(
          "[topics.'T.B']\n[actors.a]\nexec = 'a'\n[actors.b]\nexec = 'b'\npublishes = []\nsubscribes = ['T.A']\n"),
      IsEmpty());
}

TEST(Manifest, ABudgetThatTheBackoffOutlastsIsAWarning) {
  // 1 + 2 + 4 + 5 seconds pass between restart 1 and restart 5, and one more than that is never reached within ten.
  const std::string actor = "[actors.a]\nexec = 'a'\nbackoff = { base = '1s' }\n";
  EXPECT_THAT(warnings_in(actor), ElementsAre(HasSubstr("station.toml:1:9: actors.a.budget: can never be exceeded")));
  EXPECT_THAT(warnings_in(actor + "budget = { restarts = 3 }\n"), IsEmpty());
  EXPECT_THAT(warnings_in(actor + "budget = { restarts = 5, within = '17s' }\n"), IsEmpty());
  EXPECT_THAT(warnings_in(actor + "budget = { restarts = 5, within = '16s' }\n"),
              ElementsAre(HasSubstr("station.toml:4:10: ")));
  EXPECT_THAT(warnings_in(actor + "restart = 'temporary'\n"), IsEmpty());
}

TEST(Manifest, LaterChecksCanPointIntoTheFile) {
  const Manifest manifest = parse_valid("[actors.'s.cpu']\nexec = 'a'\nsubscribes = ['*', 'T.A']\n");
  EXPECT_EQ(format(manifest.error(key_path("actors", "s.cpu") + ".exec", "went away.")),
            "station.toml:2:8: actors.\"s.cpu\".exec: went away.");
  EXPECT_EQ(manifest.positions.at(key_path("actors.\"s.cpu\".subscribes", "T.A")),
            (SourcePosition{.line = 3, .column = 20}));
  EXPECT_EQ(format(manifest.error("actors.\"s.cpu\".backoff.max", "too long")),
            "station.toml:1:9: actors.\"s.cpu\".backoff.max: too long");
  EXPECT_EQ(format(manifest.error("broker.log", "not there")), "station.toml: broker.log: not there");
}

std::string documentation() {
  std::ifstream stream(MANIFEST_DOCUMENTATION);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(ManifestDocumentation, ExamplesAreValid) {
  const std::string text = documentation();
  int examples = 0;
  for (std::size_t at = text.find("```toml\n"); at != std::string::npos; at = text.find("```toml\n", at + 1)) {
    const std::size_t start = at + 8;
    const std::string example = text.substr(start, text.find("```", start) - start);
    EXPECT_THAT(errors_in(example), IsEmpty()) << example;
    EXPECT_THAT(warnings_in(example), IsEmpty()) << example;
    ++examples;
  }
  EXPECT_GE(examples, 3);
}

TEST(ManifestDocumentation, HasEveryKey) {
  const std::string text = documentation();
  const auto errors = errors_in(
      "[broker]\n'?' = 1\n[topics.'T.A']\n'?' = 1\n"
      "[actors.a]\nexec = 'a'\n'?' = 1\nbackoff = { '?' = 1 }\nbudget = { '?' = 1 }\n"
      "limits = { '?' = 1 }\n[groups.g]\n'?' = 1\n");
  ASSERT_THAT(errors, SizeIs(7));
  for (const std::string& error : errors) {
    const std::string before = "allowed here: ";
    std::istringstream keys(error.substr(error.find(before) + before.size()));
    for (std::string key; keys >> key;) {
      if (key.back() == ',') key.pop_back();
      EXPECT_THAT(text, HasSubstr("\n| `" + key + "` | "));
    }
  }
}

}  // namespace
}  // namespace actor::broker
