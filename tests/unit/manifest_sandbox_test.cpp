// The keys that say what an actor's process may do, and how much of the machine it gets.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest/manifest.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ManifestResult parse(const std::string& lines) {
  return parse_manifest("[actors.a]\nexec = 'a'\n" + lines, "station.toml");
}

std::vector<std::string> errors_in_actor(const std::string& lines) {
  std::vector<std::string> errors;
  for (const ManifestError& error : parse(lines).errors) errors.push_back(format(error));
  return errors;
}

TEST(ManifestSandbox, IsOpenUnlessTheManifestSaysOtherwise) {
  const Manifest manifest = parse("").manifest.value();
  EXPECT_EQ(manifest.actors.at(0).sandbox, Sandbox{});
  EXPECT_TRUE(manifest.actors.at(0).sandbox.no_new_privs);
  EXPECT_FALSE(manifest.actors.at(0).watchdog);
  EXPECT_EQ(manifest.actors.at(0).abort_grace, 2s);
}

TEST(ManifestSandbox, DevicesArePathsBelowDev) {
  for (const char* path : {"i2c-1", "/etc/passwd", "/dev/", "/dev/../etc", "/dev//null"}) {
    EXPECT_THAT(errors_in_actor("devices = ['" + std::string(path) + "']"),
                ElementsAre(AllOf(HasSubstr("actors.a.devices: "), HasSubstr("is not a device"))))
        << path;
  }
  EXPECT_THAT(errors_in_actor("devices = ['/dev/" + std::string(1100, 'x') + "']"),
              ElementsAre(HasSubstr("bytes in their paths")));
}

TEST(ManifestSandbox, EveryKeyArrivesInItsField) {
  const Manifest manifest = parse(R"(
nice = -5
scheduling = "batch"
cpus = [0, 3]
user = "nobody"
group = "dialout"
no_new_privs = false
capabilities = ["net_raw", "sys_nice"]
devices = ["/dev/i2c-1", "/dev/snd"]
seccomp = "default"
limits = { memory = "64MiB", open_files = 100, core = "0", processes = 7, cpu = "150%" }
watchdog = "30s"
abort_grace = "1s"
)")
                                .manifest.value();
  const Limits limits{
      .memory_bytes = 64u << 20, .open_files = 100, .core_bytes = 0, .processes = 7, .cpu_percent = 150};
  EXPECT_EQ(manifest.actors.at(0).sandbox, (Sandbox{.limits = limits,
                                                    .nice = -5,
                                                    .scheduling = Scheduling{Scheduling::Kind::Batch, 0},
                                                    .cpus = {0, 3},
                                                    .user = "nobody",
                                                    .group = "dialout",
                                                    .no_new_privs = false,
                                                    .capabilities = {{"net_raw", "sys_nice"}},
                                                    .devices = {{"/dev/i2c-1", "/dev/snd"}},
                                                    .system_calls = SystemCallFilter::Default}));
  EXPECT_EQ(manifest.actors.at(0).watchdog, 30s);
  EXPECT_EQ(manifest.actors.at(0).abort_grace, 1s);
}

TEST(ManifestSandbox, EachWordOfSchedulingHasItsMeaning) {
  using Kind = Scheduling::Kind;
  EXPECT_EQ(parse_scheduling("other"), (Scheduling{Kind::Other, 0}));
  EXPECT_EQ(parse_scheduling("batch"), (Scheduling{Kind::Batch, 0}));
  EXPECT_EQ(parse_scheduling("idle"), (Scheduling{Kind::Idle, 0}));
  EXPECT_EQ(parse_scheduling("fifo:1"), (Scheduling{Kind::Fifo, 1}));
  EXPECT_EQ(parse_scheduling("rr:99"), (Scheduling{Kind::RoundRobin, 99}));
  for (const char* wrong : {"", "fifo", "fifo:", "fifo:0", "fifo:100", "rr:1x", "rr: 1", "idle:1", "FIFO:1", ":1"}) {
    EXPECT_FALSE(parse_scheduling(wrong)) << wrong;
  }
}

TEST(ManifestSandbox, CapabilitiesHaveTheKernelsNumbers) {
  EXPECT_EQ(capability_number("chown"), 0u);
  EXPECT_EQ(capability_number("net_raw"), 13u);
  EXPECT_EQ(capability_number("sys_admin"), 21u);
  EXPECT_EQ(capability_number("checkpoint_restore"), 40u);
  EXPECT_FALSE(capability_number("NET_RAW"));
}

TEST(ManifestSandbox, WrongValuesAreToldWithWhatIsAllowed) {
  EXPECT_THAT(
      errors_in_actor("scheduling = 'ide'\nnice = 20\ncpus = [0, 'one', 1024]\nno_new_privs = 'yes'\n"
                      "capabilities = ['cap_net_raw']\nseccomp = 'on'\n"
                      "limits = { memory = '1KiB', open_files = 3, cpu = '0.5', process = 1 }\nwatchdog = '1ms'\n"),
      ElementsAre(AllOf(HasSubstr("station.toml:3:14: actors.a.scheduling: \"ide\" is not allowed; allowed: \"other\""),
                        HasSubstr("did you mean \"idle\"?")),
                  HasSubstr("station.toml:4:8: actors.a.nice: 20 is out of range; allowed: -20 to 19"),
                  HasSubstr("station.toml:5:12: actors.a.cpus[1]: must be an integer, not a string"),
                  HasSubstr("station.toml:5:19: actors.a.cpus[2]: 1024 is out of range; allowed: 0 to 1023"),
                  HasSubstr("actors.a.no_new_privs: must be true or false, not a string"),
                  AllOf(HasSubstr("actors.a.capabilities: \"cap_net_raw\" is not a capability"),
                        HasSubstr("did you mean \"net_raw\"?")),
                  HasSubstr("actors.a.seccomp: \"on\" is not allowed; allowed: \"none\", \"default\""),
                  HasSubstr("actors.a.limits.memory: \"1KiB\" is out of range; allowed: \"1MiB\" to \"1024GiB\""),
                  HasSubstr("actors.a.limits.open_files: 3 is out of range"),
                  HasSubstr("actors.a.limits.cpu: \"0.5\" is not a share of the processors; allowed: \"1%\" to"),
                  AllOf(HasSubstr("actors.a.limits.process: unknown key"), HasSubstr("did you mean \"processes\"?")),
                  HasSubstr("actors.a.watchdog: \"1ms\" is out of range; allowed: \"10ms\" to \"24h\"")));
}

TEST(ManifestSandbox, NiceIsNothingToARealTimeActor) {
  EXPECT_THAT(errors_in_actor("nice = 5\nscheduling = 'rr:1'\n"),
              ElementsAre(HasSubstr("actors.a.nice: has no effect with scheduling = \"rr:1\"")));
}

TEST(ManifestSandbox, WhatThisMachineDoesNotHaveIsFoundWhenThePlaceOfExecutionIsChecked) {
  const Manifest manifest =
      parse_manifest(
          "[actors.a]\nexec = '/bin/sh'\nuser = 'nobody-of-that-name'\n[actors.b]\nexec = '/bin/sh'\n"
          "cpus = [1023]\n",
          "m.toml")
          .manifest.value();
  std::vector<std::string> lines;
  for (const ManifestError& error : check_executables(manifest, "/bin")) lines.push_back(format(error));
  EXPECT_THAT(lines, ElementsAre(HasSubstr("m.toml:3:8: actors.a.user: there is no user \"nobody-of-that-name\""),
                                 HasSubstr("m.toml:6:8: actors.b.cpus: there is no processor 1023; this machine has")));
}

}  // namespace
}  // namespace actor::broker
