// Supervision of actors inside one process, on the virtual clock: the same tree as under a broker, carried out by the
// in-process supervisor. What is decided is tested in unit/supervision_tree_test.cpp; here, that it is done. The seed
// decides who of several takes its first turn first.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <algorithm>
#include <map>

namespace policy_test {

using namespace std::chrono_literals;
using actor::AutoShutdown;
using actor::Dependency;
using actor::OnExhausted;
using actor::RestartClass;
using actor::RestartStrategy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Fail {
  std::string who;
};
struct Finish {
  std::string who;
};
struct Work {
  std::string who;
  int number = 0;
};
using Events = std::variant<Fail, Finish, Work>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Work>) {
  return actor::OverflowPolicy::block();
}

using Log = std::vector<std::string>;

/// Notes its comings and goings; fails and finishes when it is told to.
class Worker : public actor::Actor<Events> {
 public:
  Worker(std::string name, Log* log) : name_(std::move(name)), log_(log) {}

 private:
  void on_start() override { log_->push_back("start " + name_); }
  void on_shutdown() override { log_->push_back("end " + name_); }
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const auto* fail = envelope.get_if<Fail>(); fail && fail->who == name_ && !envelope.redelivered())
      throw std::runtime_error(name_ + " fails");
    if (const auto* finish = envelope.get_if<Finish>(); finish && finish->who == name_) ctx().stop();
    if (const auto* work = envelope.get_if<Work>(); work && work->who == name_)
      log_->push_back(name_ + " works " + std::to_string(work->number));
  }

  std::string name_;
  Log* log_;
};

class World {
 public:
  explicit World(std::vector<actor::GroupConfig> groups = {}, AutoShutdown auto_shutdown = AutoShutdown::Never)
      : supervisor([&] {
          auto config = actor::simulated(1);
          config.groups = std::move(groups);
          config.auto_shutdown = auto_shutdown;
          config.default_restart.jitter = 0;
          return config;
        }()) {}

  World& actor(const std::string& name, actor::ActorConfig config = {}) {
    supervisor.build_actor<Worker>(name, name, &log)
        .topics({actor::of<Fail>, actor::of<Finish>, actor::of<Work>})
        .config(std::move(config))
        .add();
    return *this;
  }
  World& members(const std::string& group, const std::vector<std::string>& names) {
    for (const auto& name : names) actor(name, {.member_of = group});
    return *this;
  }
  Log start() {
    supervisor.start();
    supervisor.settle();
    return taken();
  }
  template <class Event>
  Log tell(Event event) {
    supervisor.send(event);
    supervisor.settle();
    return taken();
  }
  Log advance(std::chrono::nanoseconds by) {
    supervisor.advance(by);
    return taken();
  }
  Log stop() {
    supervisor.stop();
    supervisor.settle();
    return taken();
  }
  Log taken() { return std::exchange(log, {}); }
  std::string error() {
    try {
      supervisor.join();
    } catch (const actor::Error& error) {
      return error.what();
    }
    return "";
  }

  Log log;
  actor::Supervisor<Events> supervisor;
};

actor::RestartRules at_most(std::uint32_t restarts, RestartClass restart = RestartClass::Transient) {
  return {.restart = restart, .jitter = 0, .restarts = restarts};
}

TEST(Policy, ActorsStopInTheReverseOrderOfTheirStart) {
  World world;
  world.actor("a").actor("b").actor("c").start();
  EXPECT_THAT(world.stop(), ElementsAre("end c", "end b", "end a"));
}

TEST(Policy, AnActorStartsWhenWhatItDependsOnIsReadyAndStopsBeforeIt) {
  World world;
  world.actor("app", {.depends_on = {{"store", Dependency::Ready}}}).actor("store");
  EXPECT_THAT(world.start(), ElementsAre("start store", "start app"));
  EXPECT_THAT(world.stop(), ElementsAre("end app", "end store"));
}

TEST(Policy, WhoDependsOnACompletionWaitsForACleanEnd) {
  World world;
  world.actor("job").actor("app", {.depends_on = {{"job", Dependency::Completed}}});
  EXPECT_THAT(world.start(), ElementsAre("start job"));
  EXPECT_THAT(world.tell(Fail{"job"}), ElementsAre("end job", "start job"));
  EXPECT_THAT(world.tell(Finish{"job"}), ElementsAre("end job", "start app"));
}

TEST(Policy, WhatCannotBeIsRefusedWithAReason) {
  const auto message = [](auto&& make) -> std::string {
    try {
      make();
    } catch (const actor::Error& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_THAT(message([] {
                World world;
                world.actor("a", {.depends_on = {{"b", Dependency::Ready}}}).start();
              }),
              ::testing::HasSubstr("actor \"a\" depends on actor \"b\", and there is none of that name"));
  EXPECT_THAT(message([] {
                World world;
                world.actor("a", {.depends_on = {{"b", Dependency::Ready}}});
                world.actor("b", {.depends_on = {{"a", Dependency::Ready}}}).start();
              }),
              ::testing::HasSubstr("these actors can never start: a waits for b, which waits for a"));
  EXPECT_THAT(message([] { World().actor("a", {.member_of = "g"}); }),
              ::testing::HasSubstr("group \"g\", which is not in SupervisorConfig::groups"));
  EXPECT_THAT(message([] { World(std::vector<actor::GroupConfig>{{.name = "g", .parent = "h"}}); }),
              ::testing::HasSubstr("parent \"h\""));
  EXPECT_THAT(message([] { World(std::vector<actor::GroupConfig>{{.name = "g", .parent = "g"}}); }),
              ::testing::HasSubstr("inside itself"));
  EXPECT_THAT(message([] { World().actor("a", {.on_exhausted = OnExhausted::Reboot}); }),
              ::testing::HasSubstr("only a broker can reboot"));
}

TEST(Policy, OneForAllMakesTheWholeGroupAnew) {
  World world({{.name = "g", .strategy = RestartStrategy::OneForAll}});
  world.actor("x").members("g", {"a", "b", "c"}).start();
  Log log = world.tell(Fail{"b"});
  std::sort(log.begin() + 3, log.end());  // started in order, but each takes its first turn when the seed wants it
  EXPECT_THAT(log, ElementsAre("end b", "end c", "end a", "start a", "start b", "start c"));
}

TEST(Policy, RestForOneMakesThoseAnewThatStartedAfter) {
  World world({{.name = "g", .strategy = RestartStrategy::RestForOne}});
  world.members("g", {"a", "b"}).actor("c", {.member_of = "g", .depends_on = {{"b", Dependency::Ready}}}).start();
  EXPECT_THAT(world.tell(Fail{"b"}), ElementsAre("end b", "end c", "start b", "start c"));
}

TEST(Policy, AGroupThatIsMadeAnewKeepsItsMailboxes) {
  World world({{.name = "g", .strategy = RestartStrategy::OneForAll}});
  world.members("g", {"a", "b"}).start();
  world.tell(Fail{"a"});
  EXPECT_THAT(world.tell(Fail{"a"}), ElementsAre("end a", "end b"));  // both wait for the backoff of a
  EXPECT_THAT(world.tell(Work{"b", 7}), IsEmpty());
  EXPECT_THAT(world.advance(10ms), ::testing::IsSupersetOf({"start a", "start b", "b works 7"}));
}

TEST(Policy, ATemporaryMemberIsNotMadeAnewWithItsGroup) {
  World world({{.name = "g", .strategy = RestartStrategy::OneForAll}});
  world.members("g", {"a"}).actor("b", {.restart = at_most(5, RestartClass::Temporary), .member_of = "g"}).start();
  EXPECT_THAT(world.tell(Fail{"a"}), ElementsAre("end a", "end b", "start a"));
  EXPECT_THAT(world.supervisor.actors(), ElementsAre(actor::ActorId("a")));
}

TEST(Policy, WhoFailsTooOftenIsGivenUpAndTheOthersGoOn) {
  World world;
  world.actor("a", {.restart = at_most(1)}).actor("b").start();
  world.tell(Fail{"a"});
  EXPECT_THAT(world.tell(Fail{"a"}), ElementsAre("end a"));
  EXPECT_THAT(world.tell(Work{"b", 1}), ElementsAre("b works 1"));
  world.supervisor.stop();
  EXPECT_THAT(world.error(), ::testing::HasSubstr("a fails"));
}

TEST(Policy, AQuarantinedActorHoldsUpNobodyAndIsTriedAgain) {
  World world;
  world.actor("a", {.channel_capacity = 2, .restart = at_most(0), .quarantine_retry = 60s}).actor("b").start();
  EXPECT_THAT(world.tell(Fail{"a"}), ElementsAre("end a"));
  for (int i = 0; i < 10; ++i) world.supervisor.send(Work{"b", i});  // of which a has room for two
  world.supervisor.settle();
  EXPECT_EQ(world.taken().size(), 10u);
  EXPECT_THAT(world.advance(60s - 1ns), IsEmpty());
  EXPECT_THAT(world.advance(1ns), ElementsAre("start a"));
  EXPECT_THAT(world.tell(Work{"a", 1}), ElementsAre("a works 1"));
  EXPECT_THAT(world.tell(Fail{"a"}), ElementsAre("end a"));
  EXPECT_THAT(world.advance(60s), ElementsAre("start a"));
}

TEST(Policy, WhoWaitsCanBeRemoved) {
  World world;
  world.actor("app", {.depends_on = {{"job", Dependency::Completed}}}).actor("job");
  world.actor("frail", {.restart = at_most(0), .quarantine_retry = 60s}).start();
  world.tell(Fail{"frail"});
  world.supervisor.remove_actor(actor::ActorId("app"));
  world.supervisor.remove_actor(actor::ActorId("frail"));
  world.supervisor.settle();
  EXPECT_THAT(world.supervisor.actors(), ElementsAre(actor::ActorId("job")));
  EXPECT_THAT(world.advance(1h), IsEmpty());
}

TEST(Policy, AnExhaustedGroupEscalates) {
  World world({{.name = "outer", .strategy = RestartStrategy::OneForAll},
               {.name = "inner", .parent = "outer", .restarts = 0, .on_exhausted = OnExhausted::Escalate}});
  world.members("outer", {"a"}).members("inner", {"b"}).start();
  Log log = world.tell(Fail{"b"});
  std::sort(log.begin() + 2, log.end());
  EXPECT_THAT(log, ElementsAre("end b", "end a", "start a", "start b"));
}

TEST(Policy, ExhaustionCanStopTheRuntime) {
  World world;
  world.actor("a", {.restart = at_most(0), .on_exhausted = OnExhausted::StopRuntime}).actor("b").start();
  EXPECT_THAT(world.tell(Fail{"a"}), ElementsAre("end a", "end b"));
  EXPECT_THAT(world.error(), ::testing::HasSubstr("a fails"));
}

TEST(Policy, TheRuntimeEndsWhenItsSignificantActorsHave) {
  World world({}, AutoShutdown::All);
  world.actor("a").actor("b", {.significant = true}).actor("c", {.significant = true}).start();
  EXPECT_THAT(world.tell(Finish{"b"}), ElementsAre("end b"));
  EXPECT_THAT(world.tell(Finish{"c"}), ElementsAre("end c", "end a"));
  EXPECT_EQ(world.error(), "");
}

TEST(Policy, AGroupEndsWithItsSignificantMember) {
  World world({{.name = "g", .auto_shutdown = AutoShutdown::Any}});
  world.actor("x").members("g", {"a", "b"}).actor("c", {.member_of = "g", .significant = true}).start();
  EXPECT_THAT(world.tell(Finish{"c"}), ElementsAre("end c", "end b", "end a"));
  EXPECT_THAT(world.supervisor.actors(), ElementsAre(actor::ActorId("x")));
}

TEST(Policy, OnThreadsAGroupIsMadeAnewToo) {
  struct Counter : actor::Actor<Events> {
    explicit Counter(std::atomic<int>* lives) : lives_(lives) {}
    void on_start() override {
      if (++*lives_ == 20) ctx().stop_runtime();
    }
    void handle_event(const actor::Envelope<Events>& envelope) override {
      if (envelope.get_if<Fail>() && !envelope.redelivered()) throw std::runtime_error("fails");
    }
    std::atomic<int>* lives_;
  };
  struct Breaker : actor::Actor<Events> {
    void on_start() override {
      ctx().every(1ms, [this] { ctx().send(Fail{"a"}); });
    }
  };
  actor::SupervisorConfig config;
  config.threads = 2;
  config.groups = {{.name = "g", .strategy = RestartStrategy::OneForAll, .restarts = 10000}};
  config.default_restart = {.restart = RestartClass::Transient, .max = 1ms, .restarts = 10000};
  actor::Supervisor<Events> supervisor(config);
  std::map<std::string, std::atomic<int>> lives;
  for (const std::string name : {"a", "b", "c"}) {
    auto topics = name == "a" ? actor::Subscribe{actor::of<Fail>} : actor::Subscribe::none();
    supervisor.build_actor<Counter>(name, &lives[name]).topics(topics).config({.member_of = "g"}).add();
  }
  supervisor.add_actor<Breaker>("breaker", actor::Subscribe::none());
  supervisor.run();
  EXPECT_GE(lives["a"], 19);
  EXPECT_GE(lives["b"], 19);
  EXPECT_THAT(supervisor.errors(), IsEmpty());
}

}  // namespace policy_test
