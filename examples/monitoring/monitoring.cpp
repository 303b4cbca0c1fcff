// Watching actors without changing them. A small pipeline: a gauge measures, a smoother takes the mean of ten, a
// display shows it. A monitor of our own finds out how long events were under way; three that are there already log
// what happens (Tracer), know who is alive (ActorMonitor), and write every event into a file (Recorder). Ends after 20
// means.
//   monitoring --in-process [FILE]                      all as actors of this process; recorded as JSON Lines in FILE
//   actor-broker examples/monitoring/monitoring.toml    each a process of its own: actorctl ps shows what they do

#include <actor/monitors/actor_monitor.hpp>
#include <actor/monitors/recorder.hpp>
#include <actor/monitors/tracer.hpp>
#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <iostream>
#include <map>
#include <string>

struct Reading {
  double celsius = 0;
};
struct Mean {
  double celsius = 0;
  int readings = 0;
};
using PlantEvent = std::variant<Reading, Mean>;

constexpr actor::OverflowPolicy overflow_policy(actor::Of<Reading>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Mean>) {
  return actor::OverflowPolicy::block();
}

constexpr int wanted_means = 20;
constexpr int readings_per_mean = 10;

class Gauge : public actor::Actor<PlantEvent> {
  actor::StepAction step() override {
    ctx().send(Reading{20.0 + count_ % 7});
    return ++count_ < wanted_means * readings_per_mean ? actor::StepAction::Yield() : actor::StepAction::Never();
  }
  int count_ = 0;
};

class Smoother : public actor::Actor<PlantEvent> {
  void handle_event(const actor::Envelope<PlantEvent>& envelope) override {
    const Reading* reading = envelope.get_if<Reading>();
    if (!reading) return;
    sum_ += reading->celsius;
    if (++count_ % readings_per_mean != 0) return;
    ctx().send_child_event(Mean{sum_ / readings_per_mean, readings_per_mean}, envelope.id());
    sum_ = 0;
  }
  double sum_ = 0;
  int count_ = 0;
};

class Display : public actor::Actor<PlantEvent> {
  void handle_event(const actor::Envelope<PlantEvent>& envelope) override {
    if (const Mean* mean = envelope.get_if<Mean>()) std::cout << mean->celsius << " C" << std::endl;
    if (++shown_ == wanted_means) ctx().stop_runtime();
  }
  int shown_ = 0;
};

/// A monitor overrides the hooks that it wants. They are called one at a time: no locks needed.
class Delays : public actor::Monitor {
 public:
  void on_event_handled(const actor::Observation& event) override {
    Row& row = rows_[std::string(event.receiver.name()) + " handled " + std::string(event.label())];
    row.longest = std::max(row.longest, std::chrono::steady_clock::now() - event.meta.monotonic_time);
    ++row.count;
  }
  void print() const {
    for (const auto& [what, row] : rows_) {
      const std::chrono::duration<double, std::micro> longest = row.longest;
      std::cout << what << ": " << row.count << ", at most " << longest.count() << " us after it was sent\n";
    }
  }

 private:
  struct Row {
    std::chrono::nanoseconds longest{0};
    int count = 0;
  };
  std::map<std::string, Row> rows_;
};

int run_in_process(const std::string& file) {
  const auto delays = std::make_shared<Delays>();
  const auto actors = std::make_shared<actor::ActorMonitor>();
  actor::Supervisor<PlantEvent> supervisor;
  supervisor.monitors().add(delays);
  supervisor.monitors().add(actors);
  supervisor.monitors().add<actor::Tracer>();
  supervisor.monitors().add<actor::Recorder>(file);
  supervisor.add_actor<Display>("display", actor::of<Mean>);
  supervisor.add_actor<Smoother>("smoother", actor::of<Reading>);
  supervisor.add_actor<Gauge>("gauge", actor::Subscribe::none());
  supervisor.stop_on_signals();
  supervisor.run();
  delays->print();
  std::cout << actors->stopped_actors().size() << " actors have stopped, " << actors->overflow_count()
            << " times a mailbox was full; every event is in " << file << std::endl;
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2 || std::string(argv[1]) != "--in-process") return actor::run<Gauge, Smoother, Display>(argc, argv);
  return run_in_process(argc > 2 ? argv[2] : "monitoring.jsonl");
}
