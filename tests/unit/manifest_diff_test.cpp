// What a reload does: who is added, removed, started anew, and what it refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest/diff.hpp"

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Manifest parsed(const std::string& text) {
  auto result = parse_manifest(text, "m.toml");
  for (const ManifestError& error : result.errors) ADD_FAILURE() << format(error);
  return result.manifest.value_or(Manifest{});
}

ManifestDiff change(const std::string& before, const std::string& after) {
  return diff(parsed(before), parsed(after));
}

const std::string two = "[actors.a]\nexec = 'a'\npublishes = ['T']\n[actors.b]\nexec = 'b'\npublishes = []\n";

TEST(ManifestDiff, OfOneManifestIsEmpty) {
  EXPECT_TRUE(change(two, two).empty());
  EXPECT_TRUE(change(two, "# a comment\n" + two).empty());
  EXPECT_TRUE(
      change(two, "[actors.b]\nexec = 'b'\npublishes = []\n[actors.a]\nexec = 'a'\npublishes = ['T']\n").empty());
}

TEST(ManifestDiff, TellsWhoIsAddedRemovedAndChanged) {
  const auto found = change(two + "[actors.c]\nexec = 'c'\n[actors.d]\nexec = 'd'\n",
                            two + "args = ['-v']\n[actors.e]\nexec = 'e'\n[actors.d]\nexec = 'd'\n");
  EXPECT_THAT(found.added, ElementsAre("e"));
  EXPECT_THAT(found.removed, ElementsAre("c"));
  EXPECT_THAT(found.changed, ElementsAre("b"));
}

TEST(ManifestDiff, ATopicsChangeTouchesThoseWhoUseIt) {
  const auto found =
      change(two + "[actors.c]\nexec = 'c'\npublishes = []\nsubscribes = ['T']\n",
             two + "[actors.c]\nexec = 'c'\npublishes = []\nsubscribes = ['T']\n[topics.T]\ncapacity = 1\n");
  EXPECT_THAT(found.changed, ElementsAre("a", "c"));
}

TEST(ManifestDiff, WhatTheBrokerAloneActsOnRestartsNobody) {
  for (const char* key :
       {"restart = 'temporary'", "backoff = { base = '1s' }", "budget = { restarts = 9 }", "start_timeout = '1s'",
        "stop_timeout = '1s'", "delivery = 'at_most_once'", "poison_after = 9", "mailbox_on_restart = 'drop'",
        "standby = 1", "depends_on = { a = 'ready' }", "on_exhausted = 'stop_runtime'", "quarantine_retry = '1s'",
        "success_exit = [3]", "never_restart_exit = [3]", "watchdog = '1s'", "abort_grace = '1s'"}) {
    const auto found = change(two, two + key + "\n");
    EXPECT_THAT(found.adjusted, ElementsAre("b")) << key;
    EXPECT_THAT(found.changed, IsEmpty()) << key;
  }
}

TEST(ManifestDiff, WhatItsProcessWasStartedWithRestartsAnActor) {
  for (const char* key : {"args = ['-v']", "env = { A = 'b' }", "cwd = '/'", "subscribes = ['T']", "spin = '1s'",
                          "memory = '1MiB'", "nice = 5", "cpus = [0]", "limits = { open_files = 99 }"}) {
    const auto found = change(two, two + key + "\n");
    EXPECT_THAT(found.changed, ElementsAre("b")) << key;
    EXPECT_THAT(found.adjusted, IsEmpty()) << key;
  }
}

TEST(ManifestDiff, AGroupsChangeConcernsWhatIsInItAndInItsGroups) {
  const std::string members =
      "[groups.inner]\nparent = 'outer'\n[actors.a]\nexec = 'a'\nmember_of = 'outer'\n"
      "[actors.b]\nexec = 'b'\nmember_of = 'inner'\n[actors.c]\nexec = 'c'\n";
  const auto found = change("[groups.outer]\n" + members, "[groups.outer]\nstrategy = 'one_for_all'\n" + members);
  EXPECT_THAT(found.adjusted, ElementsAre("a", "b"));
  EXPECT_THAT(found.changed, IsEmpty());
}

TEST(ManifestDiff, RefusesWhatNoRunningBrokerCanChange) {
  const auto found = change("[broker]\nname = 'x'\n" + two, "[broker]\nname = 'y'\nruntime_dir = '/r'\n" + two);
  ASSERT_EQ(found.errors.size(), 2u);
  EXPECT_EQ(format(found.errors[0]),
            "m.toml:2:8: broker.name: cannot be changed while the broker runs: it is \"x\", and would be \"y\"; undo "
            "that, or restart the broker");
  EXPECT_EQ(format(found.errors[1]),
            "m.toml:3:15: broker.runtime_dir: cannot be changed while the broker runs: it is the default, and would be "
            "\"/r\"; undo that, or restart the broker");
  EXPECT_THAT(change("[broker]\ndrain_timeout = '1s'\n" + two, two).errors, IsEmpty());
}

TEST(ManifestDiff, AnActorKeepsTheBrokersUserWhileItIsThere) {
  const auto found = change(two, two + "user = 'camera'\n");
  ASSERT_EQ(found.errors.size(), 1u);
  EXPECT_THAT(format(found.errors[0]), HasSubstr("actors.b.user: cannot be given to an actor"));
  EXPECT_THAT(change(two + "user = 'camera'\n", two).errors, IsEmpty());
  EXPECT_THAT(change(two + "user = 'camera'\n", two + "user = 'lamp'\n").errors, IsEmpty());
}

}  // namespace
}  // namespace actor::broker
