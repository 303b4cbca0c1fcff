// All actors of the station in one program. A broker starts it once for each actor of the manifest:
//
//   actor-broker examples/station/station.toml          each actor a process of its own, restarted when it crashes
//   station --in-process [--for 10s]                    all of them inside this process
//
// The classes are the same; only who runs them differs.

#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <cstdio>
#include <span>
#include <string_view>

#include "alerter.hpp"
#include "console.hpp"
#include "normalizer.hpp"
#include "recorder.hpp"
#include "sensors/sensors.hpp"
#include "settings.hpp"

namespace {

using namespace station;

/// Ends the whole runtime after a while.
class Curfew : public actor::Actor<StationEvent> {
 public:
  explicit Curfew(std::chrono::milliseconds after) : after_(after) {}
  void on_start() override {
    ctx().after(after_, [this] { ctx().stop_runtime(); });
  }

 private:
  std::chrono::milliseconds after_;
};

void run_in_process(std::optional<std::chrono::milliseconds> duration) {
  const actor::Subscribe none = actor::Subscribe::none();
  const actor::Subscribe results = {StationTopic::Reading, StationTopic::Alert, StationTopic::Note};
  actor::Supervisor<StationEvent> supervisor;
  supervisor.add_actor<Console>("console", results);
  supervisor.add_actor<Recorder>("recorder", results);
  supervisor.add_actor<Alerter>("alerter", {StationTopic::Reading});
  supervisor.add_actor<Normalizer>("normalizer", {StationTopic::Raw});
  supervisor.add_actor<CpuSensor>("cpu", none);
  supervisor.add_actor<MemorySensor>("memory", none);
  supervisor.add_actor<DiskSensor>("disk", none);
  supervisor.add_actor<NetworkSensor>("network", none);
  supervisor.add_actor<ThermalSensor>("thermal", none);
  if (duration) supervisor.add_actor<Curfew>("curfew", none, *duration);
  supervisor.stop_on_signals();
  supervisor.run();
}

constexpr const char* usage = "station --in-process [--for DURATION], for example --for 10s";

/// The options after --in-process. Returns the exit code.
int main_in_process(std::span<char*> options) {
  std::optional<std::chrono::milliseconds> duration;
  if (options.size() == 2 && std::string_view(options[0]) == "--for") duration = parse_duration(options[1]);
  if (!options.empty() && !duration) {
    std::fprintf(stderr, "station: usage: %s\n", usage);
    return 2;
  }
  try {
    run_in_process(duration);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "station: %s\n", error.what());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (argc > 1 && std::string_view(argv[1]) == "--in-process") return main_in_process(arguments.subspan(2));
  if (argc == 2 && std::string_view(argv[1]) == "--help")
    std::printf("Usage: %s\nRuns all actors in this process. Or:\n\n", usage);
  return actor::run<CpuSensor, MemorySensor, DiskSensor, NetworkSensor, ThermalSensor, Normalizer, Alerter, Recorder,
                    Console>(argc, argv);
}
