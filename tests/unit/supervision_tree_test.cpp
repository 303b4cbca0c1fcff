// The supervision tree under a clock that the test turns: who is restarted with whom, in which order, what happens when
// restarting does not help. The cases that OTP's supervisors know behave as theirs.

#include <gtest/gtest.h>

#include <csignal>
#include <supervision/start_order.hpp>
#include <supervision/tree.hpp>

namespace actor::supervision {
namespace {

using namespace std::chrono_literals;
using Standing = SupervisionTree::Standing;
using Verdict = Outcome::Verdict;
using Log = std::vector<std::string>;

const Exit crash{Exit::Kind::Signal, SIGSEGV};
const Exit clean{};
const Exit refused{Exit::Kind::Incompatible, 78};

std::string to_string(const Step& step) {
  switch (step.kind) {
    case Step::Kind::Start:
      return "start " + step.who;
    case Step::Kind::Stop:
      return (step.for_good ? "stop for good " : "stop ") + step.who;
    case Step::Kind::StayEnded:
      return "stays ended " + step.who;
    case Step::Kind::Quarantine:
      return "quarantine " + step.who;
    case Step::Kind::Done:
      return (step.clean ? "done with " : "done, but not cleanly, with ") + step.who;
    case Step::Kind::StopRuntime:
      return "stop the runtime because of " + step.who;
    case Step::Kind::Reboot:
      return "reboot because of " + step.who;
  }
  return "?";
}

/// An owner of a tree that carries out each step at once and well, unless the test wants to do that.
class World {
 public:
  explicit World(AutoShutdown of_the_runtime = AutoShutdown::Never) : tree(of_the_runtime) {}

  World& group(GroupConfig config) {
    tree.add_group(config);
    return *this;
  }
  World& actor(ActorRules rules) {
    rules.restart.jitter = 0.0;
    tree.add_actor(rules, 1);
    return *this;
  }
  World& actors(const std::string& group, const Log& names) {
    for (const auto& name : names) actor({.name = name, .group = group});
    return *this;
  }
  Log start() {
    tree.start_all(now);
    return carry_out();
  }
  Log fail(const std::string& who, const Exit& exit = crash) {
    outcome = tree.ended(who, exit, now);
    return carry_out();
  }
  Log wait(std::chrono::nanoseconds time) {
    now += time;
    tree.pass(now);
    return carry_out();
  }
  /// Says what is asked for, without doing it.
  Log asked() {
    Log log;
    for (const Step& step : tree.take_steps()) log.push_back(to_string(step));
    return log;
  }
  Log carry_out() {
    Log log;
    for (auto steps = tree.take_steps(); !steps.empty(); steps = tree.take_steps()) {
      for (const Step& step : steps) {
        log.push_back(to_string(step));
        if (step.kind == Step::Kind::Start) tree.became_ready(step.who, now);
        if (step.kind == Step::Kind::Stop) tree.ended(step.who, clean, now);
      }
    }
    return log;
  }

  SupervisionTree tree;
  std::chrono::nanoseconds now = 1000s;
  Outcome outcome;
};

TEST(SupervisionTree, StartsInOrderAndStopsInReverse) {
  World world;
  world.group({.name = "g"}).actors("g", {"a", "b"}).actors("", {"c"});
  EXPECT_EQ(world.start(), (Log{"start a", "start b", "start c"}));
  EXPECT_EQ(world.tree.stop_order(), (Log{"c", "b", "a"}));
}

TEST(SupervisionTree, OneForOneRestartsWhoFailedAlone) {
  World world;
  world.group({.name = "g"}).actors("g", {"a", "b", "c"}).start();
  EXPECT_EQ(world.fail("b"), Log{"start b"});
  EXPECT_EQ(world.outcome.verdict, Verdict::Restarts);
  EXPECT_EQ(world.outcome.group, "");
}

TEST(SupervisionTree, WhoDiesWithItsProcessIsNotCharged) {
  const Exit companion{Exit::Kind::Companion, 0};
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll});
  world.actor({.name = "a", .group = "g", .restart = {.restarts = 1}}).actors("g", {"b"});
  world.actor({.name = "once", .restart = {.restart = RestartClass::Temporary}}).start();
  for (int death = 1; death <= 5; ++death) {
    EXPECT_EQ(world.fail("a", companion), Log{"start a"}) << "neither backoff, nor its group";
    EXPECT_EQ(world.outcome.verdict, Verdict::Restarts);
  }
  EXPECT_EQ(world.fail("a"), (Log{"stop b", "start a", "start b"})) << "its budget is untouched";
  EXPECT_EQ(world.fail("once", companion), Log{"stays ended once"});
}

TEST(SupervisionTree, OneForAllStopsTheOthersInReverseThenStartsAllInOrder) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("", {"x"}).actors("g", {"a", "b", "c"});
  world.start();
  EXPECT_EQ(world.fail("b"), (Log{"stop c", "stop a", "start a", "start b", "start c"}));
  EXPECT_EQ(world.outcome.group, "g");
}

TEST(SupervisionTree, RestForOneRestartsWhatStartedAfterIt) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::RestForOne}).actors("g", {"a", "b", "c", "d"}).start();
  EXPECT_EQ(world.fail("b"), (Log{"stop d", "stop c", "start b", "start c", "start d"}));
  EXPECT_EQ(world.fail("d"), Log{"start d"});
}

TEST(SupervisionTree, RestForOneTakesANestedGroupAsOneMember) {
  World world;
  world.group({.name = "outer", .strategy = RestartStrategy::RestForOne}).group({.name = "inner", .parent = "outer"});
  world.actors("outer", {"a"}).actors("inner", {"b", "c"}).actors("outer", {"d"}).start();
  EXPECT_EQ(world.fail("a"), (Log{"stop d", "stop c", "stop b", "start a", "start b", "start c", "start d"}));
  EXPECT_EQ(world.fail("b"), Log{"start b"});  // inner's own affair
}

TEST(SupervisionTree, StopsOneAfterTheOtherAndStartsNobodyBeforeTheLastHasEnded) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("g", {"a", "b", "c"}).start();
  world.tree.ended("a", crash, world.now);
  EXPECT_EQ(world.asked(), Log{"stop c"});
  world.tree.ended("c", clean, world.now);
  EXPECT_EQ(world.asked(), Log{"stop b"});
  world.tree.ended("b", clean, world.now);
  EXPECT_EQ(world.asked(), (Log{"start a", "start b", "start c"}));
}

TEST(SupervisionTree, WhoDiesWhileItsGroupRestartsIsNotCountedAgain) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll, .restarts = 1}).actors("g", {"a", "b", "c"});
  world.start();
  world.tree.ended("a", crash, world.now);
  world.tree.ended("b", crash, world.now);  // not even told to stop yet
  world.tree.ended("c", crash, world.now);
  EXPECT_EQ(world.asked(), (Log{"stop c", "start a", "start b", "start c"}));
}

TEST(SupervisionTree, ARestartBecauseOfASiblingCostsTheOthersNothing) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll, .restarts = 100});
  ActorRules a{.name = "a", .group = "g"}, b{.name = "b", .group = "g"};
  a.restart.restarts = 100;
  b.restart.restarts = 0;
  world.actor(a).actor(b).start();
  for (int i = 0; i < 10; ++i) {
    world.fail("a");
    world.wait(10s);
    EXPECT_EQ(world.tree.standing("b"), Standing::Up);
  }
}

TEST(SupervisionTree, TheDelayBeforeAGroupStartsIsThatOfWhoFailed) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("g", {"a", "b"}).start();
  EXPECT_EQ(world.fail("a"), (Log{"stop b", "start a", "start b"}));
  EXPECT_EQ(world.fail("a"), Log{"stop b"});
  EXPECT_EQ(world.tree.next_due(), world.now + 10ms);
  EXPECT_EQ(world.wait(10ms), (Log{"start a", "start b"}));
}

TEST(SupervisionTree, ATransientActorThatEndsCleanlyStaysEndedAndDisturbsNobody) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll});
  world.actor({.name = "a", .group = "g", .restart = {.restart = RestartClass::Transient}}).actors("g", {"b"}).start();
  EXPECT_EQ(world.fail("a", clean), Log{"stays ended a"});
  EXPECT_EQ(world.fail("b"), (Log{"start a", "start b"})) << "a group that starts again starts all, as in OTP";
}

TEST(SupervisionTree, ATemporaryActorIsStoppedWithItsGroupAndNotStartedAgain) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("g", {"a"});
  world.actor({.name = "b", .group = "g", .restart = {.restart = RestartClass::Temporary}}).actors("g", {"c"}).start();
  EXPECT_EQ(world.fail("a"), (Log{"stop c", "stop for good b", "stays ended b", "start a", "start c"}));
  EXPECT_EQ(world.fail("a"), Log{"stop c"});
}

TEST(SupervisionTree, ATemporaryActorThatCrashesDisturbsNobody) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("g", {"a"});
  world.actor({.name = "b", .group = "g", .restart = {.restart = RestartClass::Temporary}}).start();
  EXPECT_EQ(world.fail("b"), Log{"stays ended b"});
}

TEST(SupervisionTree, WhoWasRefusedIsNeverRestartedNotEvenByItsGroup) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("g", {"a", "b"}).start();
  EXPECT_EQ(world.fail("a", refused), Log{"stays ended a"});
  EXPECT_EQ(world.fail("b"), Log{"start b"});
}

TEST(SupervisionTree, OneFailureMoreThanTheGroupsBudgetEscalatesToItsParent) {
  World world;
  world.group({.name = "outer", .strategy = RestartStrategy::OneForAll})
      .group({.name = "inner", .parent = "outer", .restarts = 2, .on_exhausted = OnExhausted::Escalate});
  world.actors("outer", {"a"}).actors("inner", {"b", "c"}).start();
  EXPECT_EQ(world.fail("b"), Log{"start b"});
  EXPECT_EQ(world.fail("c"), Log{"start c"});
  EXPECT_EQ(world.fail("b"), (Log{"stop c", "stop a"}));
  EXPECT_EQ(world.outcome.group, "outer");
  EXPECT_EQ(world.wait(10ms), (Log{"start a", "start b", "start c"}));
  EXPECT_EQ(world.fail("c"), Log{}) << "inner's budget begins anew, the backoff of c does not";
  EXPECT_EQ(world.wait(10ms), Log{"start c"});
}

TEST(SupervisionTree, UnderAOneForOneParentAnEscalationRestartsTheGroupAlone) {
  World world;
  world.group({.name = "outer"})
      .group({.name = "inner", .parent = "outer", .restarts = 0, .on_exhausted = OnExhausted::Escalate});
  world.actors("outer", {"a"}).actors("inner", {"b", "c"}).start();
  EXPECT_EQ(world.fail("b"), (Log{"stop c", "start b", "start c"}));
  EXPECT_EQ(world.outcome.group, "inner");
}

TEST(SupervisionTree, EscalationGoesUpUntilSomebodyEndsIt) {
  World world;
  world.group({.name = "1", .restarts = 0, .on_exhausted = OnExhausted::StopRuntime})
      .group({.name = "2", .parent = "1", .restarts = 0, .on_exhausted = OnExhausted::Escalate})
      .group({.name = "3", .parent = "2", .restarts = 0, .on_exhausted = OnExhausted::Escalate});
  world.actors("3", {"a"}).start();
  EXPECT_EQ(world.fail("a"), (Log{"stays ended a", "stop the runtime because of 1"}));
  EXPECT_EQ(world.outcome.verdict, Verdict::StopsRuntime);
}

TEST(SupervisionTree, FailuresThatAreFarApartExhaustNoBudget) {
  World world;
  world.group({.name = "g", .restarts = 1, .within = 10s}).actors("g", {"a", "b"}).start();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(world.fail(i % 2 ? "a" : "b"), Log{std::string("start ") + (i % 2 ? "a" : "b")});
    world.wait(10s);
  }
}

ActorRules exhausted_at_once(const std::string& name, const std::string& group, OnExhausted then,
                             std::chrono::nanoseconds retry = {}) {
  ActorRules rules{.name = name, .group = group, .on_exhausted = then, .quarantine_retry = retry};
  rules.restart.restarts = 0;
  return rules;
}

TEST(SupervisionTree, AQuarantinedActorsSiblingsLiveOnAndItIsTriedAgainLater) {
  World world;
  world.actor(exhausted_at_once("a", "", OnExhausted::Quarantine, 60s)).actors("", {"b"}).start();
  EXPECT_EQ(world.fail("a"), Log{"quarantine a"});
  EXPECT_EQ(world.outcome.verdict, Verdict::Quarantined);
  EXPECT_EQ(world.outcome.delay, 60s);
  EXPECT_EQ(world.wait(60s - 1ns), Log{});
  EXPECT_EQ(world.tree.next_due(), world.now + 1ns);
  EXPECT_EQ(world.wait(1ns), Log{"start a"});
}

TEST(SupervisionTree, ARetryIsOneTryUntilItHasBeenReadyForLongEnough) {
  World world;
  ActorRules rules{.name = "a", .quarantine_retry = 60s};
  rules.restart.restarts = 1;
  world.actor(rules).start();
  EXPECT_EQ(world.fail("a"), Log{"start a"});
  EXPECT_EQ(world.fail("a"), Log{"quarantine a"});
  EXPECT_EQ(world.wait(60s), Log{"start a"});
  world.now += 9s;
  EXPECT_EQ(world.fail("a"), Log{"quarantine a"}) << "reset_after is 10 s";
  EXPECT_EQ(world.wait(60s), Log{"start a"});
  world.now += 10s;
  EXPECT_EQ(world.fail("a"), Log{"start a"});
}

TEST(SupervisionTree, WithoutARetryAQuarantineLastsUntilAnOperatorStartsIt) {
  World world;
  world.actor(exhausted_at_once("a", "", OnExhausted::Quarantine)).start();
  world.fail("a");
  EXPECT_EQ(world.tree.next_due(), SupervisionTree::Time::max());
  world.tree.start("a", world.now);
  EXPECT_EQ(world.carry_out(), Log{"start a"});
}

TEST(SupervisionTree, AQuarantineTakesAlongWhatWouldHaveBeenRestarted) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll})
      .actors("g", {"a"})
      .actor(exhausted_at_once("b", "g", OnExhausted::Quarantine, 60s))
      .start();
  EXPECT_EQ(world.fail("b"), (Log{"quarantine b", "stop a", "quarantine a"}));
  EXPECT_EQ(world.wait(60s), (Log{"start a", "start b"}));
  EXPECT_EQ(world.fail("b"), (Log{"quarantine b", "stop a", "quarantine a"}));
  world.tree.start("a", world.now);
  EXPECT_EQ(world.carry_out(), (Log{"start a", "start b"})) << "what was quarantined together starts together";
}

TEST(SupervisionTree, AGroupCanBeQuarantinedAsAWhole) {
  World world;
  world.group({.name = "g", .restarts = 1, .quarantine_retry = 60s}).actors("g", {"a", "b"}).start();
  EXPECT_EQ(world.fail("a"), Log{"start a"});
  EXPECT_EQ(world.fail("b"), (Log{"quarantine b", "stop a", "quarantine a"}));
  EXPECT_EQ(world.outcome.group, "g");
  EXPECT_EQ(world.wait(60s), (Log{"start a", "start b"}));
  EXPECT_EQ(world.fail("a"), (Log{"quarantine a", "stop b", "quarantine b"})) << "it is on probation";
}

TEST(SupervisionTree, AnExhaustedActorCanRestartItsGroupWhichCountsAgainstTheGroup) {
  World world;
  world.group({.name = "g", .restarts = 1, .on_exhausted = OnExhausted::StopRuntime})
      .actor(exhausted_at_once("a", "g", OnExhausted::RestartGroup))
      .actors("g", {"b"})
      .start();
  EXPECT_EQ(world.fail("a"), (Log{"stop b", "start a", "start b"}));
  EXPECT_EQ(world.outcome.group, "g");
  EXPECT_EQ(world.fail("a"), (Log{"stays ended a", "stop the runtime because of g"}));
}

TEST(SupervisionTree, ExhaustionCanStopTheRuntimeOrRebootTheMachine) {
  World world;
  world.actor(exhausted_at_once("a", "", OnExhausted::StopRuntime))
      .actor(exhausted_at_once("b", "", OnExhausted::Reboot))
      .start();
  EXPECT_EQ(world.fail("a"), (Log{"stays ended a", "stop the runtime because of a"}));
  EXPECT_EQ(world.fail("b"), (Log{"stays ended b", "reboot because of b"}));
}

TEST(SupervisionTree, WhatAnOperatorRestartsDoesNotCount) {
  World world;
  world.actor(exhausted_at_once("a", "", OnExhausted::Quarantine)).start();
  for (int i = 0; i < 10; ++i) {
    world.tree.restart("a", world.now);
    EXPECT_EQ(world.carry_out(), (Log{"stop a", "start a"}));
  }
  EXPECT_EQ(world.fail("a"), Log{"quarantine a"});
}

TEST(SupervisionTree, AGroupThatIsRestartedStopsAndStartsInOrder) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::RestForOne})
      .group({.name = "inner", .parent = "g"})
      .actors("g", {"store"})
      .actor({.name = "app", .group = "inner", .depends_on = {{"store", Dependency::Ready}}})
      .actors("", {"other"})
      .start();
  world.tree.restart("app", world.now);  // without regard to dependencies, if it were alone
  world.tree.restart_group("g", world.now);
  EXPECT_EQ(world.carry_out(), (Log{"stop app", "stop store", "start store", "start app"}));
}

TEST(SupervisionTree, WhatAnOperatorStoppedItsGroupDoesNotBringBack) {
  World world;
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll}).actors("g", {"a", "b"}).start();
  world.tree.stop("b", world.now);
  EXPECT_EQ(world.carry_out(), (Log{"stop for good b", "stays ended b"}));
  EXPECT_EQ(world.fail("a"), Log{"start a"});
  world.tree.start("b", world.now);
  EXPECT_EQ(world.carry_out(), Log{"start b"});
}

TEST(SupervisionTree, AnOperatorsStopEndsABackoffAndAQuarantine) {
  World world;
  world.actors("", {"a"}).actor(exhausted_at_once("b", "", OnExhausted::Quarantine, 60s)).start();
  world.fail("a");
  EXPECT_EQ(world.fail("a"), Log{});
  world.fail("b");
  world.tree.stop("a", world.now);
  world.tree.stop("b", world.now);
  EXPECT_EQ(world.carry_out(), (Log{"stays ended a", "stays ended b"}));
  EXPECT_EQ(world.wait(1h), Log{});
}

TEST(SupervisionTree, NobodyIsStartedOnceTheRuntimeStops) {
  World world;
  world.actors("", {"a", "b"}).start();
  world.fail("a");
  world.fail("a");  // backs off
  world.tree.begin_shutdown();
  EXPECT_EQ(world.fail("b"), Log{"stays ended b"});
  EXPECT_EQ(world.wait(1h), Log{});
  EXPECT_EQ(world.tree.next_due(), SupervisionTree::Time::max());
}

// ---- dependencies ----

TEST(SupervisionTree, AnActorStartsWhenWhatItDependsOnIsReady) {
  World world;
  world.actor({.name = "app", .depends_on = {{"store", Dependency::Ready}, {"log", Dependency::Started}}});
  world.actors("", {"store", "log"});
  world.tree.start_all(world.now);
  EXPECT_EQ(world.asked(), (Log{"start store", "start log"}));
  world.tree.started("store", world.now);
  world.tree.started("log", world.now);
  EXPECT_EQ(world.asked(), Log{});
  EXPECT_EQ(world.tree.waits_for("app"), "store (ready)");
  world.tree.became_ready("store", world.now);
  EXPECT_EQ(world.asked(), Log{"start app"});
  EXPECT_EQ(world.tree.stop_order(), (Log{"app", "log", "store"})) << "dependents first";
}

TEST(SupervisionTree, WhoDependsOnACompletionWaitsForACleanEnd) {
  World world;
  world.actor({.name = "migrate", .restart = {.restart = RestartClass::Transient}});
  world.actor({.name = "app", .depends_on = {{"migrate", Dependency::Completed}}});
  EXPECT_EQ(world.start(), Log{"start migrate"});
  EXPECT_EQ(world.fail("migrate"), Log{"start migrate"});
  EXPECT_EQ(world.fail("migrate", clean), (Log{"stays ended migrate", "start app"}));
  EXPECT_EQ(world.fail("app"), Log{"start app"}) << "a completion lasts";
}

TEST(SupervisionTree, AFailureOfWhatAnActorDependsOnDoesNotStopIt) {
  World world;
  world.actors("", {"store"}).actor({.name = "app", .depends_on = {{"store", Dependency::Ready}}}).start();
  EXPECT_EQ(world.fail("store"), Log{"start store"});
  world.fail("store");  // backs off for 10 ms
  EXPECT_EQ(world.fail("app"), Log{}) << "it does not start without";
  EXPECT_EQ(world.wait(10ms), (Log{"start store", "start app"}));
}

TEST(SupervisionTree, AnOperatorStartsWithoutRegardToDependencies) {
  World world;
  world.actor(exhausted_at_once("store", "", OnExhausted::Quarantine));
  world.actor({.name = "app", .depends_on = {{"store", Dependency::Ready}}}).start();
  world.fail("store");
  EXPECT_EQ(world.fail("app"), Log{});
  world.tree.start("app", world.now);
  EXPECT_EQ(world.carry_out(), Log{"start app"});
}

TEST(StartOrder, IsAsGivenButForWhatWaits) {
  EXPECT_EQ(start_order({{"a", {"c"}}, {"b", {}}, {"c", {}}, {"d", {"a", "b"}}}).names, (Log{"b", "c", "a", "d"}));
  EXPECT_EQ(start_order({{"a", {"nobody"}}}).names, Log{"a"});
}

TEST(StartOrder, NamesTheCircle) {
  const auto order = start_order({{"x", {}}, {"y", {"a"}}, {"a", {"x", "b"}}, {"b", {"c"}}, {"c", {"a"}}});
  EXPECT_EQ(order.circle, (Log{"a", "b", "c", "a"}));
  EXPECT_EQ(start_order({{"a", {"a"}}}).circle, (Log{"a", "a"}));
}

// ---- significant actors ----

ActorRules job(const std::string& name, const std::string& group = "", RestartClass restart = RestartClass::Transient) {
  return {.name = name, .group = group, .restart = {.restart = restart}, .significant = true};
}

TEST(SupervisionTree, TheRuntimeEndsWithAnyOfItsSignificantActors) {
  World world(AutoShutdown::Any);
  world.actors("", {"a"}).actor(job("b")).actor(job("c")).start();
  EXPECT_EQ(world.fail("a", clean), Log{"start a"});
  EXPECT_EQ(world.fail("b"), Log{"start b"}) << "a transient actor that crashes is restarted";
  EXPECT_EQ(world.fail("c", clean), (Log{"stays ended c", "done with c"}));
}

TEST(SupervisionTree, TheRuntimeEndsWithTheLastOfItsSignificantActors) {
  World world(AutoShutdown::All);
  world.actors("", {"a"}).actor(job("b")).actor(job("c", "", RestartClass::Temporary)).start();
  EXPECT_EQ(world.fail("c"), Log{"stays ended c"});
  EXPECT_EQ(world.fail("b", clean), (Log{"stays ended b", "done, but not cleanly, with b"})) << "c was not clean";
}

TEST(SupervisionTree, AGroupEndsInReverseOrderWithItsSignificantMemberAndStaysEnded) {
  World world;
  world.group({.name = "g", .auto_shutdown = AutoShutdown::Any}).actors("g", {"a", "b"}).actor(job("c", "g"));
  world.actors("", {"x"}).start();
  EXPECT_EQ(world.fail("c", clean),
            (Log{"stays ended c", "stop for good b", "stays ended b", "stop for good a", "stays ended a"}));
  EXPECT_EQ(world.wait(1h), Log{});
}

TEST(SupervisionTree, AGroupThatHasEndedMayBeSignificantItself) {
  World world(AutoShutdown::All);
  world.group({.name = "g", .auto_shutdown = AutoShutdown::All, .significant = true});
  world.actors("g", {"a"}).actor(job("b", "g")).actor(job("c")).start();
  EXPECT_EQ(world.fail("c", clean), Log{"stays ended c"});
  EXPECT_EQ(world.fail("b", clean), (Log{"stays ended b", "stop for good a", "stays ended a", "done with g"}));
}

TEST(SupervisionTree, ASiblingsRestartEndsNoSignificantActorForGood) {
  World world(AutoShutdown::Any);
  world.group({.name = "g", .strategy = RestartStrategy::OneForAll, .auto_shutdown = AutoShutdown::Any});
  world.actors("g", {"a"}).actor(job("b", "g")).start();
  EXPECT_EQ(world.fail("a"), (Log{"stop b", "start a", "start b"}));
}

TEST(SupervisionTree, ASignificantActorInQuarantineForGoodHasEnded) {
  World world(AutoShutdown::Any);
  auto rules = job("a");
  rules.restart.restarts = 0;
  world.actor(rules).start();
  EXPECT_EQ(world.fail("a"), (Log{"quarantine a", "done, but not cleanly, with a"}));
}

// ---- a successor ----

TEST(SupervisionTree, ASuccessorGoesOnWhereItsPredecessorLeftOff) {
  constexpr std::uint64_t seed = 4711;
  RecordProperty("seed", std::to_string(seed));
  const auto made = [] {
    auto tree = std::make_unique<SupervisionTree>();
    tree->add_group({.name = "g", .strategy = RestartStrategy::OneForAll, .restarts = 3});
    for (const std::string name : {"a", "b", "c"})
      tree->add_actor({.name = name, .group = "g", .quarantine_retry = 60s}, seed);
    return tree;
  };
  // The same story for one tree that lives through it and for one that is replaced after every event.
  auto one = made(), other = made();
  std::chrono::nanoseconds now = 1s;
  const auto both = [&](auto&& tell) {
    tell(*one);
    tell(*other);
    EXPECT_EQ(one->take_steps(), other->take_steps());
    auto successor = made();
    successor->load(other->save());
    EXPECT_EQ(successor->save(), one->save());
    EXPECT_EQ(successor->next_due(), one->next_due());
    other = std::move(successor);
  };
  both([&](auto& tree) { tree.start_all(now); });
  for (const std::string name : {"a", "b", "c"}) both([&](auto& tree) { tree.became_ready(name, now); });
  for (int i = 0; i < 6; ++i) {
    now += 1s;
    both([&](auto& tree) { tree.ended("b", crash, now); });
    both([&](auto& tree) { tree.ended("c", clean, now); });
    both([&](auto& tree) { tree.ended("a", clean, now); });
    now = one->next_due() == SupervisionTree::Time::max() ? now : one->next_due();
    both([&](auto& tree) { tree.pass(now); });
  }
}

}  // namespace
}  // namespace actor::supervision
