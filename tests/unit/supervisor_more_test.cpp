// What a supervisor must get right at the edges: actors that fail in odd places, come and go while it stops, or never
// come to rest.

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/supervisor.hpp>
#include <csignal>
#include <future>
#include <stdexcept>
#include <thread>

namespace supervisor_more_test {

struct Work {
  int number = 0;
};
using Events = std::variant<Work>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Work>) {
  return actor::OverflowPolicy::block();
}

using actor::Envelope;
using actor::ErrorAction;
using actor::RestartClass;
using actor::StepAction;
using actor::Supervisor;
using namespace std::chrono_literals;

struct Idle : actor::Actor<Events> {
  void handle_event(const Envelope<Events>&) override {}
};

TEST(Supervisor, TimersOfAnActorThatNeverRestsRun) {
  struct Busy : actor::Actor<Events> {
    void on_start() override {
      ctx().after(1ms, [this] { ctx().stop_runtime(); });
    }
    StepAction step() override { return StepAction::Continue(); }
  };
  Supervisor<Events> supervisor;
  supervisor.add_actor<Busy>("busy", {});
  supervisor.run();
}

TEST(Supervisor, AnActorThatIsStillBeingMadeWhenItStopsIsRefused) {
  struct Last : actor::Actor<Events> {
    explicit Last(std::promise<void>* down) : down_(down) {}
    void on_shutdown() override { down_->set_value(); }
    std::promise<void>* down_;
  };
  std::promise<void> down;
  Supervisor<Events> supervisor;
  supervisor.add_actor<Last>("last", {}, &down);
  supervisor.start();
  const auto made_too_late = [&] {
    supervisor.stop();
    down.get_future().wait();  // everybody has been told to stop by now
    return std::make_unique<Idle>();
  };
  EXPECT_THROW(supervisor.add_actor("late", made_too_late, {}), actor::Error);
  supervisor.join();
}

TEST(SimulatedSupervisor, AnActorThatIsStillBeingMadeWhenItStopsIsRefused) {
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Idle>("idle", {});
  supervisor.start();
  const auto made_too_late = [&] {
    supervisor.stop();
    return std::make_unique<Idle>();
  };
  EXPECT_THROW(supervisor.add_actor("late", made_too_late, {}), actor::Error);
  supervisor.join();
}

TEST(Supervisor, ASignalThatComesBeforeStartStopsIt) {
  EXPECT_EXIT(
      {
        Supervisor<Events> supervisor;
        supervisor.add_actor<Idle>("idle", {});
        supervisor.stop_on_signals();
        kill(getpid(), SIGTERM);
        for (sigset_t pending; sigpending(&pending) == 0 && sigismember(&pending, SIGTERM);) std::this_thread::yield();
        supervisor.run();
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(SimulatedSupervisor, WhatIsPostedRunsInTheNextLifeWhenTheActorFailsBeforeIt) {
  struct Open : Supervisor<Events> {
    using Supervisor::Supervisor;
    using SupervisorBase::post;
  };
  Open supervisor(actor::simulated(1));
  const auto id = supervisor.add_actor<Idle>("idle", {});
  supervisor.start();
  bool ran = false;
  EXPECT_TRUE(supervisor.post(id, [](actor::Host&) { throw std::runtime_error("on purpose"); }));
  EXPECT_TRUE(supervisor.post(id, [&](actor::Host&) { ran = true; }));
  supervisor.advance(1s);
  EXPECT_TRUE(ran);
  supervisor.stop();
  supervisor.join();
}

TEST(SimulatedSupervisor, AFaultThatNamesAnActorThatNeverExistedIsToldOfAtTheEnd) {
  const std::string text = "a fault of the simulation names actor \"nobody\", and there never was one";
  const actor::Faults faults = {actor::Fault::crash("late", 3), actor::Fault::crash("nobody", 3)};
  {
    Supervisor<Events> supervisor(actor::simulated(1, faults));
    supervisor.add_actor<Idle>("idle", {});
    supervisor.start();
    supervisor.settle();
    supervisor.add_actor<Idle>("late", {});
    supervisor.stop();
    try {
      supervisor.join();
      ADD_FAILURE() << "join() took it";
    } catch (const actor::Error& error) {
      EXPECT_EQ(error.code(), actor::ErrorCode::NoSuchActor);
      EXPECT_EQ(std::string(error.what()).find(text), 0U) << error.what();
    }
  }
  testing::internal::CaptureStderr();
  {
    Supervisor<Events> supervisor(actor::simulated(1, faults));
    supervisor.add_actor<Idle>("late", {});
    supervisor.start();
    supervisor.settle();  // and no join()
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr().find("libactor: " + text), 0U);
}

TEST(Supervisor, SaysWhichActorIsRestarted) {
  struct Failing : actor::Actor<Events> {
    void handle_event(const Envelope<Events>&) override { throw std::runtime_error("on purpose"); }
  };
  testing::internal::CaptureStderr();
  Supervisor<Events> supervisor;
  std::promise<void> risen;
  int lives = 0;
  const auto make = [&]() -> std::unique_ptr<actor::Actor<Events>> {
    if (++lives == 1) return std::make_unique<Failing>();
    risen.set_value();
    return std::make_unique<Idle>();
  };
  supervisor.add_actor("phoenix", make, actor::of<Work>);
  supervisor.start();
  supervisor.send(Work{1});
  risen.get_future().wait();
  supervisor.stop();
  supervisor.join();
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_EQ(said.find("libactor: actor phoenix failed: "), 0U) << said;
  EXPECT_NE(said.find("on purpose; restarted in "), std::string::npos) << said;
}

TEST(SimulatedSupervisor, AFunctionThatMakesNothingIsAnErrorAtOnceAndAtARestart) {
  struct Failing : actor::Actor<Events> {
    void handle_event(const Envelope<Events>&) override { throw std::runtime_error("on purpose"); }
  };
  Supervisor<Events> supervisor(actor::simulated(1));
  EXPECT_THROW(supervisor.add_actor("none", [] { return std::unique_ptr<Idle>(); }, {}), actor::Error);
  int lives = 0;
  const auto make = [&]() -> std::unique_ptr<actor::Actor<Events>> {
    if (++lives == 1) return std::make_unique<Failing>();
    if (lives == 2) return nullptr;
    if (lives == 3) throw 3;
    return std::make_unique<Idle>();
  };
  supervisor.add_actor("phoenix", make, actor::of<Work>);
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.advance(1s);
  EXPECT_EQ(lives, 4);
  EXPECT_TRUE(supervisor.errors().empty());
  supervisor.stop();
  supervisor.join();
}

TEST(SimulatedSupervisor, TimersOfAnActorWhoseOnStartFailedNeverRun) {
  struct Failing : actor::Actor<Events> {
    explicit Failing(int* ran) : ran_(ran) {}
    void on_start() override {
      ctx().after(0ns, [ran = ran_] { ++*ran; });
      throw std::runtime_error("on purpose");
    }
    int* ran_;
  };
  int ran = 0;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Failing>("failing", {}, &ran);
  supervisor.start();
  supervisor.advance(1min);
  EXPECT_EQ(supervisor.errors().size(), 1u);
  EXPECT_EQ(ran, 0);
}

TEST(SimulatedSupervisor, DescriptorsAreWatchedOnAfterACallbackHasThrown) {
  struct Watcher : actor::Actor<Events> {
    Watcher(int first, int second, int* ran) : fds_{first, second}, ran_(ran) {}
    void on_start() override {
      for (const int fd : fds_) {
        ctx().watch(fd, actor::Loop::Interest::Read, [this, fd] {
          std::uint64_t count = 0;
          if (read(fd, &count, sizeof count) == sizeof count) ++*ran_;
          throw std::runtime_error("on purpose");
        });
      }
    }
    ErrorAction on_error(const actor::Error&) override { return ErrorAction::Swallow; }
    int fds_[2];
    int* ran_;
  };
  const int first = eventfd(1, EFD_NONBLOCK), second = eventfd(1, EFD_NONBLOCK);
  int ran = 0;
  {
    Supervisor<Events> supervisor(actor::simulated(1));
    supervisor.add_actor<Watcher>("watcher", {}, first, second, &ran);
    supervisor.start();
    supervisor.settle();
    EXPECT_EQ(ran, 2);
    eventfd_write(first, 1);
    eventfd_write(second, 1);
    supervisor.settle();
    EXPECT_EQ(ran, 4);
  }
  close(first);
  close(second);
}

TEST(SimulatedSupervisor, AnActorThatIsRemovedIsNotMadeAnewWhenItsShutdownThrows) {
  struct Failing : actor::Actor<Events> {
    explicit Failing(int* lives) { ++*lives; }
    void on_shutdown() override { throw std::runtime_error("on purpose"); }
  };
  int lives = 0;
  Supervisor<Events> supervisor(actor::simulated(1));
  const auto id = supervisor.add_actor<Failing>("failing", {}, &lives);
  supervisor.start();
  supervisor.settle();
  supervisor.remove_actor(id);
  supervisor.settle();
  supervisor.advance(1min);
  EXPECT_EQ(lives, 1);
  EXPECT_EQ(supervisor.errors().size(), 1u);
  EXPECT_TRUE(supervisor.actors().empty());
}

/// A sender that ends wakes all whom it has sent to. In which order must not depend on where they are in memory.
TEST(SimulatedSupervisor, RepeatsARunInWhichASenderOfManyEnds) {
  struct Once : actor::Actor<Events> {
    void handle_event(const Envelope<Events>&) override {}
    StepAction step() override {
      ctx().send(Work{1});
      ctx().after(1s, [this] { ctx().stop(); });
      return StepAction::AwaitEvent();
    }
  };
  struct Again : actor::Actor<Events> {
    void on_start() override {
      ctx().after(1s, [this] { ctx().send(Work{2}); });
    }
  };
  struct Reader : actor::Actor<Events> {
    explicit Reader(std::string* order) : order_(order) {}
    void handle_event(const Envelope<Events>&) override { order_->append(ctx().actor_name()).append(" "); }
    std::string* order_;
  };
  const auto run = [](std::uint64_t seed, std::size_t salt) {
    std::string order;
    std::vector<std::unique_ptr<char[]>> between;  // makes the addresses differ
    Supervisor<Events> supervisor(actor::simulated(seed));
    for (std::size_t i = 0; i < 16; ++i) {
      between.push_back(std::make_unique<char[]>(1 + (i + 1) * salt * 7919 % 4096));
      supervisor.add_actor<Reader>("reader" + std::to_string(i), actor::of<Work>, &order);
    }
    supervisor.add_actor<Once>("once", {});
    supervisor.add_actor<Again>("again", {});
    supervisor.start();
    supervisor.advance(2s);
    supervisor.stop();
    supervisor.join();
    return order;
  };
  for (std::uint64_t seed = 1; seed < 10; ++seed) {
    const std::string first = run(seed, 0);
    for (std::size_t salt = 1; salt < 10; ++salt) EXPECT_EQ(run(seed, salt), first) << "seed " << seed;
  }
}

}  // namespace supervisor_more_test
