// The registry of monitors, its hooks called by hand.
#include <gtest/gtest.h>

#include <actor/monitor.hpp>
#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace monitor_test {

using namespace actor;
using namespace std::chrono_literals;

struct Ping {
  int number = 0;
};
struct Pong {
  int number = 0;
};

/// Writes down what it is told, and does what it is asked to inside its hooks.
struct Scribe : Monitor {
  void on_event_dispatched(const Observation& event) override { note("dispatched " + std::string(event.label())); }
  void on_event_delivered(const Observation& event) override { note("delivered " + std::string(event.label())); }
  void on_event_handled(const Observation& event) override { note("handled " + std::string(event.label())); }
  void on_overflow(const Observation&, const OverflowPolicy& policy) override { note("overflow " + to_string(policy)); }
  void on_error(ActorId actor, const Error& error) override { note(std::string(actor.name()) + ": " + error.what()); }
  void on_actor_registered(ActorId actor) override { note("registered " + std::string(actor.name())); }
  void on_actor_stop(ActorId actor) override { note("stopped " + std::string(actor.name())); }
  void on_actor_restart(ActorId actor, const Error&, std::chrono::nanoseconds delay) override {
    note("restart " + std::string(actor.name()) + " in " + std::to_string(delay.count()));
  }
  void on_stall(const std::string& report) override { note("stall " + report); }
  void on_step_enter(ActorId) override { note("step"); }
  void on_step_exit(ActorId, StepAction next) override {
    note(next == StepAction::Yield() ? "step ended: yield" : "step ended");
  }

  void note(std::string line) {
    lines.push_back(std::move(line));
    if (inside) inside();
  }
  std::vector<std::string> lines;
  std::function<void()> inside;
};

const ActorId alice("alice");

struct MonitorsTest : testing::Test {
  std::shared_ptr<Scribe> add_scribe(std::optional<MonitorHandle>& handle) {
    auto scribe = std::make_shared<Scribe>();
    handle = monitors.add(scribe);
    return scribe;
  }
  void tell() { monitors.registered(alice); }

  Monitors monitors;
  std::optional<MonitorHandle> first, second;
};

TEST_F(MonitorsTest, EveryHookArrivesWithWhatItTells) {
  const auto scribe = add_scribe(first);
  const Ping ping{7};
  const Observation event{&event_type<Ping>(), &ping, {}, "Ping", alice};
  monitors.dispatched(event);
  monitors.delivered(event);
  monitors.handled(event);
  monitors.overflow(event, OverflowPolicy::drop());
  monitors.error(alice, Error(ErrorCode::External, "no luck"));
  monitors.registered(alice);
  monitors.restarting(alice, Error(ErrorCode::External, "no luck"), 5ns);
  monitors.stopped(alice);
  monitors.stalled("alice waits for bob");
  monitors.step_entered(alice);
  monitors.step_left(alice, StepAction::Yield());
  const std::vector<std::string> expected = {"dispatched Ping",
                                             "delivered Ping",
                                             "handled Ping",
                                             "overflow drop",
                                             "alice: no luck",
                                             "registered alice",
                                             "restart alice in 5",
                                             "stopped alice",
                                             "stall alice waits for bob",
                                             "step",
                                             "step ended: yield"};
  EXPECT_EQ(scribe->lines, expected);
}

TEST_F(MonitorsTest, AnObservationGivesTheEventOnlyAsWhatItIs) {
  const Ping ping{7};
  const Observation known{&event_type<Ping>(), &ping, {}, "Ping", alice};
  ASSERT_NE(known.get_if<Ping>(), nullptr);
  EXPECT_EQ(known.get_if<Ping>()->number, 7);
  EXPECT_EQ(known.get_if<Pong>(), nullptr);
  const Observation unknown;
  EXPECT_EQ(unknown.label(), "?");
  EXPECT_EQ(unknown.get_if<Ping>(), nullptr);
}

TEST_F(MonitorsTest, ActiveSaysWhetherAnyMonitorIsNotPaused) {
  EXPECT_FALSE(monitors.active());
  add_scribe(first);
  add_scribe(second);
  EXPECT_TRUE(monitors.active());
  first->pause();
  EXPECT_TRUE(monitors.active());
  second->pause();
  EXPECT_FALSE(monitors.active());
  second->resume();
  EXPECT_TRUE(monitors.active());
  monitors.pause();
  EXPECT_FALSE(monitors.active());
  std::optional<MonitorHandle> third;
  add_scribe(third);
  EXPECT_FALSE(monitors.active()) << "added while all are silenced";
  monitors.resume();
  EXPECT_TRUE(monitors.active());
  third->remove();
  second->remove();
  EXPECT_FALSE(monitors.active()) << "the first one is still paused";
}

TEST_F(MonitorsTest, APausedMonitorHearsNothingUntilItIsResumed) {
  const auto paused = add_scribe(first);
  const auto other = add_scribe(second);
  tell();
  first->pause();
  tell();
  EXPECT_EQ(paused->lines.size(), 1u);
  EXPECT_EQ(other->lines.size(), 2u);
  first->resume();
  tell();
  EXPECT_EQ(paused->lines.size(), 2u);
}

TEST_F(MonitorsTest, PausingAllKeepsWhatEachWas) {
  const auto paused = add_scribe(first);
  const auto other = add_scribe(second);
  first->pause();
  monitors.pause();
  second->resume();  // it was not paused itself: nothing changes
  tell();
  EXPECT_TRUE(other->lines.empty());
  monitors.resume();
  tell();
  EXPECT_TRUE(paused->lines.empty());
  EXPECT_EQ(other->lines.size(), 1u);
}

TEST_F(MonitorsTest, ARemovedMonitorIsDestroyedThoughItsHandleLives) {
  std::weak_ptr<Scribe> scribe = add_scribe(first);
  EXPECT_FALSE(scribe.expired());
  first->remove();
  EXPECT_TRUE(scribe.expired());
  first->remove();  // and again, and whatever else: nothing happens
  first->pause();
  first->resume();
  first->flush();
  tell();
  EXPECT_FALSE(monitors.active());
}

TEST_F(MonitorsTest, AHandleIsHarmlessAfterItsRuntime) {
  std::optional<MonitorHandle> handle;
  {
    Monitors gone;
    handle = gone.add<Scribe>();
    EXPECT_NE(handle->id(), 0u);
  }
  handle->pause();
  handle->resume();
  handle->flush();
  handle->remove();
}

TEST_F(MonitorsTest, AHookThatThrowsIsItsMonitorsLast) {
  const auto faulty = add_scribe(first);
  const auto other = add_scribe(second);
  faulty->inside = [] { throw std::runtime_error("disk full"); };
  testing::internal::CaptureStderr();
  tell();
  tell();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_EQ(faulty->lines.size(), 1u);
  EXPECT_EQ(other->lines.size(), 2u);
  EXPECT_EQ(log, "libactor: monitor " + std::to_string(first->id()) +
                     " is removed, because its on_actor_registered() failed: monitor_test::Scribe threw: disk full\n");
  EXPECT_TRUE(monitors.active());
}

TEST_F(MonitorsTest, AHookMayThrowAnything) {
  add_scribe(first)->inside = [] { throw 42; };  // NOLINT: on purpose
  testing::internal::CaptureStderr();
  tell();
  EXPECT_NE(testing::internal::GetCapturedStderr().find("something that is no std::exception"), std::string::npos);
  EXPECT_FALSE(monitors.active());
}

TEST_F(MonitorsTest, AHookMayRemoveItsOwnMonitor) {
  std::weak_ptr<Scribe> removed;
  {
    const auto scribe = add_scribe(first);
    removed = scribe;
    scribe->inside = [this, weak = removed] {
      first->flush(1h);  // inside a hook nobody waits
      first->remove();
      EXPECT_FALSE(weak.expired()) << "its hook is still running";
    };
  }
  tell();
  EXPECT_TRUE(removed.expired());
  EXPECT_FALSE(monitors.active());
}

TEST_F(MonitorsTest, AHookMayAddAndRemoveOthers) {
  const auto adder = add_scribe(first);
  std::shared_ptr<Scribe> added;
  std::optional<MonitorHandle> third;
  adder->inside = [&] {
    if (!added) added = add_scribe(third);
    second->remove();
  };
  const auto other = add_scribe(second);
  tell();
  EXPECT_TRUE(other->lines.empty()) << "it was removed before its turn";
  EXPECT_TRUE(added->lines.empty()) << "it was added after the event";
  tell();
  EXPECT_EQ(added->lines.size(), 1u);
}

TEST_F(MonitorsTest, AHookMayPauseItsOwnMonitorAndAll) {
  const auto scribe = add_scribe(first);
  scribe->inside = [this] { first->pause(); };
  tell();
  tell();
  EXPECT_EQ(scribe->lines.size(), 1u);
  first->resume();
  scribe->inside = [this] { monitors.pause(); };
  tell();
  tell();
  EXPECT_EQ(scribe->lines.size(), 2u);
}

TEST_F(MonitorsTest, AHookMayCauseAnother) {
  const auto scribe = add_scribe(first);
  scribe->inside = [&] {
    if (scribe->lines.size() < 3) tell();
  };
  tell();
  EXPECT_EQ(scribe->lines.size(), 3u);
}

/// Fails when two of its hooks run at the same time.
struct Alone : Monitor {
  void on_event_handled(const Observation&) override {
    if (running.exchange(true)) overlapped = true;
    ++calls;  // no atomic: ThreadSanitizer sees to it
    std::this_thread::yield();
    running = false;
  }
  std::atomic<bool> running = false, overlapped = false;
  int calls = 0;
};

TEST_F(MonitorsTest, HooksOfOneMonitorNeverRunAtTheSameTime) {
  constexpr int threads = 4;
  constexpr int each = 500;
  const auto alone = std::make_shared<Alone>();
  MonitorHandle handle = monitors.add(alone);
  std::vector<std::thread> actors;
  for (int i = 0; i < threads; ++i) {
    actors.emplace_back([this] {
      for (int n = 0; n < each; ++n) monitors.handled({});
    });
  }
  for (std::thread& actor : actors) actor.join();
  handle.remove();
  EXPECT_FALSE(alone->overlapped);
  EXPECT_EQ(alone->calls, threads * each);
}

/// Its hook begins, and stays until the test lets it go.
struct Lingering : Monitor {
  void on_event_handled(const Observation&) override {
    begun = true;
    begun.notify_all();
    go_on.wait(false);
    ended = true;
  }
  std::atomic<bool> begun = false, go_on = false, ended = false;
};

struct LingeringTest : MonitorsTest {
  LingeringTest()
      : actor([this] {
          start.wait(false);
          monitors.handled({});
        }) {
    start = true;
    start.notify_all();
    monitor->begun.wait(false);
  }
  ~LingeringTest() override { actor.join(); }
  /// Lets the hook go while `waits` is being called; the hook has ended when it returns.
  void expect_waits(const std::function<void()>& waits) {
    std::thread release([this] {
      monitor->go_on = true;
      monitor->go_on.notify_all();
    });
    waits();
    EXPECT_TRUE(monitor->ended);
    release.join();
  }

  std::atomic<bool> start = false;
  const std::shared_ptr<Scribe> scribe = add_scribe(first);  // is called before the other
  std::shared_ptr<Lingering> monitor = std::make_shared<Lingering>();
  MonitorHandle handle = monitors.add(monitor);
  std::thread actor;
};

TEST_F(LingeringTest, RemoveWaitsForTheHookThatRuns) {
  expect_waits([this] { handle.remove(); });
}
TEST_F(LingeringTest, PauseWaitsForTheHookThatRuns) {
  expect_waits([this] { handle.pause(); });
}
TEST_F(LingeringTest, PausingAllWaitsForTheHookThatRuns) {
  expect_waits([this] { monitors.pause(); });
}
TEST_F(LingeringTest, FlushWaitsForTheHookThatRuns) {
  expect_waits([this] { handle.flush(0ns); });
}
TEST_F(LingeringTest, AHookMayRemoveAMonitorWhoseHookIsRunning) {
  scribe->inside = [this] { handle.remove(); };
  tell();  // returns, though the other one's hook is running
  EXPECT_FALSE(monitor->ended);
  first->remove();
  expect_waits([this] { handle.flush(0ns); });
  EXPECT_FALSE(monitors.active());
}

TEST_F(MonitorsTest, FlushReturnsAfterAQuietTime) {
  const auto scribe = add_scribe(first);
  std::atomic<bool> done = false;
  std::thread actor([&] {
    for (int i = 0; i < 1000; ++i) tell();
    done = true;
    done.notify_all();
  });
  done.wait(false);
  first->flush(1ms);
  EXPECT_EQ(scribe->lines.size(), 1000u);
  actor.join();
}

TEST_F(MonitorsTest, MonitorsComeAndGoWhileActorsRun) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> actors;
  for (int i = 0; i < 2; ++i) {
    actors.emplace_back([&] {
      while (!stop) {
        if (monitors.active()) monitors.handled({});
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    const auto alone = std::make_shared<Alone>();
    MonitorHandle handle = monitors.add(alone);
    handle.pause();
    const int calls = alone->calls;
    EXPECT_EQ(calls, alone->calls);
    handle.resume();
    monitors.pause();
    monitors.resume();
    handle.remove();
    EXPECT_FALSE(alone->overlapped);
    EXPECT_EQ(alone.use_count(), 1);
  }
  stop = true;
  for (std::thread& actor : actors) actor.join();
  EXPECT_FALSE(monitors.active());
}

}  // namespace monitor_test
