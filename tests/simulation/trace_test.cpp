// One seed, one run: ids, times, choices and restarts, down to the last byte of what a monitor sees.

#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <memory>
#include <sstream>

namespace trace_test {

struct Job {
  int number = 0;
};
struct Done {
  int number = 0;
};
using Events = std::variant<Job, Done>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Job>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Done>) {
  return actor::OverflowPolicy::block();
}
using namespace std::chrono_literals;

struct Source : actor::Actor<Events> {
  void on_start() override {
    ctx().every(10ms, [this] { ctx().send(Job{++count_}); });
  }
  int count_ = 0;
};
struct Worker : actor::Actor<Events> {
  void handle_event(const actor::Envelope<Events>& envelope) override {
    const Job* job = envelope.get_if<Job>();
    if (job && job->number % 7 == 0 && envelope.attempt() == 1) throw std::runtime_error("seven");
    if (job) ctx().send_child_event(Done{job->number}, envelope.id());
  }
};

/// Everything that monitors are told, as text.
class Trace : public actor::Monitor {
 public:
  void on_event_dispatched(const actor::Observation& event) override { line("dispatched", event); }
  void on_event_delivered(const actor::Observation& event) override { line("delivered", event); }
  void on_event_handled(const actor::Observation& event) override { line("handled", event); }
  void on_overflow(const actor::Observation& event, const actor::OverflowPolicy&) override { line("overflow", event); }
  void on_error(actor::ActorId actor, const actor::Error& error) override {
    text_ << "error " << actor << ' ' << error.what() << '\n';
  }
  void on_actor_restart(actor::ActorId actor, const actor::Error&, std::chrono::nanoseconds delay) override {
    text_ << "restart " << actor << ' ' << delay.count() << '\n';
  }
  void on_actor_stop(actor::ActorId actor) override { text_ << "stop " << actor << '\n'; }
  std::string text() const { return text_.str(); }

 private:
  void line(const char* what, const actor::Observation& event) {
    text_ << what << ' ' << event.label() << ' ' << event.meta.id << ' ' << event.meta.parent << ' '
          << event.meta.sender << ' ' << event.receiver << ' ' << event.topic << ' '
          << event.meta.monotonic_time.time_since_epoch().count() << ' '
          << event.meta.wall_time.time_since_epoch().count() << ' ' << event.meta.attempt << event.meta.redelivered
          << event.meta.maybe_duplicate << '\n';
  }
  std::ostringstream text_;
};

std::string trace_of(std::uint64_t seed) {
  actor::Supervisor<Events> supervisor(actor::simulated(
      seed, {actor::Fault::delay(3ms).to("sink").probability(0.2),
             actor::Fault::duplicate().to("sink").probability(0.1), actor::Fault::crash_after("worker1", 5)}));
  const auto trace = std::make_shared<Trace>();
  supervisor.monitors().add(trace);
  supervisor.add_actor<Source>("source", actor::Subscribe::none());
  for (int i = 1; i <= 3; ++i) supervisor.add_actor<Worker>("worker" + std::to_string(i), actor::of<Job>);
  struct Sink : actor::Actor<Events> {};
  supervisor.add_actor<Sink>("sink", actor::of<Done>);
  supervisor.start();
  supervisor.advance(2s);
  return trace->text();
}

TEST(Trace, IsTheSameForTheSameSeedByteForByte) {
  const std::string first = trace_of(42);
  EXPECT_GT(first.size(), 10'000u);
  EXPECT_NE(first.find("restart worker2"), std::string::npos) << first.substr(0, 2000);
  EXPECT_EQ(first, trace_of(42));
}

TEST(Trace, DiffersBetweenSeeds) {
  EXPECT_NE(trace_of(1), trace_of(2));
}

}  // namespace trace_test
