// The code of docs/concepts.md, compiled and run: each of its blocks stands here word for word (see ../readme.cmake).

#include <gtest/gtest.h>

#include <actor/supervisor.hpp>

namespace concepts_test {

using namespace std::chrono_literals;

struct Job {
  int number = 0;
  std::string text;
};
struct Printed {
  int number = 0;
};
using ShopEvent = std::variant<Job, Printed>;

enum class ShopTopic { Jobs, Results };

constexpr ShopTopic topic_of(const Job&) {
  return ShopTopic::Jobs;
}
constexpr ShopTopic topic_of(const Printed&) {
  return ShopTopic::Results;
}
constexpr actor::OverflowPolicy overflow_policy(ShopTopic) {
  return actor::OverflowPolicy::block();
}

class Printer : public actor::Actor<ShopEvent> {
  void on_start() override {
    ctx().after(1h, [this] { paper_ = 100; });
  }
  void handle_event(const actor::Envelope<ShopEvent>& envelope) override {
    const Job* job = envelope.get_if<Job>();
    if (!job) return;
    if (paper_ == 0) throw std::runtime_error("no paper");
    --paper_;
    ctx().send_child_event(Printed{job->number}, envelope.id());
  }
  int paper_ = 100;
};

class Clerk : public actor::Actor<ShopEvent> {
 public:
  explicit Clerk(int jobs) : jobs_(jobs) {}

 private:
  actor::StepAction step() override {
    if (sent_ == jobs_) return actor::StepAction::Never();
    ctx().send(Job{++sent_, "hello"});
    return actor::StepAction::Continue();
  }
  void handle_event(const actor::Envelope<ShopEvent>&) override {
    if (++printed_ == jobs_) ctx().stop_runtime();
  }
  int jobs_;
  int sent_ = 0;
  int printed_ = 0;
};

/// Hires a printer for each job that comes, and one is enough.
class Owner : public actor::Actor<ShopEvent> {
  void handle_event(const actor::Envelope<ShopEvent>&) override {
    ctx().spawn<Printer>("printer-2", ShopTopic::Jobs);
    ctx().stop();
  }
};

TEST(Concepts, ASupervisorRunsActorsOnAFewThreads) {
  actor::Supervisor<ShopEvent> shop({.threads = 2});
  shop.add_actor<Clerk>("clerk", ShopTopic::Results, 50);
  shop.build_actor<Printer>("printer")
      .topics(ShopTopic::Jobs)
      .channel_capacity(16)
      .dedicated_thread()
      .restart({.base = 100ms, .restarts = 3, .within = 1min})
      .add();
  shop.run();
  EXPECT_TRUE(shop.errors().empty());
}

TEST(Concepts, ActorsComeAndGo) {
  actor::Supervisor<ShopEvent> shop(actor::simulated(1));
  shop.add_actor<Owner>("owner", ShopTopic::Jobs);
  shop.start();
  shop.send(Job{1, "hello"});
  shop.settle();
  EXPECT_EQ(shop.actors(), std::vector{actor::ActorId("printer-2")});
  shop.remove_actor(actor::ActorId("printer-2"));
  shop.settle();
  EXPECT_TRUE(shop.actors().empty());
}

TEST(Concepts, OneSeedIsOneRun) {
  actor::Supervisor<ShopEvent> shop(actor::simulated(7, {actor::Fault::crash("printer", 3)}));
  shop.add_actor<Clerk>("clerk", ShopTopic::Results, 50);
  shop.add_actor<Printer>("printer", ShopTopic::Jobs);
  shop.run();  // on this thread; an hour of virtual time takes none
  EXPECT_TRUE(shop.errors().empty());
}

}  // namespace concepts_test
