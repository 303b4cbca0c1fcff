#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/actor.hpp>
#include <actor/supervisor.hpp>
#include <atomic>
#include <core/runner.hpp>
#include <inproc/bus.hpp>
#include <inproc/bus_port.hpp>
#include <loop/coarse_clock.hpp>
#include <thread>

namespace runner_test {

struct Tick {
  int number;
};
struct Note {
  std::string text;
};
using Events = std::variant<Tick, Note>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Tick>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Note>) {
  return actor::OverflowPolicy::block();
}

using actor::Envelope;
using actor::StepAction;

/// Two ports on one bus: `actor_` is run by the runner, `peer` is the test's own hand.
class RunnerTest : public testing::Test {
 protected:
  struct Side {
    std::unique_ptr<actor::EpollLoop> loop = std::make_unique<actor::EpollLoop>();
    std::unique_ptr<actor::LoopWaker> waker = std::make_unique<actor::LoopWaker>(*loop);
    std::shared_ptr<actor::Signal> signal = std::make_shared<actor::Signal>(*waker);
    std::unique_ptr<actor::Port> port;
  };

  void run(actor::ActorBase& subject, unsigned max_events_per_tick = 10) {
    actor::Host host(actor::ActorId("subject"), *subject_.port, *subject_.loop, *subject_.waker);
    host_ = &host;
    actor::Runner runner(subject, host, {max_events_per_tick});
    started_ = runner.start();
    if (started_) runner.run(*subject_.loop);
    runner.finish();
    error_ = runner.error();
  }
  void send(int number) {
    const Tick tick{number};
    const auto topic = peer_.port->open_topic("Tick", actor::OverflowPolicy::block());
    peer_.port->send({&actor::event_type<Tick>(), &tick, topic, {}});
    peer_.port->flush();
  }
  std::size_t received() {
    std::size_t count = 0;
    actor::Delivery delivery;
    for (; peer_.port->next(delivery); ++count) peer_.port->handled(delivery, true);
    return count;
  }

  Side attach(const char* name, const actor::Subscribe& topics) {
    Side side;
    side.port = bus_.attach(actor::ActorId(name), actor::event_types<Events>(), topics, side.signal);
    return side;
  }

  actor::inproc::Bus bus_{1};
  Side subject_ = attach("subject", actor::Subscribe(actor::of<Tick>));
  Side peer_ = attach("peer", actor::Subscribe(actor::of<Note>));
  actor::Host* host_ = nullptr;
  bool started_ = false;
  std::optional<actor::Error> error_;
};

using Runner = RunnerTest;

TEST_F(Runner, ABusyMailboxDoesNotStarveTheStep) {
  struct Subject : actor::Actor<Events> {
    int events = 0, steps = 0, events_at_first_step = -1;
    void handle_event(const Envelope<Events>&) override {
      if (++events == 100) ctx().stop();
    }
    StepAction step() override {
      if (steps++ == 0) events_at_first_step = events;
      return StepAction::Continue();
    }
  } subject;
  for (int i = 0; i < 100; ++i) send(i);
  run(subject, 10);
  EXPECT_GE(subject.events_at_first_step, 1);
  EXPECT_LE(subject.events_at_first_step, 10) << "one step after each batch, which the clock may end early";
  EXPECT_GE(subject.steps, 9);
}

TEST_F(Runner, ABusyStepDoesNotStarveTheMailbox) {
  struct Subject : actor::Actor<Events> {
    int events = 0, steps = 0;
    void handle_event(const Envelope<Events>&) override {
      ++events;
      ctx().stop();
    }
    StepAction step() override {
      ++steps;
      return StepAction::Continue();
    }
  } subject;
  send(1);
  run(subject);
  EXPECT_EQ(subject.events, 1);
  EXPECT_EQ(subject.steps, 0) << "an event that waits comes before a step";
}

TEST_F(Runner, WhoseEventsTakeLongLooksAtOtherThingsAfterEachOfThem) {
  struct Subject : actor::Actor<Events> {
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int events = 0;
    std::vector<int> rung_after;

    ~Subject() override { close(bell); }
    void ring() {
      const std::uint64_t one = 1;
      EXPECT_EQ(write(bell, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    }
    void on_start() override {
      ctx().watch(bell, actor::Loop::Interest::Read, [this] {
        std::uint64_t count;
        EXPECT_EQ(read(bell, &count, sizeof count), static_cast<ssize_t>(sizeof count));
        rung_after.push_back(events);
      });
    }
    StepAction step() override { return StepAction::Never(); }
    void handle_event(const Envelope<Events>&) override {
      for (const auto before = actor::coarse_now(); actor::coarse_now() == before;) {
      }
      if (++events == 1 || events == 10) ring();
      if (events == 20) ctx().stop();
    }
  } subject;
  for (int i = 0; i < 20; ++i) send(i);
  run(subject, 256);
  EXPECT_EQ(subject.rung_after, (std::vector<int>{1, 10})) << "of a batch of 256";
}

TEST_F(Runner, ABatchOfOneIsHonoured) {
  struct Subject : actor::Actor<Events> {
    std::string order;
    void handle_event(const Envelope<Events>&) override {
      order += 'e';
      if (order.size() >= 6) ctx().stop();
    }
    StepAction step() override {
      order += 's';
      return StepAction::Continue();
    }
  } subject;
  for (int i = 0; i < 10; ++i) send(i);
  run(subject, 1);
  EXPECT_EQ(subject.order.substr(0, 6), "eseses");
}

TEST_F(Runner, AwaitEventStepsOncePerEvent) {
  struct Subject : actor::Actor<Events> {
    std::string order;
    void handle_event(const Envelope<Events>&) override { order += 'e'; }
    StepAction step() override {
      order += 's';
      if (order.size() == 4) ctx().stop();
      return StepAction::AwaitEvent();
    }
  } subject;
  send(1);
  send(2);
  run(subject, 1);
  EXPECT_EQ(subject.order, "eses") << "one step after each event, and none without";
}

TEST_F(Runner, BackoffAndNeverLetTheThreadSleepUntilThen) {
  struct Subject : actor::Actor<Events> {
    int steps = 0;
    StepAction step() override {
      if (++steps < 3) return StepAction::Backoff(std::chrono::milliseconds(1));
      ctx().after(std::chrono::milliseconds(1), [this] { ctx().stop(); });
      return StepAction::Never();
    }
  } subject;
  run(subject);
  EXPECT_EQ(subject.steps, 3);
}

TEST_F(Runner, AnExceptionStopsTheActorWithTheEventUnhandled) {
  struct Subject : actor::Actor<Events> {
    bool was_shut_down = false;
    void handle_event(const Envelope<Events>&) override { throw std::runtime_error("no"); }
    void on_shutdown() override { was_shut_down = true; }
  } subject;
  send(1);
  run(subject);
  ASSERT_TRUE(error_.has_value());
  EXPECT_STREQ(error_->what(), "actor subject, in handle_event: no");
  EXPECT_TRUE(subject.was_shut_down);
  EXPECT_EQ(subject_.port->counters().handled, 0u);
}

TEST_F(Runner, ASwallowedExceptionCountsAsHandled) {
  struct Subject : actor::Actor<Events> {
    std::string seen;
    void handle_event(const Envelope<Events>& envelope) override {
      if (envelope.get_if<Tick>()->number == 2) ctx().stop();
      throw std::runtime_error("no");
    }
    actor::ErrorAction on_error(const actor::Error& error) override {
      seen = error.what();
      return actor::ErrorAction::Swallow;
    }
  } subject;
  send(1);
  send(2);
  run(subject);
  EXPECT_FALSE(error_.has_value());
  EXPECT_EQ(subject_.port->counters().handled, 2u);
  EXPECT_EQ(subject.seen, "actor subject, in handle_event: no");
}

TEST_F(Runner, AnActorWhoseStartFailsNeverRuns) {
  struct Subject : actor::Actor<Events> {
    int calls = 0;
    void on_start() override { throw std::runtime_error("not today"); }
    void handle_event(const Envelope<Events>&) override { ++calls; }
    void on_shutdown() override { ++calls; }
  } subject;
  send(1);
  run(subject);
  EXPECT_FALSE(started_);
  EXPECT_EQ(subject.calls, 0);
}

TEST_F(Runner, AStopOfItsOwnWaitsForWhatIsStaged) {
  bus_.set_capacity("Note", 4);
  struct Subject : actor::Actor<Events> {
    void on_start() override {
      for (int i = 0; i < 10; ++i) ctx().send(Note{"n"});
      EXPECT_TRUE(ctx().is_sender_full());
      ctx().stop();
    }
  } subject;
  std::thread runner([&] { run(subject); });
  std::size_t count = 0;
  while (count < 10) {
    count += received();
    std::this_thread::yield();
  }
  runner.join();
  EXPECT_EQ(count, 10u);
}

TEST_F(Runner, OtherThreadsSendThroughTheInjector) {
  struct Subject : actor::Actor<Events> {
    std::thread other;
    std::atomic<bool> done = false;
    void on_start() override {
      other = std::thread([inject = ctx().injector()] {
        for (int i = 0; i < 5; ++i) inject.send(Note{"from outside"});
      });
      ctx().every(std::chrono::milliseconds(1), [this] {
        if (sent() == 5) ctx().stop();
      });
    }
    void on_shutdown() override { other.join(); }
    std::uint64_t sent() const { return port->counters().published; }
    actor::Port* port = nullptr;
  } subject;
  subject.port = subject_.port.get();
  run(subject);
  EXPECT_EQ(received(), 5u);
}

TEST(Injection, WhatFollowsACallThatThrowsStillRuns) {
  struct : actor::Waker {
    void wake() noexcept override {}
  } nobody;
  actor::Injection injection(nobody);
  std::string ran;
  injection.post([&] { ran += "a"; });
  injection.post([] { throw std::runtime_error("broken"); });
  injection.post([&] { ran += "b"; });
  EXPECT_THROW(injection.run(), std::runtime_error);
  EXPECT_TRUE(injection.pending());
  EXPECT_EQ(injection.run(), 1u);
  EXPECT_EQ(ran, "ab");
  EXPECT_FALSE(injection.pending());
}

TEST_F(Runner, AContextUsedByAnotherThreadIsABug) {
  struct Subject : actor::Actor<Events> {
    void on_start() override {
      EXPECT_DEATH(std::thread([this] { ctx().send(Note{"x"}); }).join(), "a Context belongs to its actor's thread");
      ctx().stop();
    }
  } subject;
  run(subject);
}

TEST(Supervisor, OneActorsFailureDoesNotEndTheOthers) {
  struct Failing : actor::Actor<Events> {
    void handle_event(const Envelope<Events>&) override { throw std::runtime_error("broken"); }
  };
  struct Counting : actor::Actor<Events> {
    explicit Counting(int& total) : total_(total) {}
    void handle_event(const Envelope<Events>&) override {
      if (++total_ == 3) ctx().stop_runtime();
    }
    int& total_;
  };
  int total = 0;
  actor::Supervisor<Events> supervisor;
  supervisor.build_actor<Failing>("failing").topics(actor::of<Tick>).restart(actor::RestartClass::Temporary).add();
  supervisor.add_actor<Counting>("counting", actor::of<Tick>, std::ref(total));
  supervisor.start();
  for (int i = 0; i < 3; ++i) supervisor.send(Tick{i});
  EXPECT_THROW(supervisor.join(), actor::Error);
  EXPECT_EQ(total, 3);
}

TEST(Supervisor, RefusesTwoActorsOfOneName) {
  struct Idle : actor::Actor<Events> {};
  actor::Supervisor<Events> supervisor;
  supervisor.add_actor<Idle>("twin", actor::Subscribe::none());
  EXPECT_THROW(supervisor.add_actor<Idle>("twin", actor::Subscribe::none()), actor::Error);
}

TEST(Supervisor, HandlesWhatIsPendingBeforeItStops) {
  struct Sink : actor::Actor<Events> {
    explicit Sink(std::atomic<int>& handled) : handled_(handled) {}
    void handle_event(const Envelope<Events>&) override { ++handled_; }
    std::atomic<int>& handled_;
  };
  std::atomic<int> handled = 0;
  actor::Supervisor<Events> supervisor;
  supervisor.add_actor<Sink>("sink", actor::of<Tick>, std::ref(handled));
  supervisor.start();
  for (int i = 0; i < 1000; ++i) supervisor.send(Tick{i});
  supervisor.stop();
  supervisor.join();
  EXPECT_EQ(handled, 1000);
}

}  // namespace runner_test
