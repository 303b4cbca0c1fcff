// A tool that observes the broker `test`, has an actor do a lot, and is killed in the middle of it.

#include <signal.h>

#include <actor/testing/broker_target.hpp>
#include <actor/testing/harness.hpp>

#include "relay_events.hpp"

int main() {
  actor::testing::Harness test(actor::testing::broker<relays::Events>("test"));
  test.send_as("tester", relays::Burst{2000});
  return raise(SIGKILL);
}
