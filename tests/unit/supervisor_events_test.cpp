// What becomes of events when actors of a supervisor fail: deterministic, on a virtual clock.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <stdexcept>

namespace supervisor_events {

struct Job {
  int number = 0;
};
struct Mode {
  int number = 0;
};
using Events = std::variant<Job, Mode>;
enum class Topic { Jobs, Mode };
constexpr Topic topic_of(const Job&) {
  return Topic::Jobs;
}
constexpr Topic topic_of(const Mode&) {
  return Topic::Mode;
}
constexpr actor::OverflowPolicy overflow_policy(Topic topic) {
  return topic == Topic::Jobs ? actor::OverflowPolicy::block() : actor::OverflowPolicy::drop_oldest();
}
struct Alarm {
  int number = 0;
};
enum class AlarmTopic { Loud };
constexpr AlarmTopic topic_of(const Alarm&) {
  return AlarmTopic::Loud;
}
constexpr actor::OverflowPolicy overflow_policy(AlarmTopic) {
  return actor::OverflowPolicy::fail();
}
constexpr bool is_latched(Topic topic) {
  return topic == Topic::Mode;
}

namespace {

using namespace std::chrono_literals;
using actor::AfterDeath;
using actor::DeadLetterReason;
using actor::DeliveryMode;
using actor::MailboxOnRestart;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Fails over the jobs that it is told to, each time.
struct Worker : actor::Actor<Events> {
  Worker(std::vector<std::string>* to, int bad_job, int bad_times) : seen(to), bad(bad_job), times(bad_times) {}
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const Mode* mode = envelope.get_if<Mode>())
      seen->push_back((envelope.latched() ? "latched mode " : "mode ") + std::to_string(mode->number));
    const Job* job = envelope.get_if<Job>();
    if (!job) return;
    seen->push_back(std::to_string(job->number) + "#" + std::to_string(envelope.attempt()));
    if (job->number == bad && static_cast<int>(envelope.attempt()) <= times) throw std::runtime_error("broken");
  }
  std::vector<std::string>* seen;
  int bad;
  int times;
};

struct Story {
  explicit Story(AfterDeath rules, int bad = 2, int times = 100) : supervisor(actor::simulated(7)) {
    supervisor.build_actor<Worker>("worker", &seen, bad, times)
        .topics({Topic::Jobs, Topic::Mode})
        .after_death(rules)
        .add();
    supervisor.start();
    for (int i = 1; i <= 4; ++i) supervisor.send(Job{i});
    supervisor.advance(1min);
  }
  std::vector<std::string> seen;
  actor::Supervisor<Events> supervisor;
};

TEST(SupervisorEvents, APoisonEventIsGivenUpAfterThreeDeathsAndTheActorGoesOnWithoutIt) {
  Story run(AfterDeath{});
  EXPECT_THAT(run.seen, ElementsAre("1#1", "2#1", "2#2", "2#3", "3#1", "4#1"));
  const auto letters = run.supervisor.dead_letters();
  ASSERT_EQ(letters.size(), 1u);
  ASSERT_NE(letters[0].get_if<Job>(), nullptr);
  EXPECT_EQ(letters[0].get_if<Job>()->number, 2);
  EXPECT_EQ(letters[0].get_if<Mode>(), nullptr);
  EXPECT_EQ(letters[0].reason, DeadLetterReason::Poison);
  EXPECT_EQ(letters[0].meta.attempt, 3u);
  EXPECT_EQ(letters[0].reader, actor::ActorId("worker"));
  EXPECT_EQ(letters[0].meta.sender, actor::ActorId("supervisor"));
  EXPECT_EQ(letters[0].topic, "Topic.Jobs");
  EXPECT_THAT(to_text(letters[0]), HasSubstr("given up by worker: poison, attempts: 3"));
  EXPECT_THAT(run.supervisor.errors(), IsEmpty()) << "its budget is for more than one poison event";
}

TEST(SupervisorEvents, AnEventThatFailsLessOftenIsHandledInTheEnd) {
  Story run(AfterDeath{}, 2, 2);
  EXPECT_THAT(run.seen, ElementsAre("1#1", "2#1", "2#2", "2#3", "3#1", "4#1"));
  EXPECT_THAT(run.supervisor.dead_letters(), IsEmpty());
}

TEST(SupervisorEvents, WithoutAPoisonLimitTheBudgetDecides) {
  Story run({.poison_after = 0});
  EXPECT_THAT(run.seen, ElementsAre("1#1", "2#1", "2#2", "2#3", "2#4", "2#5", "2#6"));
  EXPECT_EQ(run.supervisor.errors().size(), 1u);
  const auto letters = run.supervisor.dead_letters();
  ASSERT_EQ(letters.size(), 3u) << "the mailbox of who is given up is not lost in silence";
  for (const auto& letter : letters) EXPECT_EQ(letter.reason, DeadLetterReason::NoReader);
}

TEST(SupervisorEvents, AtMostOnceHandsOutNoEventAgain) {
  Story run({.delivery = DeliveryMode::AtMostOnce});
  EXPECT_THAT(run.seen, ElementsAre("1#1", "2#1", "3#1", "4#1"));
  ASSERT_EQ(run.supervisor.dead_letters().size(), 1u);
  EXPECT_EQ(run.supervisor.dead_letters()[0].reason, DeadLetterReason::InHand);
}

TEST(SupervisorEvents, TheMailboxIsDroppedOrGivenUpAtARestartIfThatIsWanted) {
  Story dropped({.mailbox = MailboxOnRestart::Drop}, 2, 1);
  EXPECT_THAT(dropped.seen, ElementsAre("1#1", "2#1"));
  EXPECT_THAT(dropped.supervisor.dead_letters(), IsEmpty());

  Story given_up({.mailbox = MailboxOnRestart::DeadLetter}, 2, 1);
  EXPECT_THAT(given_up.seen, ElementsAre("1#1", "2#1"));
  const auto letters = given_up.supervisor.dead_letters();
  ASSERT_EQ(letters.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(letters[static_cast<std::size_t>(i)].get_if<Job>()->number, i + 2)
        << "the event in hand is the front of the mailbox";
    EXPECT_EQ(letters[static_cast<std::size_t>(i)].reason, DeadLetterReason::Restart);
    EXPECT_EQ(letters[static_cast<std::size_t>(i)].meta.attempt, i == 0 ? 1u : 0u);
  }
  given_up.supervisor.send(Job{5});
  given_up.supervisor.settle();
  EXPECT_EQ(given_up.seen.back(), "5#1");
}

TEST(SupervisorEvents, WhoIsMadeAnewKnowsTheLastValueOfALatchedTopicFirst) {
  std::vector<std::string> seen;
  actor::Supervisor<Events> supervisor(actor::simulated(3));
  supervisor.start();
  supervisor.send(Mode{1});
  supervisor.send(Mode{2});
  supervisor.settle();
  supervisor.add_actor<Worker>("worker", {Topic::Jobs, Topic::Mode}, &seen, 5, 1);
  supervisor.send(Job{4});
  supervisor.send(Job{5});
  supervisor.advance(1min);
  EXPECT_THAT(seen, ElementsAre("latched mode 2", "4#1", "5#1", "latched mode 2", "5#2"));
}

using WatchedEvents = std::variant<Job, actor::sys::Up, actor::sys::Ready, actor::sys::Down, actor::sys::Quarantined>;

/// Notes what the runtime tells of "worker".
struct Watcher : actor::Actor<WatchedEvents> {
  explicit Watcher(std::vector<std::string>* to) : seen(to) {}
  void handle_event(const actor::Envelope<WatchedEvents>& envelope) override {
    const auto note = [&](const std::string& what, const std::string& who, std::uint32_t incarnation) {
      if (who == "worker") seen->push_back(what + " " + std::to_string(incarnation));
    };
    if (const auto* up = envelope.get_if<actor::sys::Up>()) note("up", up->actor, up->incarnation);
    if (const auto* ready = envelope.get_if<actor::sys::Ready>()) note("ready", ready->actor, ready->incarnation);
    if (const auto* gone = envelope.get_if<actor::sys::Quarantined>())
      note("quarantined", gone->actor, gone->incarnation);
    if (const auto* down = envelope.get_if<actor::sys::Down>()) {
      const std::string last = down->last_event ? ", an event in hand" : "";
      note("down, " + down->reason + last + (down->comes_back ? ", comes back" : ""), down->actor, down->incarnation);
    }
  }
  std::vector<std::string>* seen;
};

struct FailingWorker : actor::Actor<WatchedEvents> {
  void handle_event(const actor::Envelope<WatchedEvents>& envelope) override {
    if (envelope.attempt() == 1) throw std::runtime_error("broken");
  }
};

TEST(SupervisorEvents, LivesAndDeathsAreEventsOfASystemTopic) {
  std::vector<std::string> seen;
  actor::Supervisor<WatchedEvents> supervisor(actor::simulated(11));
  supervisor.add_actor<Watcher>("watcher", actor::Subscribe::named({std::string(actor::sys::topic)}), &seen);
  supervisor.add_actor<FailingWorker>("worker", Topic::Jobs);
  supervisor.start();
  supervisor.send(Job{1});
  supervisor.advance(1s);
  EXPECT_THAT(seen,
              ElementsAre("up 1", "ready 1", "down, error(1), an event in hand, comes back 1", "up 2", "ready 2"));
  supervisor.remove_actor(actor::ActorId("worker"));
  supervisor.settle();
  EXPECT_EQ(seen.back(), "down, clean 2");
}

TEST(SupervisorEvents, AQuarantineIsAnEventToo) {
  std::vector<std::string> seen;
  actor::Supervisor<WatchedEvents> supervisor(actor::simulated(11));
  supervisor.add_actor<Watcher>("watcher", actor::Subscribe::named({std::string(actor::sys::topic)}), &seen);
  supervisor.build_actor<FailingWorker>("worker")
      .topics(Topic::Jobs)
      .with_config([](actor::ActorConfig& config) {
        config.restart = actor::RestartRules{.restarts = 0};
        config.quarantine_retry = 1min;
      })
      .add();
  supervisor.start();
  supervisor.send(Job{1});
  supervisor.advance(1s);
  EXPECT_THAT(seen, ElementsAre("up 1", "ready 1", "down, error(1), an event in hand 1", "quarantined 1"));
  seen.clear();
  supervisor.advance(1min);
  EXPECT_THAT(seen, ElementsAre("up 2", "ready 2"));
}

struct Guard : actor::Actor<std::variant<Alarm>> {
  explicit Guard(std::vector<int>* to) : seen(to) {}
  void handle_event(const actor::Envelope<std::variant<Alarm>>& envelope) override {
    seen->push_back(envelope.get_if<Alarm>()->number);
  }
  std::vector<int>* seen;
};

TEST(SupervisorEvents, AnOverflowOfAFailTopicGivesUpItsQueue) {
  std::vector<int> seen;
  actor::Supervisor<std::variant<Alarm>> supervisor(actor::simulated(3));
  supervisor.build_actor<Guard>("guard", &seen)
      .topics(AlarmTopic::Loud)
      .with_config([](actor::ActorConfig& config) { config.channel_capacity = 4; })
      .add();
  supervisor.start();
  supervisor.settle();
  for (int i = 1; i <= 6; ++i) supervisor.send(Alarm{i});
  supervisor.advance(1s);
  EXPECT_THAT(seen, IsEmpty());
  std::vector<int> given_up;
  for (const auto& letter : supervisor.dead_letters()) {
    EXPECT_EQ(letter.reason, DeadLetterReason::Overflow);
    given_up.push_back(letter.get_if<Alarm>()->number);
  }
  EXPECT_THAT(given_up, ::testing::UnorderedElementsAre(1, 2, 3, 4, 5, 6)) << "those that overflowed, and the queue";
  supervisor.send(Alarm{7});
  supervisor.settle();
  EXPECT_THAT(seen, ElementsAre(7)) << "its next life begins with an empty mailbox";
}

TEST(SupervisorEvents, AllTopicsDoNotIncludeTheRuntimesOwn) {
  std::vector<std::string> seen;
  actor::Supervisor<WatchedEvents> supervisor(actor::simulated(11));
  std::vector<std::string> other;
  supervisor.add_actor<Watcher>("one", actor::Subscribe::all(), &seen);
  supervisor.add_actor<Watcher>("two", actor::Subscribe::all().and_named({actor::sys::topic}), &other);
  supervisor.add_actor<FailingWorker>("worker", Topic::Jobs);
  supervisor.start();
  supervisor.settle();
  EXPECT_THAT(seen, IsEmpty());
  EXPECT_THAT(other, ElementsAre("up 1", "ready 1"));
}

TEST(SupervisorEvents, TheOldestDeadLettersMakeRoomAndAreCounted) {
  actor::SupervisorConfig config = actor::simulated(5);
  config.dead_letter_limit = 2;
  std::vector<std::string> seen;
  actor::Supervisor<Events> supervisor(config);
  supervisor.build_actor<Worker>("worker", &seen, 1, 100)
      .topics(Topic::Jobs)
      .after_death({.mailbox = MailboxOnRestart::DeadLetter})
      .add();
  supervisor.start();
  for (int i = 1; i <= 9; ++i) supervisor.send(Job{i});
  supervisor.advance(1min);
  EXPECT_EQ(supervisor.dead_letter_count(), 9u);
  ASSERT_EQ(supervisor.dead_letters().size(), 2u);
  EXPECT_EQ(supervisor.dead_letters()[1].get_if<Job>()->number, 9);
}

}  // namespace
}  // namespace supervisor_events
