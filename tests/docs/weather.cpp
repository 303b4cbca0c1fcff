// weather.cpp: all actors in one process, or each in one of its own.
#include "weather.hpp"

#include <actor/run.hpp>
#include <actor/supervisor.hpp>

int main(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<Thermometer, Alerter, Display>(argc, argv);
  actor::Supervisor<WeatherEvent> station;
  station.add_actor<Display>("display", {WeatherTopic::Reading, WeatherTopic::Alert});
  station.add_actor<Alerter>("alerter", WeatherTopic::Frost);
  station.add_actor<Thermometer>("thermometer", actor::Subscribe::none());
  station.stop_on_signals();
  station.run();
}
