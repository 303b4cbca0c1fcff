#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <atomic>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace supervisor_test {

struct Work {
  int number = 0;
};
struct Result {
  int number = 0;
};
using Events = std::variant<Work, Result>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Work>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Result>) {
  return actor::OverflowPolicy::block();
}

using actor::Envelope;
using actor::RestartClass;
using actor::StepAction;
using actor::Subscribe;
using actor::Supervisor;
using namespace std::chrono_literals;

/// Counts what it is given, over all its lives.
struct Counter : actor::Actor<Events> {
  explicit Counter(std::vector<int>* seen) : seen_(seen) {}
  void handle_event(const Envelope<Events>& envelope) override {
    if (const Work* work = envelope.get_if<Work>()) seen_->push_back(work->number);
    if (const Result* result = envelope.get_if<Result>()) seen_->push_back(-result->number);
  }
  std::vector<int>* seen_;
};

struct Worker : actor::Actor<Events> {
  void handle_event(const Envelope<Events>& envelope) override {
    if (const Work* work = envelope.get_if<Work>()) ctx().send_child_event(Result{work->number}, envelope.id());
  }
};

TEST(SimulatedSupervisor, RunsNothingBeforeItIsAskedTo) {
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Counter>("counter", actor::of<Work>, &seen);
  supervisor.start();
  EXPECT_TRUE(supervisor.send(Work{7}));
  EXPECT_TRUE(seen.empty());
  supervisor.settle();
  EXPECT_EQ(seen, std::vector{7});
}

TEST(SimulatedSupervisor, PassesTimeOnlyWhenItIsAdvanced) {
  struct Ticker : actor::Actor<Events> {
    void on_start() override {
      ctx().every(1h, [this] { ctx().send(Work{++count}); });
    }
    int count = 0;
  };
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Ticker>("ticker", Subscribe::none());
  supervisor.add_actor<Counter>("counter", actor::of<Work>, &seen);
  supervisor.start();
  supervisor.settle();
  EXPECT_TRUE(seen.empty());
  supervisor.advance(24h);
  EXPECT_EQ(seen.size(), 24u);
  EXPECT_EQ(supervisor.now(), 24h);
}

TEST(SimulatedSupervisor, MakesAFailedActorAnewAndGivesItTheEventAgain) {
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1, {actor::Fault::crash("counter", 2)}));
  supervisor.add_actor<Counter>("counter", actor::of<Work>, &seen);
  supervisor.start();
  for (int i = 1; i <= 4; ++i) supervisor.send(Work{i});
  supervisor.settle();
  EXPECT_EQ(seen, (std::vector{1, 2, 3, 4}));
  EXPECT_TRUE(supervisor.errors().empty());
}

TEST(SimulatedSupervisor, GivesUpOnAnActorWhoseBudgetIsSpentAndTheOthersGoOn) {
  struct Failing : actor::Actor<Events> {
    void handle_event(const Envelope<Events>&) override { throw std::runtime_error("broken"); }
  };
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Failing>("failing", actor::of<Work>);
  supervisor.add_actor<Counter>("counter", actor::of<Work>, &seen);
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.send(Work{2});  // three lives for each event, and then they are over
  supervisor.advance(1min);
  EXPECT_EQ(seen, (std::vector{1, 2}));
  ASSERT_EQ(supervisor.errors().size(), 1u);
  EXPECT_NE(std::string(supervisor.errors()[0].what()).find("broken"), std::string::npos);
  supervisor.stop();
  EXPECT_THROW(supervisor.join(), actor::Error);
}

TEST(SimulatedSupervisor, RepeatsARunFromItsSeed) {
  const auto run = [](std::uint64_t seed) {
    std::vector<int> seen;
    Supervisor<Events> supervisor(actor::simulated(seed));
    for (int i = 0; i < 5; ++i) supervisor.add_actor<Worker>("worker" + std::to_string(i), actor::of<Work>);
    supervisor.add_actor<Counter>("counter", Subscribe::all(), &seen);
    supervisor.start();
    for (int i = 1; i <= 20; ++i) supervisor.send(Work{i});
    supervisor.settle();
    return seen;
  };
  EXPECT_EQ(run(3), run(3));
  EXPECT_EQ(run(3).size(), 120u);
  bool differs = false;
  for (std::uint64_t seed = 4; seed < 20; ++seed) differs |= run(seed) != run(3);
  EXPECT_TRUE(differs) << "sixteen seeds made the same choices";
}

TEST(SimulatedSupervisor, ReportsACircleOfActorsThatWaitForEachOther) {
  struct Doubling : actor::Actor<Events> {
    explicit Doubling(bool works) : works_(works) {}
    void on_start() override {
      if (works_) ctx().send(Work{1});
    }
    void handle_event(const Envelope<Events>&) override {
      for (int i = 0; i < 2; ++i) {
        if (works_) {
          ctx().send(Work{1});
        } else {
          ctx().send(Result{1});
        }
      }
    }
    bool works_;
  };
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Doubling>("left", actor::of<Result>, true);
  supervisor.add_actor<Doubling>("right", actor::of<Work>, false);
  supervisor.start();
  supervisor.settle();
  ASSERT_EQ(supervisor.stalls().size(), 1u);
  EXPECT_NE(supervisor.stalls()[0].find("left waits for right on topic Work"), std::string::npos)
      << supervisor.stalls()[0];
  EXPECT_NE(supervisor.stalls()[0].find("right waits for left on topic Result"), std::string::npos);
  supervisor.stop();
  supervisor.join();
}

TEST(SimulatedSupervisor, SaysWhichActorsKeepJoinWaiting) {
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Counter>("patient", actor::of<Work>, &seen);
  supervisor.start();
  try {
    supervisor.join();
    FAIL() << "join() returned";
  } catch (const actor::Error& error) {
    EXPECT_EQ(error.code(), actor::ErrorCode::Stalled);
    EXPECT_NE(std::string(error.what()).find("patient"), std::string::npos);
  }
}

TEST(SimulatedSupervisor, StampsWhatIsSentFromOutsideWithTheTimeOfNow) {
  struct Stamps : actor::Actor<Events> {
    explicit Stamps(std::vector<std::chrono::nanoseconds>* seen) : seen_(seen) {}
    void handle_event(const Envelope<Events>& envelope) override {
      seen_->push_back(envelope.meta().monotonic_time.time_since_epoch());
    }
    std::vector<std::chrono::nanoseconds>* seen_;
  };
  std::vector<std::chrono::nanoseconds> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Worker>("worker", Subscribe::none());
  supervisor.add_actor<Stamps>("stamps", actor::of<Work>, &seen);
  EXPECT_THROW(supervisor.call_on(actor::ActorId("worker"), [](actor::Host&) {}), actor::Error) << "before start()";
  supervisor.start();
  for (int day = 0; day < 3; ++day) {
    supervisor.call_on(actor::ActorId("worker"), [](actor::Host& host) {
      const Work work{1};
      const auto topic = host.port.open_topic("Work", actor::OverflowPolicy::block());
      host.port.send({.type = &actor::event_type<Work>(), .event = &work, .topic = topic, .parent = {}});
    });
    supervisor.advance(24h);
  }
  EXPECT_EQ(seen, (std::vector<std::chrono::nanoseconds>{0h, 24h, 48h}));
}

TEST(SimulatedSupervisor, SendsVariantsAndEnvelopesToo) {
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Counter>("counter", Subscribe::all(), &seen);
  supervisor.start();
  supervisor.send(Events(Result{2}));
  supervisor.send(actor::OwnedEnvelope<Events>::make(Work{3}, actor::ActorId("somebody")));
  supervisor.settle();
  EXPECT_EQ(seen, (std::vector{-2, 3}));
}

/// Emits two events for each that it is given, to a reader that is slower than it.
TEST(Supervisor, AnActorMayEmitTwoEventsForEachOneItReceives) {
  struct Doubler : actor::Actor<Events> {
    void handle_event(const Envelope<Events>& envelope) override {
      if (const Work* work = envelope.get_if<Work>()) {
        ctx().send(Result{work->number});
        ctx().send(Result{work->number});
      }
    }
  };
  struct Sink : actor::Actor<Events> {
    void handle_event(const Envelope<Events>&) override {
      if (++count == 20000) ctx().stop_runtime();
    }
    int count = 0;
  };
  for (const std::size_t threads : {1, 2}) {
    Supervisor<Events> supervisor({.threads = threads});
    supervisor.add_actor<Doubler>("doubler", actor::of<Work>);
    supervisor.add_actor<Sink>("sink", actor::of<Result>);
    supervisor.start();
    for (int i = 0; i < 500; ++i) supervisor.send(Work{i});
    for (int sent = 500; sent < 10000; ++sent) supervisor.send(Work{sent});
    supervisor.join();
  }
}

TEST(Supervisor, ReportsACircleInRealTimeTooAndStopsNevertheless) {
  struct Doubling : actor::Actor<Events> {
    explicit Doubling(bool works) : works_(works) {}
    void on_start() override {
      if (works_) ctx().send(Work{1});
    }
    void handle_event(const Envelope<Events>&) override {
      for (int i = 0; i < 2; ++i) {
        if (works_) {
          ctx().send(Work{1});
        } else {
          ctx().send(Result{1});
        }
      }
    }
    bool works_;
  };
  struct Waiter : actor::Monitor {
    void on_stall(const std::string& report) override {
      text = report;
      reported = true;
      reported.notify_all();
    }
    std::string text;
    std::atomic<bool> reported = false;
  };
  Supervisor<Events> supervisor;
  auto waiter = std::make_shared<Waiter>();
  supervisor.monitors().add(waiter);
  supervisor.add_actor<Doubling>("left", actor::of<Result>, true);
  supervisor.add_actor<Doubling>("right", actor::of<Work>, false);
  supervisor.start();
  waiter->reported.wait(false);
  EXPECT_NE(waiter->text.find("left waits for right on topic Work"), std::string::npos) << waiter->text;
  supervisor.stop();
  supervisor.join();
}

TEST(Supervisor, ActorsComeAndGoWhileItRuns) {
  struct Spawner : actor::Actor<Events> {
    void on_start() override { ctx().spawn<Worker>("child", actor::of<Work>); }
    void handle_event(const Envelope<Events>& envelope) override {
      if (envelope.get_if<Result>()) ctx().stop_runtime();
    }
  };
  Supervisor<Events> supervisor;
  supervisor.add_actor<Spawner>("spawner", actor::of<Result>);
  supervisor.start();
  supervisor.call_on(actor::ActorId("spawner"), [](actor::Host&) {});  // its on_start() has returned
  supervisor.call_on(actor::ActorId("child"), [](actor::Host&) {});
  const auto late = supervisor.add_actor<Worker>("late", actor::of<Work>);
  EXPECT_EQ(supervisor.actors().size(), 3u);
  supervisor.remove_actor(late);
  supervisor.send(Work{1});
  supervisor.join();
}

TEST(Supervisor, AnActorThatBlocksHasAThreadOfItsOwn) {
  struct Blocking : actor::Actor<Events> {
    explicit Blocking(std::atomic<bool>* go) : go_(go) {}
    void handle_event(const Envelope<Events>&) override {
      go_->wait(false);
      ctx().stop_runtime();
    }
    std::atomic<bool>* go_;
  };
  struct Opening : actor::Actor<Events> {
    explicit Opening(std::atomic<bool>* go) : go_(go) {}
    void handle_event(const Envelope<Events>&) override {
      *go_ = true;
      go_->notify_all();
    }
    std::atomic<bool>* go_;
  };
  std::atomic<bool> go = false;
  Supervisor<Events> supervisor({.threads = 1});
  supervisor.build_actor<Blocking>("blocking", &go).topics(actor::of<Work>).dedicated_thread().add();
  supervisor.add_actor<Opening>("opening", actor::of<Work>, &go);
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.join();
}

TEST(Supervisor, WorkThatTakesLongSpreadsOverTheThreads) {
  struct Meeting {
    std::atomic<int> there = 0;
  } meeting;
  /// Two of them must be in their handlers at the same time.
  struct Party : actor::Actor<Events> {
    explicit Party(Meeting* meeting) : meeting_(meeting) {}
    void handle_event(const Envelope<Events>&) override {
      const int arrived = ++meeting_->there;
      if (arrived % 2 == 1) {
        for (int there = arrived; there < arrived + 1; there = meeting_->there) meeting_->there.wait(there);
      } else {
        meeting_->there.notify_all();
      }
      ctx().stop();
    }
    Meeting* meeting_;
  };
  Supervisor<Events> supervisor({.threads = 2});
  supervisor.build_actor<Party>("one", &meeting).topics(actor::of<Work>).dedicated_thread().add();
  supervisor.build_actor<Party>("two", &meeting).topics(actor::of<Work>).dedicated_thread().add();
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.join();
  EXPECT_EQ(meeting.there, 2);
}

TEST(Supervisor, DrawsItsTopology) {
  std::vector<int> seen;
  Supervisor<Events> supervisor(actor::simulated(1));
  supervisor.add_actor<Worker>("worker", actor::of<Work>);
  supervisor.add_actor<Counter>("counter", actor::of<Result>, &seen);
  supervisor.start();
  supervisor.send(Work{1});
  supervisor.settle();
  EXPECT_EQ(supervisor.to_mermaid(),
            "flowchart LR\n"
            "  a0[\"worker\"]\n"
            "  a1[\"counter\"]\n"
            "  t0([\"Result\"])\n"
            "  t1([\"Work\"])\n"
            "  a0 --> t0\n"
            "  t1 --> a0\n"
            "  t0 --> a1\n");
  const auto json = nlohmann::json::parse(supervisor.to_json());
  EXPECT_EQ(json["actors"][0]["publishes"], nlohmann::json::array({"Result"}));
}

}  // namespace supervisor_test
