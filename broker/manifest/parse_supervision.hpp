// The keys that say who belongs together, who waits for whom, and what happens when restarting does not help. Internal
// to the manifest.
#pragma once

#include "manifest/table_reader.hpp"

namespace actor::broker {

void read_broker_supervision(TableReader& read, BrokerSection& broker);
void read_group(TableReader& read, GroupSection& group);
void read_actor_supervision(TableReader& read, ActorSupervision& actor);
void read_budget(TableReader& read, RestartBudget& budget);

}  // namespace actor::broker
