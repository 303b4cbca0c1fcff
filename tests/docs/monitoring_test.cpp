// The code of docs/monitoring.md, compiled and run: each of its blocks stands here or in monday.cpp word for word (see
// ../readme.cmake).

#include <gtest/gtest.h>
#include <unistd.h>

#include <actor/json.hpp>
#include <actor/monitors/actor_monitor.hpp>
#include <actor/monitors/recorded_events.hpp>
#include <actor/monitors/recorder.hpp>
#include <actor/monitors/replayer.hpp>
#include <actor/monitors/tracer.hpp>
#include <actor/supervisor.hpp>
#include <filesystem>

#include "weather.hpp"

namespace {

using namespace std::chrono_literals;

class Delays : public actor::Monitor {
 public:
  void on_event_handled(const actor::Observation& event) override {
    longest_ = std::max(longest_, std::chrono::steady_clock::now() - event.meta.monotonic_time);
  }
  std::chrono::nanoseconds longest() const { return longest_; }

 private:
  std::chrono::nanoseconds longest_{};
};

/// In a directory of its own.
class Monitoring : public testing::Test {
 protected:
  Monitoring() : before_(std::filesystem::current_path()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "docs-monitoring-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp " + pattern);
    std::filesystem::current_path(pattern);
  }
  ~Monitoring() override {
    const auto own = std::filesystem::current_path();
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(own);
  }

  static void add_readers(actor::Supervisor<WeatherEvent>& supervisor) {
    supervisor.add_actor<Display>("display", {WeatherTopic::Reading, WeatherTopic::Alert});
    supervisor.add_actor<Alerter>("alerter", WeatherTopic::Frost);
  }
  /// Ten readings, six of them frosty.
  static void run(actor::Supervisor<WeatherEvent>& supervisor) {
    add_readers(supervisor);
    supervisor.add_actor<Thermometer>("sensor", actor::Subscribe::none());
    supervisor.start();
    supervisor.advance(1s);
  }

 private:
  const std::filesystem::path before_;
};

TEST_F(Monitoring, ByAMonitorOfOnesOwn) {
  actor::Supervisor<WeatherEvent> supervisor;
  const auto delays = std::make_shared<Delays>();
  actor::MonitorHandle handle = supervisor.monitors().add(delays);
  add_readers(supervisor);
  supervisor.start();
  supervisor.send(Temperature{"garden", 3.5});
  supervisor.stop();
  supervisor.join();
  EXPECT_GT(delays->longest(), 0ns);
  handle.remove();
}

TEST_F(Monitoring, ByATracer) {
  actor::Supervisor<WeatherEvent> supervisor(actor::simulated(1));
  supervisor.monitors().add<actor::Tracer>();
  supervisor.monitors().add<actor::Tracer>(actor::Tracer::Levels{.handled = actor::Tracer::Level::Info});
  run(supervisor);
}

TEST_F(Monitoring, ByAnActorMonitor) {
  actor::Supervisor<WeatherEvent> supervisor(actor::simulated(1));
  const auto actors = std::make_shared<actor::ActorMonitor>();
  supervisor.monitors().add(actors);
  run(supervisor);
  EXPECT_EQ(actors->actors().size(), 3u);

  actors->actors();            // those that live, or wait for their restart
  actors->is_alive("sensor");  // also by ActorId
  actors->stopped_actors();
  actors->overflow_count(actor::ActorId("display"));  // events that found its mailbox full; without argument: of all
  actors->restarts(actor::ActorId("sensor"));
}

TEST_F(Monitoring, ByARecorderWhoseRecordsAreSentAndReadAgain) {
  {
    actor::Supervisor<WeatherEvent> supervisor(actor::simulated(1));
    supervisor.monitors().add<actor::Recorder>("monday.jsonl");
    supervisor.monitors().add<actor::Recorder>("alerts.jsonl",
                                               actor::RecorderOptions{.topics = {WeatherTopic::Alert}, .append = true});
    run(supervisor);
  }
  {
    actor::Supervisor<WeatherEvent> supervisor(actor::simulated(1));
    const auto actors = std::make_shared<actor::ActorMonitor>();
    supervisor.monitors().add(actors);
    using Replayer = actor::Replayer<WeatherEvent>;
    supervisor.add_actor<Replayer>("sensor", actor::Subscribe::none(), "monday.jsonl",
                                   actor::ReplayOptions{.topics = {WeatherTopic::Reading}});
    add_readers(supervisor);
    supervisor.start();
    supervisor.settle();
    EXPECT_TRUE(actors->is_stopped("sensor"));
  }
  testing::internal::CaptureStdout();
  actor::replay<WeatherEvent>(
      "monday.jsonl", {WeatherTopic::Reading}, [](const actor::RecordedEvent<WeatherEvent>& event) {
        std::cout << event.meta.sender << ": " << actor::to_json(std::get<Temperature>(event.event)) << '\n';
      });
  EXPECT_EQ(testing::internal::GetCapturedStdout().substr(0, 43), "sensor: {\"place\":\"garden\",\"celsius\":1.5}\nse");
  EXPECT_EQ(actor::replay<WeatherEvent>("alerts.jsonl", actor::Subscribe::all(), [](const auto&) {}), 6u);
}

}  // namespace
