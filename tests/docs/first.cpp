// first.cpp: one event, one actor.
#include <actor/supervisor.hpp>
#include <iostream>
#include <string>

struct Temperature {  // an event is a plain struct: nothing to derive from, no macro, no serialize()
  std::string place;
  double celsius = 0;
};
using WeatherEvent = std::variant<Temperature>;  // all events of the application

class Display : public actor::Actor<WeatherEvent> {
  void handle_event(const actor::Envelope<WeatherEvent>& envelope) override {
    if (const Temperature* t = envelope.get_if<Temperature>())
      std::cout << t->place << ": " << t->celsius << " C" << std::endl;
  }
};

int main() {
  actor::Supervisor<WeatherEvent> station;
  station.add_actor<Display>("display", actor::of<Temperature>);
  station.start();
  station.send(Temperature{"garden", 3.5});
  station.stop();  // in good order: what was sent is handled first
  station.join();
}
