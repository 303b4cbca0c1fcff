// docs/monitoring.md: a recorded day as a process of its own.

#include <actor/monitors/replayer.hpp>
#include <actor/run.hpp>

#include "weather.hpp"

struct Monday : actor::Replayer<WeatherEvent> {
  Monday() : Replayer("monday.jsonl", {.pace = actor::ReplayOptions::Pace::Recorded}) {}
};
int main(int argc, char** argv) {
  return actor::run<Monday>(argc, argv);
}
