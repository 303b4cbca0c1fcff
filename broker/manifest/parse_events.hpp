#pragma once
// The manifest's keys about what becomes of events when actors die. One line for each key; docs/manifest.md describes
// them for people.

#include "manifest/manifest.hpp"
#include "manifest/table_reader.hpp"

namespace actor::broker {

void read_broker_events(TableReader& read, BrokerSection& broker);
void read_actor_events(TableReader& read, ActorSection& actor);

}  // namespace actor::broker
