// The restart policy under a clock that the test turns: what is restarted, when, and when it is given up.

#include <gtest/gtest.h>

#include <csignal>
#include <supervision/exit.hpp>
#include <supervision/restart_policy.hpp>

namespace actor::supervision {
namespace {

using namespace std::chrono_literals;
using Action = Decision::Action;

int exited(int code) {
  return code << 8;
}
int killed_by(int signal) {
  return signal;
}

RestartRules exact_rules() {
  RestartRules rules;
  rules.jitter = 0.0;
  rules.restarts = 1000;
  return rules;
}

const Exit crash{Exit::Kind::Signal, SIGSEGV};
const Exit clean{};

TEST(Exit, EachEndHasExactlyOneClass) {
  EXPECT_EQ(to_string(classify(exited(0), {})), "clean");
  EXPECT_EQ(to_string(classify(exited(3), {})), "error(3)");
  EXPECT_EQ(to_string(classify(killed_by(SIGSEGV), {})), "signal(SIGSEGV)");
  EXPECT_EQ(to_string(classify(killed_by(SIGSEGV) | 0x80, {})), "signal(SIGSEGV)");
  EXPECT_EQ(to_string(classify(exited(never_restart_code), {})), "incompatible");
  EXPECT_EQ(to_string(classify(killed_by(SIGKILL), {.start_timed_out = true})), "start_timeout");
  EXPECT_EQ(to_string(classify(killed_by(SIGKILL), {.stop_timed_out = true, .stop_requested = true})), "stop_timeout");
  EXPECT_EQ(to_string(classify(exited(0), {.overflowed = true, .stop_requested = true})), "overflow");
  EXPECT_EQ(to_string(classify(killed_by(SIGKILL), {.corrupt = true})), "corrupt");
  EXPECT_EQ(to_string(classify(exited(1), {.refused = true})), "incompatible");
  EXPECT_EQ(to_string(classify(killed_by(SIGSEGV), {.companion_ended = true})), "companion");
  EXPECT_EQ(to_string(classify(killed_by(SIGKILL), {.hung = true, .companion_ended = true})), "watchdog");
  EXPECT_EQ(to_string(classify(exited(0), {.process_exited = true})), "error(0)");
}

TEST(Exit, AStopThatWasAskedForIsCleanUnlessTheProcessCrashesOverIt) {
  const Circumstances asked{.stop_requested = true};
  EXPECT_EQ(classify(killed_by(SIGTERM), asked), clean);
  EXPECT_EQ(classify(exited(0), asked), clean);
  EXPECT_EQ(classify(killed_by(SIGSEGV), asked), crash);
  EXPECT_EQ(to_string(classify(killed_by(SIGTERM), {})), "signal(SIGTERM)");
}

TEST(Exit, TheManifestSaysWhatOtherExitCodesMean) {
  const ExitCodes codes{.success = {3, 4}, .never_restart = {5}};
  EXPECT_FALSE(classify(exited(4), {}, codes).abnormal());
  EXPECT_EQ(to_string(classify(exited(5), {}, codes)), "incompatible");
  EXPECT_EQ(to_string(classify(exited(78), {}, codes)), "error(78)");
  EXPECT_EQ(to_string(classify(exited(0), {}, codes)), "clean");
}

TEST(Exit, OnlyASigkillCanBeTheWorkOfTheOomKiller) {
  EXPECT_EQ(to_string(classify(killed_by(SIGKILL), {.oom_seen = true})), "oom");
  EXPECT_EQ(classify(killed_by(SIGSEGV), {.oom_seen = true}), crash);
  EXPECT_EQ(to_string(classify(killed_by(SIGKILL), {})), "signal(SIGKILL)");
}

TEST(Exit, OfAProcessThatIsNotOurChildOnlyItsGoodbyeTells) {
  EXPECT_EQ(to_string(classify_unknown({}, true)), "clean");
  EXPECT_EQ(to_string(classify_unknown({}, false)), "lost");
  EXPECT_EQ(to_string(classify_unknown({.corrupt = true}, true)), "corrupt");
}

TEST(RestartPolicy, TheClassSaysWhoComesBack) {
  for (const auto& [restart, after_clean, after_crash] :
       {std::tuple{RestartClass::Permanent, Action::Restart, Action::Restart},
        std::tuple{RestartClass::Transient, Action::LeaveEnded, Action::Restart},
        std::tuple{RestartClass::Temporary, Action::LeaveEnded, Action::LeaveEnded}}) {
    auto rules = exact_rules();
    rules.restart = restart;
    EXPECT_EQ(RestartPolicy(rules, 1).ended(clean, 1s).action, after_clean);
    EXPECT_EQ(RestartPolicy(rules, 1).ended(crash, 1s).action, after_crash);
  }
}

TEST(RestartPolicy, AnIncompatibleProgramIsNeverRestarted) {
  RestartPolicy policy(exact_rules(), 1);
  EXPECT_EQ(policy.ended({Exit::Kind::Incompatible, 0}, 1s).action, Action::LeaveEnded);
}

TEST(RestartPolicy, TheFirstRestartIsAtOnceThenTheDelayDoublesUpToTheMaximum) {
  RestartPolicy policy(exact_rules(), 1);
  std::chrono::nanoseconds now = 1s;
  for (const auto expected : {0ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1280ms, 2560ms, 5000ms, 5000ms}) {
    EXPECT_EQ(policy.ended(crash, now += 1s).delay, expected);
  }
}

TEST(RestartPolicy, ManyRestartsDoNotOverflowTheDelay) {
  auto rules = exact_rules();
  rules.max = std::chrono::hours(24 * 365 * 100);
  RestartPolicy policy(rules, 1);
  std::chrono::nanoseconds previous = 0ns;
  for (int i = 0; i < 900; ++i) {
    const auto delay = policy.ended(crash, std::chrono::hours(i)).delay;
    ASSERT_GE(delay, previous);
    ASSERT_LE(delay, rules.max);
    previous = delay;
  }
  EXPECT_EQ(previous, rules.max);
}

TEST(RestartPolicy, BeingReadyLongEnoughMakesTheNextRestartImmediateAgain) {
  RestartPolicy policy(exact_rules(), 1);
  EXPECT_EQ(policy.ended(crash, 1s).delay, 0ms);
  EXPECT_EQ(policy.ended(crash, 2s).delay, 10ms);
  policy.became_ready(3s);
  EXPECT_EQ(policy.ended(crash, 13s - 1ns).delay, 20ms);  // Ready for less than reset_after
  policy.became_ready(20s);
  EXPECT_EQ(policy.ended(crash, 30s).delay, 0ms);
}

TEST(RestartPolicy, RunningWithoutEverGettingReadyResetsNothing) {
  RestartPolicy policy(exact_rules(), 1);
  EXPECT_EQ(policy.ended(crash, 1s).delay, 0ms);
  EXPECT_EQ(policy.ended(crash, 1000s).delay, 10ms);
}

TEST(RestartPolicy, OneRestartMoreThanTheBudgetInsideTheWindowQuarantines) {
  auto rules = exact_rules();
  rules.restarts = 3;
  rules.within = 10s;
  RestartPolicy policy(rules, 1);
  for (const auto now : {1s, 2s, 3s}) EXPECT_EQ(policy.ended(crash, now).action, Action::Restart);
  EXPECT_EQ(policy.ended(crash, 11s - 1ns).action, Action::Quarantine);
}

TEST(RestartPolicy, TheWindowSlides) {
  auto rules = exact_rules();
  rules.restarts = 3;
  rules.within = 10s;
  RestartPolicy policy(rules, 1);
  for (const auto now : {1s, 2s, 3s, 11s, 12s, 13s, 21s}) EXPECT_EQ(policy.ended(crash, now).action, Action::Restart);
  EXPECT_EQ(policy.ended(crash, 21s).action, Action::Quarantine);  // 12, 13, 21 and this one
  EXPECT_EQ(policy.restarts(), 7u);
}

TEST(RestartPolicy, AnOperatorsStartForgivesTheQuarantine) {
  auto rules = exact_rules();
  rules.restarts = 1;
  RestartPolicy policy(rules, 1);
  EXPECT_EQ(policy.ended(crash, 1s).action, Action::Restart);
  EXPECT_EQ(policy.ended(crash, 2s).action, Action::Quarantine);
  policy.forgive();
  const Decision decision = policy.ended(crash, 3s);
  EXPECT_EQ(decision.action, Action::Restart);
  EXPECT_EQ(decision.delay, 0ms);
}

TEST(RestartPolicy, ABudgetOfZeroQuarantinesAtTheFirstEnd) {
  auto rules = exact_rules();
  rules.restarts = 0;
  EXPECT_EQ(RestartPolicy(rules, 1).ended(crash, 1s).action, Action::Quarantine);
}

TEST(RestartPolicy, JitterIsSeededAndOnlyShortens) {
  constexpr std::uint64_t seed = 4711;
  RecordProperty("seed", std::to_string(seed));
  auto rules = exact_rules();
  rules.jitter = 0.2;
  RestartPolicy first(rules, seed), second(rules, seed), other(rules, seed + 1);
  bool differs = false;
  for (int i = 1; i < 40; ++i) {
    const auto delay = first.ended(crash, i * 1s).delay;
    EXPECT_EQ(delay, second.ended(crash, i * 1s).delay);
    differs |= delay != other.ended(crash, i * 1s).delay;
    EXPECT_LE(delay, rules.max);
    EXPECT_GE(delay, i > 12 ? rules.max * 4 / 5 : 0ns);
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace actor::supervision
