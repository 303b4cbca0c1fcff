// Actors that pass on what they are asked, each naming what it answers to. The Worker dies of the number 13, once.

#include <actor/run.hpp>
#include <cstdlib>

#include "relay_events.hpp"

namespace relays {

class Front : public actor::Actor<Events> {
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const Ask* ask = envelope.get_if<Ask>()) ctx().send_child_event(Work{ask->number}, envelope.id());
    if (const Burst* burst = envelope.get_if<Burst>()) {
      const std::string text(1000, '.');
      for (int i = 0; i < burst->count; ++i) ctx().send(Filler{text});
    }
  }
};

class Worker : public actor::Actor<Events> {
  void on_start() override { ctx().send(Hello{std::string(ctx().actor_name())}); }
  void handle_event(const actor::Envelope<Events>& envelope) override {
    const Work* work = envelope.get_if<Work>();
    if (!work) return;
    if (work->number == 13 && !envelope.redelivered()) std::abort();
    ctx().send_child_event(Done{work->number}, envelope.id());
  }
};

class Sink : public actor::Actor<Events> {};

}  // namespace relays

int main(int argc, char** argv) {
  return actor::run<relays::Front, relays::Worker, relays::Sink>(argc, argv);
}
