// Topics that travel by iceoryx: what the manifest may ask for, and the RouDi that it gets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest/iceoryx.hpp"

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string two_actors = R"(
[actors.camera]
exec = "./camera"
publishes = ["Frame"]
[actors.detector]
exec = "./detector"
subscribes = ["Frame"]
publishes = []
)";

std::string first_error(const std::string& text) {
  const auto result = parse_manifest(text, "m.toml");
  return result.errors.empty() ? "" : format(result.errors.front());
}

std::string with_topic(const std::string& keys) {
  return "[topics.Frame]\ntransport = \"iceoryx\"\n" + keys + two_actors;
}

TEST(ManifestIceoryx, OneTopicBringsRouDiAndItsGroups) {
  const auto result = parse_manifest(with_topic("overflow = \"block\"\ncapacity = 8\npayload = \"1MiB\"\n") + R"(
[actors.clock]
exec = "./clock"
publishes = ["Tick"]
)",
                                     "m.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  const Manifest& manifest = *result.manifest;
  ASSERT_EQ(manifest.actors.size(), 4u);
  const ActorSection& roudi = manifest.actors.front();
  EXPECT_EQ(roudi.name, "roudi");
  EXPECT_EQ(roudi.exec, "actor-roudi");
  EXPECT_EQ(roudi.supervision.member_of, "iceoryx");
  for (const char* user : {"camera", "detector"}) {
    EXPECT_EQ(manifest.find_actor(user)->supervision.member_of, "iceoryx-users");
    EXPECT_EQ(manifest.find_actor(user)->supervision.depends_on.at("roudi"), Dependency::Ready);
  }
  EXPECT_EQ(manifest.find_actor("clock")->supervision.member_of, "") << "it has nothing to do with iceoryx";
  EXPECT_EQ(manifest.find_group("iceoryx")->strategy, RestartStrategy::RestForOne);
  EXPECT_EQ(manifest.find_group("iceoryx-users")->parent, "iceoryx");
}

TEST(ManifestIceoryx, GroupsOfTheManifestKeepTheirRulesInsideTheOneAroundThem) {
  const auto result = parse_manifest(with_topic("") + R"(
[groups.vision]
parent = "eyes"
[groups.eyes]
strategy = "one_for_all"
[actors.lens]
exec = "./lens"
member_of = "vision"
publishes = ["Frame"]
)",
                                     "m.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_EQ(result.manifest->find_actor("lens")->supervision.member_of, "vision");
  EXPECT_EQ(result.manifest->find_group("vision")->parent, "eyes");
  EXPECT_EQ(result.manifest->find_group("eyes")->parent, "iceoryx-users");
  EXPECT_EQ(result.manifest->find_group("eyes")->strategy, RestartStrategy::OneForAll);
}

TEST(ManifestIceoryx, TheEndOfASignificantActorCountsForTheBrokerAsBefore) {
  const std::string batch = R"(
[actors.batch]
exec = "./batch"
publishes = ["Frame"]
restart = "transient"
significant = true
)";
  const auto with = parse_manifest("[broker]\nauto_shutdown = \"any\"\n" + with_topic("") + batch, "m.toml");
  ASSERT_THAT(with.errors, IsEmpty());
  const auto without = parse_manifest(with_topic(""), "m.toml");
  ASSERT_THAT(without.errors, IsEmpty());
  for (const char* name : {"iceoryx", "iceoryx-users"}) {
    EXPECT_EQ(with.manifest->find_group(name)->auto_shutdown, AutoShutdown::Any);
    EXPECT_TRUE(with.manifest->find_group(name)->significant);
    EXPECT_FALSE(without.manifest->find_group(name)->significant);
  }
}

TEST(ManifestIceoryx, WithoutSuchATopicThereIsNoRouDi) {
  const auto result = parse_manifest("[broker]\ntransport = \"shm\"\n" + two_actors, "m.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_EQ(result.manifest->find_actor("roudi"), nullptr);
}

TEST(ManifestIceoryx, TheBrokersTransportIsThatOfTopicsThatDoNotSay) {
  const auto result = parse_manifest(
      "[broker]\ntransport = \"iceoryx\"\n[topics.Tick]\ntransport = \"shm\"\noverflow = \"drop\"\n" + two_actors,
      "m.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  EXPECT_TRUE(travels_by_iceoryx(*result.manifest, "Frame"));
  EXPECT_FALSE(travels_by_iceoryx(*result.manifest, "Tick"));
  EXPECT_FALSE(travels_by_iceoryx(*result.manifest, "$sys/actor"));
}

TEST(ManifestIceoryx, PoolsAreCountedFromCapacitiesPayloadsSendersAndReaders) {
  const auto result = parse_manifest(with_topic("capacity = 8\npayload = \"1MiB\"\n") + R"(
[topics.Detection]
transport = "iceoryx"
capacity = 16
[actors.tracker]
exec = "./tracker"
publishes = ["Detection"]
)",
                                     "m.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  // Detection: 1 sender, no reader: 2 * 16 + 8, and 16 + 8 from outside. Frame: 2 * 8 + 2 + 8, and 8 + 2 + 8.
  EXPECT_THAT(roudi_pools(*result.manifest), ElementsAre(iceoryx::Pool{1216, 64}, iceoryx::Pool{(1u << 20) + 192, 44}));
  EXPECT_EQ(result.manifest->actors.front().env.at("ACTOR_ROUDI_POOLS"), "1216:64,1048768:44");
}

TEST(ManifestIceoryx, WhatItsQueuesCannotDoIsRefused) {
  for (const auto& [keys, what] : std::map<std::string, std::string>{
           {"overflow = \"drop\"\n", "cannot leave out one reader"},
           {"overflow = \"fail\"\n", "cannot leave out one reader"},
           {"overflow = \"block\"\nblock_deadline = \"5ms\"\n", "cannot leave out a reader that is late"},
           {"capacity = 257\n", "its queues hold 256 events, and capacity is 257"},
           {"latched = true\n", "last values die with their publisher"}}) {
    const std::string error = first_error(with_topic(keys));
    EXPECT_THAT(error, HasSubstr("m.toml:2:13: topics.Frame.transport: cannot travel by iceoryx: ")) << keys;
    EXPECT_THAT(error, HasSubstr(what)) << keys;
    EXPECT_THAT(error, HasSubstr("set transport = \"shm\" for this topic")) << keys;
  }
}

TEST(ManifestIceoryx, ATopicOfABrokerThatIsAllIceoryxIsRefusedWhereItsSectionIs) {
  EXPECT_THAT(first_error("[broker]\ntransport = \"iceoryx\"\n[topics.Frame]\noverflow = \"drop\"\n" + two_actors),
              HasSubstr("topics.Frame: cannot travel by iceoryx: "));
}

TEST(ManifestIceoryx, NamesThatItCannotTakeAreRefused) {
  const std::string long_name(101, 'x');
  EXPECT_THAT(first_error("[topics." + long_name + "]\ntransport = \"iceoryx\"\n" + two_actors),
              HasSubstr("it takes names of 100 bytes, and this one has 101"));
  EXPECT_THAT(first_error("[broker]\nname = \"" + std::string(60, 'b') + "\"\n" + with_topic("") + "[actors." +
                          std::string(60, 'a') + "]\nexec = \"./x\"\n"),
              HasSubstr("have 121 characters together; iceoryx takes 100"));
  EXPECT_THAT(first_error(with_topic("") + "[actors.roudi]\nexec = \"./x\"\n"), HasSubstr("iceoryx's daemon"));
  EXPECT_THAT(first_error(with_topic("") + "[groups.iceoryx]\n"), HasSubstr("adds by itself for iceoryx"));
}

TEST(ManifestIceoryx, MorePublishersOrSubscribersThanItHasRoomForAreRefused) {
  std::string text = "[broker]\ntransport = \"iceoryx\"\n";
  for (int i = 0; i < 51; ++i) {
    text += "[actors.a" + std::to_string(i) + "]\nexec = \"./a\"\npublishes = [";
    for (int topic = 0; topic < 10; ++topic) text += "\"T" + std::to_string(topic) + "\",";
    text += "]\n";
  }
  EXPECT_THAT(first_error(text), HasSubstr("iceoryx has room for 500 publishers (one for each actor and topic), and "
                                           "this manifest needs 510"));
  text +=
      "[actors.b]\nexec = \"./b\"\npublishes = []\nsubscribes = [\"*\"]\n[actors.c]\nexec = \"./c\"\npublishes = []\n"
      "subscribes = [\"*\"]\n";
  const auto errors = parse_manifest(text, "m.toml").errors;
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_THAT(errors[1].message, HasSubstr("room for 1000 subscribers"));
}

TEST(ManifestIceoryx, WithoutItsDaemonTheManifestIsRefusedWithWhatToInstall) {
  const auto result = parse_manifest(with_topic(""), "m.toml");
  ASSERT_THAT(result.errors, IsEmpty());
  std::vector<std::string> said;
  for (const ManifestError& error : check_executables(*result.manifest, "/nowhere")) said.push_back(format(error));
  EXPECT_THAT(said, ::testing::Contains(HasSubstr("iceoryx needs the program actor-roudi, which is in no directory of "
                                                  "PATH (/nowhere): install libactor's package for iceoryx")));
}

TEST(ManifestIceoryx, PayloadIsForIceoryxOnly) {
  EXPECT_THAT(first_error("[topics.Frame]\npayload = \"1MiB\"\n" + two_actors),
              HasSubstr("topics.Frame.payload: is only for transport = \"iceoryx\""));
}

TEST(ManifestIceoryx, PoolsAreReadAsTheyArePrinted) {
  const std::vector<iceoryx::Pool> pools = {{256, 1000}, {65728, 20}};
  EXPECT_EQ(iceoryx::print_pools(pools), "256:1000,65728:20");
  EXPECT_EQ(iceoryx::parse_pools("256:1000,65728:20"), pools);
  for (const char* wrong : {"", "256", "256:", ":1", "256:0", "0:1", "256:1,", "256:1,x", "-1:1", "99999999999:1"})
    EXPECT_EQ(iceoryx::parse_pools(wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace actor::broker
