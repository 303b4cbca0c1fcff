#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest/manifest.hpp"

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Manifest valid(const std::string& text) {
  const ManifestResult result = parse_manifest(text, "station.toml");
  for (const ManifestError& error : result.errors) ADD_FAILURE() << format(error);
  return result.manifest.value_or(Manifest{});
}

std::string errors(const std::string& text) {
  std::string lines;
  for (const ManifestError& error : parse_manifest(text, "station.toml").errors) lines += format(error) + "\n";
  return lines;
}

TEST(ManifestEvents, AreHandledAtLeastOnceAndKeptByDefault) {
  const Manifest manifest = valid("[actors.a]\nexec = \"a\"\n[topics.T]\n");
  const ActorSection& actor = manifest.actors.at(0);
  EXPECT_EQ(actor.after_death.delivery, DeliveryMode::AtLeastOnce);
  EXPECT_EQ(actor.after_death.poison_after, 3u);
  EXPECT_EQ(actor.after_death.mailbox, MailboxOnRestart::Keep);
  EXPECT_EQ(manifest.broker.mailbox_hold, 5s);
  EXPECT_EQ(manifest.broker.dead_letter_bytes, 64u << 20);
  EXPECT_EQ(manifest.broker.state_dir, std::nullopt);
  EXPECT_EQ(manifest.topics.at("T").latched, std::nullopt) << "the programs' word counts";
}

TEST(ManifestEvents, EveryKeyArrivesInItsField) {
  const Manifest manifest = valid(R"(
[broker]
state_dir = "/var/lib/station"
dead_letters = "1GiB"
mailbox_hold = "30s"

[topics.Config]
latched = true

[topics.Noise]
latched = false

[actors.a]
exec = "a"
delivery = "at_most_once"
mailbox_on_restart = "dead_letter"

[actors.b]
exec = "b"
poison_after = 0
mailbox_on_restart = "drop"
)");
  EXPECT_EQ(manifest.broker.state_dir, "/var/lib/station");
  EXPECT_EQ(manifest.broker.dead_letter_bytes, 1u << 30);
  EXPECT_EQ(manifest.broker.mailbox_hold, 30s);
  EXPECT_EQ(manifest.topics.at("Config").latched, true);
  EXPECT_EQ(manifest.topics.at("Noise").latched, false);
  EXPECT_EQ(manifest.actors.at(0).after_death.delivery, DeliveryMode::AtMostOnce);
  EXPECT_EQ(manifest.actors.at(0).after_death.mailbox, MailboxOnRestart::DeadLetter);
  EXPECT_EQ(manifest.actors.at(1).after_death.poison_after, 0u);
  EXPECT_EQ(manifest.actors.at(1).after_death.mailbox, MailboxOnRestart::Drop);
}

TEST(ManifestEvents, WhatCannotBeMeantIsAnError) {
  const std::string actor = "[actors.a]\nexec = \"a\"\n";
  EXPECT_THAT(errors(actor + "delivery = \"exactly_once\""),
              HasSubstr("station.toml:3:12: actors.a.delivery: \"exactly_once\""));
  EXPECT_THAT(errors(actor + "delivery = \"at_most_once\"\npoison_after = 2"),
              HasSubstr("station.toml:4:16: actors.a.poison_after: is only for delivery = \"at_least_once\""));
  EXPECT_THAT(errors(actor + "mailbox_on_restart = \"dead_leter\""), HasSubstr("dead_letter"));
  EXPECT_THAT(errors(actor + "[broker]\ndead_letters = \"64\""), HasSubstr("broker.dead_letters"));
  EXPECT_THAT(errors(actor + "[topics.T]\nlatched = \"yes\""), HasSubstr("topics.T.latched"));
}

}  // namespace
}  // namespace actor::broker
