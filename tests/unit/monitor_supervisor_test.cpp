// Monitors on a real runtime: what a supervisor tells them, and a recording that is made, read and replayed.
#include <gtest/gtest.h>

#include <actor/monitors/actor_monitor.hpp>
#include <actor/monitors/recorder.hpp>
#include <actor/monitors/replayer.hpp>
#include <actor/supervisor.hpp>
#include <algorithm>
#include <sstream>

namespace monitor_supervisor_test {

using namespace actor;
using namespace std::chrono_literals;

struct Order {
  int number = 0;
};
struct Receipt {
  int number = 0;
};
using Events = std::variant<Order, Receipt>;
constexpr OverflowPolicy overflow_policy(Of<Order>) {
  return OverflowPolicy::drop();
}

/// Sends orders at once, all in one handler.
class Customer : public Actor<Events> {
 public:
  explicit Customer(int orders) : orders_(orders) {}
  void on_start() override {
    for (int i = 0; i < orders_; ++i) ctx().send(Order{i});
  }

 private:
  int orders_;
};

/// Answers orders; fails once at the one that it is told.
class Shop : public Actor<Events> {
 public:
  explicit Shop(int fails_at = -1) : fails_at_(fails_at) {}
  void handle_event(const Envelope<Events>& envelope) override {
    const auto* order = envelope.get_if<Order>();
    if (!order) return;
    if (order->number == fails_at_ && !envelope.redelivered()) throw std::runtime_error("out of paper");
    ctx().send_child_event(Receipt{order->number}, envelope.id());
  }

 private:
  int fails_at_;
};

/// Every hook as a word; they come one at a time.
struct Log : Monitor {
  void on_event_dispatched(const Observation& event) override { note("dispatched", event); }
  void on_event_delivered(const Observation& event) override { note("delivered", event); }
  void on_event_handled(const Observation& event) override { note("handled", event); }
  void on_overflow(const Observation& event, const OverflowPolicy&) override { note("overflow", event); }
  void on_error(ActorId actor, const Error& error) override { note("error", actor, error.what()); }
  void on_actor_registered(ActorId actor) override { note("registered", actor); }
  void on_actor_stop(ActorId actor) override { note("stop", actor); }
  void on_actor_restart(ActorId actor, const Error&, std::chrono::nanoseconds) override { note("restart", actor); }

  void note(std::string_view hook, const Observation& event) {
    std::ostringstream line;
    line << hook << ' ' << event.label() << ' ' << event.meta.sender << " to " << event.receiver;
    lines.push_back(line.str());
  }
  void note(std::string_view hook, ActorId actor, std::string_view what = {}) {
    std::string line = std::string(hook) + " " + std::string(actor.name());
    lines.push_back(what.empty() ? line : line + ": " + std::string(what));
  }
  std::ptrdiff_t count(std::string_view line) const { return std::count(lines.begin(), lines.end(), line); }
  std::ptrdiff_t place(std::string_view line) const {
    return std::find(lines.begin(), lines.end(), line) - lines.begin();
  }
  bool has_part(std::string_view part) const {
    return std::any_of(lines.begin(), lines.end(),
                       [&](const std::string& line) { return line.find(part) != std::string::npos; });
  }
  std::vector<std::string> lines;
};

TEST(MonitoredSupervisor, TellsTheWayOfEachEventInOrder) {
  Supervisor<Events> supervisor(simulated(1));
  const auto log = std::make_shared<Log>();
  supervisor.monitors().add(log);
  supervisor.add_actor<Shop>("shop", {of<Order>});
  supervisor.add_actor<Customer>("customer", {of<Receipt>}, 1);
  supervisor.start();
  supervisor.settle();
  for (const std::string way : {"Order customer to shop", "Receipt shop to customer"}) {
    for (const std::string hook : {"dispatched ", "delivered ", "handled "})
      EXPECT_EQ(log->count(hook + way), 1) << way;
    EXPECT_LT(log->place("dispatched " + way), log->place("delivered " + way));
    EXPECT_LT(log->place("delivered " + way), log->place("handled " + way));
  }
  EXPECT_EQ(log->count("registered shop"), 1);
  EXPECT_EQ(log->count("stop shop"), 0);
  supervisor.stop();
  supervisor.join();
  EXPECT_EQ(log->count("stop shop"), 1);
  EXPECT_EQ(log->count("stop customer"), 1);
}

TEST(MonitoredSupervisor, TellsOfEventsThatFindNoRoom) {
  Supervisor<Events> supervisor(simulated(1));
  const auto log = std::make_shared<Log>();
  const auto actors = std::make_shared<ActorMonitor>();
  supervisor.monitors().add(log);
  supervisor.monitors().add(actors);
  supervisor.build_actor<Shop>("shop").topics({of<Order>}).channel_capacity(4).add();
  supervisor.add_actor<Customer>("customer", {of<Receipt>}, 10);
  supervisor.start();
  supervisor.settle();
  EXPECT_EQ(log->count("overflow Order customer to shop"), 6);
  EXPECT_EQ(log->count("dispatched Order customer to shop"), 4);
  EXPECT_EQ(actors->overflow_count(ActorId("shop")), 6u);
  EXPECT_EQ(actors->overflow_count(), 6u);
}

TEST(MonitoredSupervisor, TellsOfFailuresAndRestarts) {
  Supervisor<Events> supervisor(simulated(1));
  const auto log = std::make_shared<Log>();
  const auto actors = std::make_shared<ActorMonitor>();
  supervisor.monitors().add(log);
  supervisor.monitors().add(actors);
  supervisor.add_actor<Shop>("shop", {of<Order>}, 1);
  supervisor.add_actor<Customer>("customer", {of<Receipt>}, 3);
  supervisor.start();
  supervisor.settle();
  supervisor.advance(1s);
  EXPECT_TRUE(log->has_part("out of paper"));
  EXPECT_EQ(log->count("restart shop"), 1);
  EXPECT_EQ(log->count("stop shop"), 0);
  EXPECT_EQ(log->count("handled Receipt shop to customer"), 3);
  EXPECT_TRUE(actors->is_alive("shop"));
  EXPECT_EQ(actors->restarts(ActorId("shop")), 1u);
}

TEST(MonitoredSupervisor, AMonitorSeesOnlyWhatHappensWhileItIsThere) {
  Supervisor<Events> supervisor(simulated(1));
  const auto log = std::make_shared<Log>();
  supervisor.add_actor<Shop>("shop", {of<Order>});
  supervisor.start();
  supervisor.send(Order{1});
  supervisor.settle();
  MonitorHandle handle = supervisor.monitors().add(log);
  supervisor.send(Order{2});
  supervisor.settle();
  EXPECT_EQ(log->count("handled Order supervisor to shop"), 1);
  handle.remove();
  supervisor.send(Order{3});
  supervisor.settle();
  EXPECT_EQ(log->count("handled Order supervisor to shop"), 1);
}

TEST(MonitoredSupervisor, WhatIsRecordedOnThreadsCanBeReplayedInVirtualTime) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "monitored_supervisor.jsonl";
  {
    Supervisor<Events> supervisor;
    supervisor.monitors().add<Recorder>(path);
    supervisor.add_actor<Shop>("shop", {of<Order>});
    supervisor.add_actor<Customer>("customer", {of<Receipt>}, 100);
    supervisor.start();
    supervisor.stop();  // pending events are handled first
    supervisor.join();
  }
  std::vector<int> recorded;
  replay<Events>(path, {of<Order>},
                 [&](const auto& event) { recorded.push_back(std::get<Order>(event.event).number); });

  Supervisor<Events> again(simulated(1));
  const auto log = std::make_shared<Log>();
  again.monitors().add(log);
  again.add_actor<Shop>("shop", {of<Order>});
  again.add_actor<Replayer<Events>>("customer", {of<Receipt>}, path, ReplayOptions{.topics = {of<Order>}});
  again.start();
  again.settle();
  EXPECT_EQ(log->count("delivered Order customer to shop"), static_cast<std::ptrdiff_t>(recorded.size()));
  EXPECT_EQ(log->count("stop customer"), 1) << "a replayer ends with its recording";
  std::filesystem::remove(path);
}

}  // namespace monitor_supervisor_test
