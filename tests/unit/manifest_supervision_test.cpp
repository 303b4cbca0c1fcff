// Groups, dependencies, exhaustion and significance, as the manifest says them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest/manifest.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> errors_in(std::string_view text) {
  std::vector<std::string> lines;
  for (const ManifestError& error : parse_manifest(text, "m.toml").errors) lines.push_back(format(error));
  return lines;
}

std::vector<std::string> warnings_in(std::string_view text) {
  std::vector<std::string> lines;
  for (const ManifestError& warning : parse_manifest(text, "m.toml").warnings) lines.push_back(format(warning));
  return lines;
}

TEST(ManifestSupervision, EveryKeyArrivesInItsField) {
  const auto result = parse_manifest(R"(
[broker]
auto_shutdown = "any"
allow_reboot = true
[groups.inner]
parent = "outer"
strategy = "rest_for_one"
budget = { restarts = 2, within = "1min" }
on_exhausted = "stop_runtime"
quarantine_retry = "0"
auto_shutdown = "all"
significant = true
[groups.outer]
auto_shutdown = "any"
[actors.a]
exec = "a"
member_of = "inner"
depends_on = { b = "completed" }
restart = "transient"
on_exhausted = "restart_group"
quarantine_retry = "2min"
success_exit = [3, 4]
never_restart_exit = []
significant = true
[actors.b]
exec = "b"
restart = "temporary"
on_exhausted = "reboot"
)",
                                     "m.toml");
  ASSERT_THAT(errors_in(""), ::testing::SizeIs(1));
  ASSERT_TRUE(result.manifest) << format(result.errors.at(0));
  const Manifest& manifest = *result.manifest;
  EXPECT_EQ(manifest.broker.auto_shutdown, AutoShutdown::Any);
  EXPECT_TRUE(manifest.broker.allow_reboot);
  const GroupSection outer{.name = "outer", .auto_shutdown = AutoShutdown::Any};
  const GroupSection inner{.name = "inner",
                           .parent = "outer",
                           .strategy = RestartStrategy::RestForOne,
                           .budget = {.restarts = 2, .within = 1min},
                           .on_exhausted = OnExhausted::StopRuntime,
                           .quarantine_retry = 0s,
                           .auto_shutdown = AutoShutdown::All,
                           .significant = true};
  EXPECT_EQ(manifest.groups, (std::vector{outer, inner})) << "parents come first";
  EXPECT_EQ(manifest.actors[0].supervision, (ActorSupervision{.member_of = "inner",
                                                              .depends_on = {{"b", Dependency::Completed}},
                                                              .on_exhausted = OnExhausted::RestartGroup,
                                                              .quarantine_retry = 2min,
                                                              .success_exit = {3, 4},
                                                              .never_restart_exit = {},
                                                              .significant = true}));
  EXPECT_EQ(manifest.actors[1].supervision.on_exhausted, OnExhausted::Reboot);
}

TEST(ManifestSupervision, AGroupWithAParentEscalatesAndOneWithoutIsQuarantined) {
  const auto manifest =
      parse_manifest("[groups.a]\n[groups.b]\nparent = 'a'\n[actors.x]\nexec = 'x'\nmember_of = 'b'\n", "m").manifest;
  ASSERT_TRUE(manifest);
  EXPECT_EQ(manifest->find_group("a")->on_exhausted, OnExhausted::Quarantine);
  EXPECT_EQ(manifest->find_group("b")->on_exhausted, OnExhausted::Escalate);
  EXPECT_EQ(manifest->find_group("c"), nullptr);
}

TEST(ManifestSupervision, WhatIsNotThereIsAnErrorAndTheMeantOneIsOffered) {
  EXPECT_THAT(errors_in("[groups.vision]\n[actors.store]\nexec = 's'\nmember_of = 'visoin'\n"
                        "[actors.a]\nexec = 'a'\ndepends_on = { stroe = 'ready' }\n"
                        "[groups.x]\nparent = 'y'\n"),
              ElementsAre("m.toml:4:13: actors.store.member_of: there is no section [groups.visoin]; did you mean "
                          "\"vision\"?",
                          "m.toml:7:24: actors.a.depends_on.stroe: there is no actor \"stroe\"; did you mean "
                          "\"store\"?",
                          "m.toml:9:10: groups.x.parent: there is no section [groups.y]"));
}

TEST(ManifestSupervision, WrongWordsAreErrors) {
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\ndepends_on = { b = 'redy' }\non_exhausted = 'escalate'\n"
                        "success_exit = [256]\nsignificant = 1\n[actors.b]\nexec = 'b'\n"),
              ElementsAre("m.toml:3:20: actors.a.depends_on.b: \"redy\" is not allowed; allowed: \"ready\", "
                          "\"started\", \"completed\"; did you mean \"ready\"?",
                          "m.toml:4:16: actors.a.on_exhausted: \"escalate\" is not allowed; allowed: \"quarantine\", "
                          "\"restart_group\", \"stop_runtime\", \"reboot\"",
                          ::testing::StartsWith("m.toml:5:17: actors.a.success_exit"),
                          ::testing::StartsWith("m.toml:6:15: actors.a.significant: must be ")));
}

TEST(ManifestSupervision, ActorsThatShareAProcessWantTheSameOfIt) {
  const std::string one = "[actors.one]\nexec = 'a'\nprocess = 'p'\n";
  EXPECT_THAT(
      errors_in(one +
                "[actors.two]\nexec = 'a'\nargs = ['--actor', 'Two', '--latency=low']\nspin = '0'\nprocess = 'p'\n"),
      IsEmpty());
  EXPECT_THAT(
      errors_in(one + "[actors.two]\nexec = 'b'\nprocess = 'p'\n"),
      ElementsAre("m.toml:5:8: actors.two.exec: is not what it is in \"one\", and the two share the process "
                  "\"p\", which has only one exec; write the same in both, or give one of them another process"));
  EXPECT_THAT(errors_in(one + "[actors.two]\nexec = 'a'\nprocess = 'p'\nenv = { A = 'b' }\n"),
              ElementsAre(::testing::HasSubstr("actors.two.env: is not what it is in \"one\"")));
  EXPECT_THAT(errors_in(one + "[actors.two]\nexec = 'a'\nprocess = 'p'\nnice = 3\n"),
              ElementsAre(::testing::HasSubstr("actors.two.nice: ")));
  EXPECT_THAT(errors_in(one + "standby = 1\n"),
              ElementsAre("m.toml:4:11: actors.one.standby: a spare process is for an actor that has a process of its "
                          "own; remove standby, or process = \"p\""));
  EXPECT_THAT(errors_in("[actors.one]\nexec = 'a'\nprocess = 'one'\n"),
              ElementsAre("m.toml:3:11: actors.one.process: \"one\" is an actor's name; give the process another one"));
  EXPECT_THAT(errors_in("[actors.one]\nexec = 'a'\nprocess = 'a b'\n"),
              ElementsAre(::testing::HasSubstr("actors.one.process: ")));
}

TEST(ManifestSupervision, AnActorThatSharesAProcessGetsNoArgumentsButLibactors) {
  const std::string one = "[actors.one]\nexec = 'a'\nprocess = 'p'\n";
  const std::string allowed =
      "; allowed: \"--actor\", \"CLASS\" and \"--latency\", \"WORD\". Remove it, or process = \"p\"";
  EXPECT_THAT(
      errors_in(one + "args = ['--actor', 'One', '--foo']\n"),
      ElementsAre("m.toml:4:27: actors.one.args[2]: \"--foo\" cannot be given to an actor that shares a process" +
                  allowed));
  EXPECT_THAT(errors_in(one + "args = ['--actors', 'One']\n"),
              ElementsAre(::testing::HasSubstr("actors.one.args[0]: \"--actors\" cannot be given")));
  EXPECT_THAT(errors_in(one + "args = ['--actor']\n"),
              ElementsAre("m.toml:4:9: actors.one.args[0]: \"--actor\" lacks its value" + allowed));
}

TEST(ManifestSupervision, AnErrorDoesNotHideWhatIsWrongBetweenSections) {
  EXPECT_THAT(errors_in("[groups.g]\nstrategy = 'one_for_al'\nparent = 'g'\n"
                        "[actors.a]\nexec = 'a'\nargs = 1\nmember_of = 'h'\n"),
              ElementsAre(::testing::StartsWith("m.toml:2:12: groups.g.strategy: \"one_for_al\" is not allowed"),
                          ::testing::StartsWith("m.toml:3:10: groups.g.parent: is a circle: g is in g"),
                          ::testing::StartsWith("m.toml:6:8: actors.a.args: must be an array"),
                          ::testing::StartsWith("m.toml:7:13: actors.a.member_of: there is no section [groups.h]")));
}

TEST(ManifestSupervision, NothingIsConcludedFromWhatASectionWithErrorsDoesNotSay) {
  EXPECT_THAT(errors_in("[broker]\nallow_rebot = true\n"
                        "[actors.a]\nexec = 'a'\nrestrat = 'transient'\nsignificant = true\non_exhausted = 'reboot'\n"
                        "[actors.b]\nexec = 'b'\ndepends_on = { a = 'completed' }\n"),
              ElementsAre(::testing::StartsWith("m.toml:2:1: broker.allow_rebot: unknown key"),
                          ::testing::StartsWith("m.toml:5:1: actors.a.restrat: unknown key")));
  EXPECT_THAT(errors_in("[group.g]\n[actors.a]\nexec = 'a'\nmember_of = 'g'\n"),
              ElementsAre(::testing::StartsWith("m.toml:1:2: group: unknown key; did you mean \"groups\"?")));
}

TEST(ManifestSupervision, CirclesAreNamed) {
  EXPECT_THAT(
      errors_in("[actors.a]\nexec = 'a'\ndepends_on = { b = 'ready' }\n"
                "[actors.b]\nexec = 'b'\ndepends_on = { c = 'started' }\n"
                "[actors.c]\nexec = 'c'\ndepends_on = { a = 'ready' }\n"),
      ElementsAre("m.toml:3:14: actors.a.depends_on: is a circle, so that none of these can ever start: a waits for b, "
                  "which waits for c, which waits for a; remove one of them"));
  EXPECT_THAT(errors_in("[groups.a]\nparent = 'b'\n[groups.b]\nparent = 'a'\n[actors.x]\nexec = 'x'\n"
                        "member_of = 'a'\n"),
              ElementsAre("m.toml:2:10: groups.a.parent: is a circle: a is in b, which is in a; remove one parent"));
}

TEST(ManifestSupervision, WhatContradictsItselfIsAnError) {
  EXPECT_THAT(errors_in("[groups.g]\non_exhausted = 'escalate'\n[actors.a]\nexec = 'a'\nmember_of = 'g'\n"),
              ElementsAre("m.toml:2:16: groups.g.on_exhausted: \"escalate\" makes it a failure of the parent, and this "
                          "group has none; set parent, or choose \"quarantine\" or \"stop_runtime\""));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\non_exhausted = 'restart_group'\n"),
              ElementsAre("m.toml:3:16: actors.a.on_exhausted: \"restart_group\" restarts its group, and it is in "
                          "none; set member_of"));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\non_exhausted = 'reboot'\n"),
              ElementsAre("m.toml:3:16: actors.a.on_exhausted: \"reboot\" has to be allowed: set allow_reboot = true "
                          "in [broker]"));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\n[actors.b]\nexec = 'b'\ndepends_on = { a = 'completed' }\n"),
              ElementsAre("m.toml:5:20: actors.b.depends_on.a: \"a\" is permanent: it is started again whenever it "
                          "ends, and is never completed; give it restart = \"transient\", or wait for \"ready\""));
  EXPECT_THAT(errors_in("[broker]\nauto_shutdown = 'any'\n[actors.a]\nexec = 'a'\nsignificant = true\n"),
              ElementsAre("m.toml:5:15: actors.a.significant: a permanent actor never ends for good, so that nothing "
                          "can follow from it; set restart = \"transient\" or \"temporary\""));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\nrestart = 'temporary'\nsignificant = true\n"),
              ElementsAre("m.toml:4:15: actors.a.significant: has no effect: set auto_shutdown = \"any\" or \"all\" in "
                          "[broker]"));
  EXPECT_THAT(errors_in("[actors.a]\nexec = 'a'\nsuccess_exit = [78]\n"),
              ElementsAre("m.toml:3:16: actors.a.success_exit: 78 is listed in never_restart_exit too, and an end is "
                          "clean or it is not; remove it from one of the two"));
}

TEST(ManifestSupervision, WhatHasNoEffectIsAWarning) {
  EXPECT_THAT(warnings_in("[groups.g]\n[actors.a]\nexec = 'a'\ngroup = 'g'\n"),
              ElementsAre("m.toml:1:9: groups.g: has no effect: no actor has member_of = \"g\"",
                          "m.toml:4:9: actors.a.group: is a group of the system's users; to put the actor into "
                          "[groups.g], write member_of = \"g\""));
  EXPECT_THAT(warnings_in("[groups.g]\n[actors.a]\nexec = 'a'\nmember_of = 'g'\n"), IsEmpty());
}

}  // namespace
}  // namespace actor::broker
