// What docs/parity.md promises of the supervisor and no other test shows.

#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace parity_test {

using namespace std::chrono_literals;

struct Work {
  int number = 0;
};
using Events = std::variant<Work>;
using actor::Envelope;
using actor::StepAction;
using actor::Subscribe;
using actor::Supervisor;
using Lines = std::vector<std::string>;

/// Writes down its life.
struct Living : actor::Actor<Events> {
  Living(Lines* lines, bool fails) : lines_(lines), fails_(fails) {}
  void on_start() override { lines_->push_back("start"); }
  void handle_event(const Envelope<Events>&) override {
    if (fails_) throw std::runtime_error(std::string(ctx().actor_name()) + " is broken");
    lines_->push_back("event");
  }
  StepAction step() override {
    lines_->push_back("step");
    return StepAction::AwaitEvent();
  }
  void on_shutdown() override { lines_->push_back("shutdown"); }
  Lines* lines_;
  bool fails_;
};

struct Log : actor::Monitor {
  void on_step_enter(actor::ActorId id) override {
    if (id.name() == "living") lines.push_back("enter living");
  }
  void on_step_exit(actor::ActorId id, StepAction next) override {
    if (id.name() == "living") lines.push_back("exit living " + to_string(next));
  }
  void on_actor_stop(actor::ActorId id) override { lines.push_back("stop " + std::string(id.name())); }
  Lines lines;
};

TEST(Parity, AnErrorThatIsNotSwallowedSkipsNeitherOnShutdownNorOnActorStop) {
  Lines lines;
  Supervisor<Events> supervisor(actor::simulated(1));
  const auto log = std::make_shared<Log>();
  supervisor.monitors().add(log);
  supervisor.build_actor<Living>("living", &lines, true)
      .topics(actor::of<Work>)
      .restart(actor::RestartClass::Temporary)
      .add();
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.settle();
  EXPECT_EQ(lines.back(), "shutdown");
  EXPECT_EQ(log->lines.back(), "stop living");
  supervisor.stop();
  EXPECT_THROW(supervisor.join(), actor::Error);
}

TEST(Parity, MonitorsAreToldOfEachStep) {
  Lines lines;
  Supervisor<Events> supervisor(actor::simulated(1));
  const auto log = std::make_shared<Log>();
  supervisor.monitors().add(log);
  supervisor.add_actor<Living>("living", actor::of<Work>, &lines, false);
  supervisor.start();
  supervisor.settle();
  EXPECT_EQ(log->lines, (Lines{"enter living", "exit living AwaitEvent"}));
  supervisor.send(Work{1});
  supervisor.settle();
  EXPECT_EQ(log->lines.size(), 4u);
  EXPECT_EQ(lines, (Lines{"start", "step", "event", "step"}));
}

TEST(Parity, JoinThrowsTheFirstErrorAndErrorsHasAll) {
  Lines lines;
  Supervisor<Events> supervisor(actor::simulated(1));
  for (const char* name : {"one", "two"})
    supervisor.build_actor<Living>(name, &lines, true)
        .topics(actor::of<Work>)
        .restart(actor::RestartClass::Temporary)
        .add();
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.settle();
  supervisor.stop();
  ASSERT_EQ(supervisor.errors().size(), 2u);
  try {
    supervisor.join();
    FAIL() << "join() returned";
  } catch (const actor::Error& error) {
    EXPECT_EQ(error.code(), actor::ErrorCode::External);
    EXPECT_EQ(error, supervisor.errors()[0]);
    EXPECT_NE(std::string(error.what()).find("is broken"), std::string::npos) << error.what();
  }
}

TEST(Parity, DefaultsAreMaikos) {
  const Supervisor<Events> supervisor(actor::simulated(1));
  EXPECT_EQ(supervisor.config().default_actor_channel_capacity, 128u);
  EXPECT_EQ(supervisor.config().default_max_events_per_tick, 10u);
}

TEST(Parity, ABuilderSetsWhatAnActorHasOfItsOwn) {
  actor::ActorSpec built;
  actor::ActorBuilder([&](actor::ActorSpec spec) { return built = std::move(spec), actor::ActorId("x"); },
                      {"x", {}, {}})
      .topics(actor::of<Work>)
      .config({.channel_capacity = 7})
      .max_events_per_tick(3)
      .with_config([](actor::ActorConfig& config) { config.channel_capacity *= 2; })
      .restart(actor::RestartClass::Permanent)
      .dedicated_thread()
      .add();
  EXPECT_EQ(built.topics, Subscribe(actor::of<Work>));
  EXPECT_EQ(built.config.channel_capacity, 14u);
  EXPECT_EQ(built.config.max_events_per_tick, 3u);
  EXPECT_TRUE(built.config.dedicated_thread);
  EXPECT_EQ(built.config.restart->restart, actor::RestartClass::Permanent);
}

TEST(Parity, AFailingActorEndsOnlyItselfAndTheOthersGoOn) {
  Lines broken, working;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Living>("broken", actor::of<Work>, &broken, true);
  supervisor.add_actor<Living>("working", actor::of<Work>, &working, false);
  supervisor.start();
  for (int i = 0; i < 3; ++i) supervisor.send(Work{i});
  supervisor.advance(1min);
  EXPECT_EQ(std::count(working.begin(), working.end(), "event"), 3);
  EXPECT_GT(std::count(broken.begin(), broken.end(), "start"), 1) << "it was restarted first";
  supervisor.stop();
  EXPECT_THROW(supervisor.join(), actor::Error);
}

TEST(Parity, StartingTwiceIsAnError) {
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.start();
  try {
    supervisor.start();
    FAIL() << "started twice";
  } catch (const actor::Error& error) {
    EXPECT_EQ(error.code(), actor::ErrorCode::AlreadyStarted);
  }
}

}  // namespace parity_test
