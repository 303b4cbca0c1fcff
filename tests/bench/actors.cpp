// The actors of the benchmark, each in a process of its own, or, with --in-process, all in one. What to do is in the
// environment (BENCH_...), set by the manifest; what was measured goes as one line of JSON into the pipe that
// BENCH_RESULTS names. See broker_run.cpp.

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <actor/run.hpp>
#include <actor/supervisor.hpp>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "broker_clock.hpp"
#include "events.hpp"
#include "measure.hpp"

namespace bench {
namespace {

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}
std::uint64_t number(const char* name) {
  return std::strtoull(setting(name).c_str(), nullptr, 10);
}

void pin_if_asked() {
  const std::string cpu = setting("BENCH_CPU");
  if (cpu.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(std::stoul(cpu)), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    throw actor::Error(actor::ErrorCode::Io, "pinning to core " + cpu, errno);
}

/// A line is written whole: it is shorter than a pipe's atomic write.
void report(const std::string& line) {
  const int fd = open(setting("BENCH_RESULTS").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw actor::Error(actor::ErrorCode::Io, "writing a result to " + setting("BENCH_RESULTS"), errno);
  close(fd);
}

template <class... Values>
std::string text(const char* format, Values... values) {
  char line[512];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

struct Settings {
  std::uint64_t size = number("BENCH_SIZE");
  std::uint64_t events = number("BENCH_EVENTS");
  std::uint64_t warm_up = number("BENCH_WARM_UP");
  std::uint64_t writers = number("BENCH_WRITERS");
  bool read_all = setting("BENCH_READ") == "all";
  std::string data = setting("BENCH_DATA");
  bool paced = !setting("BENCH_PACED").empty();
};

}  // namespace

class BenchActor : public actor::Actor<BenchEvents> {
 public:
  void on_start() override { pin_if_asked(); }

 protected:
  /// Every word of the payload is written, once: into the memory that the readers will see if the event is large.
  template <class Payload>
  void send_one(BenchTopic topic, std::uint64_t sequence) {
    if constexpr (sizeof(Payload) >= 64u << 10) {
      auto loan = ctx().loan<Payload>();
      fill(*loan, topic, sequence);
      ctx().send(std::move(loan));
    } else {
      Payload event;
      fill(event, topic, sequence);
      ctx().send(event);
    }
  }
  void send_one(BenchTopic topic, std::uint64_t sequence) {
    if (settings_.data == "text") return send_text(topic, sequence);
    if (settings_.data == "floats") return send_floats(topic, sequence);
    switch (settings_.size) {
      case sizeof(Payload64):
        return send_one<Payload64>(topic, sequence);
      case sizeof(Payload1K):
        return send_one<Payload1K>(topic, sequence);
      case sizeof(Payload64K):
        return send_one<Payload64K>(topic, sequence);
      default:
        return send_one<Payload1M>(topic, sequence);
    }
  }

  /// Reads the event as the case wants it, and that it is what was sent. Returns its number.
  std::uint64_t read(const actor::Envelope<BenchEvents>& envelope) const {
    return envelope.visit([this](const auto& event) {
      if constexpr (requires { event.words; }) {
        if (settings_.read_all) expect(sum_words(event.words.data(), sizeof event.words) == sum_);
      } else if constexpr (requires { event.values; }) {
        expect(sum_words(event.values.data(), event.values.size() * sizeof(float)) == sum_);
      } else {
        expect(static_cast<std::uint64_t>(event.value) == event.sequence && event.text.size() == text_length);
      }
      return event.sequence;
    });
  }

  Settings settings_;

 private:
  static void expect(bool is_right) {
    if (!is_right) throw actor::Error(actor::ErrorCode::Internal, "an event arrived damaged");
  }
  /// Of what follows an event's number.
  std::uint64_t sum() const {
    return sum_words(pattern_.data(), settings_.data == "floats"
                                          ? float_count * sizeof(float)
                                          : payload_words(settings_.size) * sizeof(std::uint64_t));
  }
  template <class Payload>
  void fill(Payload& event, BenchTopic topic, std::uint64_t sequence) const {
    event.topic = topic;
    event.sequence = sequence;
    std::memcpy(event.words.data(), pattern_.data(), sizeof event.words);
  }
  void send_text(BenchTopic topic, std::uint64_t sequence) {
    text_.topic = topic;
    text_.sequence = sequence;
    text_.value = static_cast<double>(sequence);
    ctx().send(text_);
  }
  void send_floats(BenchTopic topic, std::uint64_t sequence) {
    floats_.topic = topic;
    floats_.sequence = sequence;
    std::memcpy(floats_.values.data(), pattern_.data(), floats_.values.size() * sizeof(float));
    ctx().send(floats_);
  }

  std::vector<std::uint64_t> pattern_ = pattern_of(sizeof(Payload1M) / sizeof(std::uint64_t));
  std::uint64_t sum_ = sum();
  TextEvent text_{{}, 0, 0, std::string(text_length, 'x')};
  FloatsEvent floats_{{}, 0, std::vector<float>(float_count)};
};

/// Sends, waits for the answer, sends the next.
class Pinger : public BenchActor {
 public:
  void on_start() override {
    BenchActor::on_start();
    round_trips_.reserve(settings_.events);
  }
  actor::StepAction step() override {
    ping();
    return actor::StepAction::Never();
  }
  void handle_event(const actor::Envelope<BenchEvents>& envelope) override {
    const std::uint64_t sequence = read(envelope);
    const std::int64_t now = monotonic_ns();
    if (sequence != sent_)
      throw actor::Error(actor::ErrorCode::Internal,
                         "expected answer " + std::to_string(sent_) + ", got " + std::to_string(sequence));
    if (sent_ == settings_.warm_up) cpu_start_ = cpu_ns();
    if (sent_ > settings_.warm_up) round_trips_.push_back(now - sent_at_);
    if (sent_ == settings_.events) return finish();
    if (settings_.paced)
      ctx().after(std::chrono::nanoseconds(pace_ns), [this] { ping(); });
    else
      ping();
  }

 private:
  void ping() {
    sent_at_ = monotonic_ns();
    send_one(BenchTopic::Forward, ++sent_);
  }
  void finish() {
    Outcome outcome;
    set_latency(outcome, round_trips_);
    report(text("{\"end\":\"pinger\",\"p50_ns\":%.1f,\"p99_ns\":%.1f,\"p999_ns\":%.1f,\"cpu_ns\":%" PRId64 "}\n",
                outcome.p50_ns, outcome.p99_ns, outcome.p999_ns, cpu_ns() - cpu_start_));
  }

  std::uint64_t sent_ = 0;
  std::int64_t sent_at_ = 0;
  std::int64_t cpu_start_ = 0;
  std::vector<std::int64_t> round_trips_;
};

/// Answers every event with one of the same size.
class Ponger : public BenchActor {
 public:
  void handle_event(const actor::Envelope<BenchEvents>& envelope) override {
    const std::uint64_t sequence = read(envelope);
    if (sequence == settings_.warm_up) {
      cpu_start_ = cpu_ns();
      broker_start_ = broker_.cpu_ns();
    }
    send_one(BenchTopic::Back, sequence);
    if (sequence == settings_.events)
      report(text("{\"end\":\"ponger\",\"cpu_ns\":%" PRId64 ",\"broker_ns\":%" PRId64 "}\n", cpu_ns() - cpu_start_,
                  broker_.cpu_ns() - broker_start_));
  }

 private:
  BrokerClock broker_;
  std::int64_t cpu_start_ = 0;
  std::int64_t broker_start_ = 0;
};

/// Sends as fast as the topic takes it.
class Source : public BenchActor {
 public:
  actor::StepAction step() override {
    // A step is not called while an event waits for room: when all are sent, all are out.
    if (sent_ == settings_.events) {
      report(text("{\"end\":\"source\",\"cpu_ns\":%" PRId64 "}\n", cpu_ns() - cpu_start_));
      return actor::StepAction::Never();
    }
    for (int burst = 0; burst < most_in_a_step && sent_ < settings_.events && !ctx().is_sender_full(); ++burst) {
      if (sent_ == settings_.warm_up) cpu_start_ = cpu_ns();
      send_one(BenchTopic::Forward, ++sent_);
    }
    return actor::StepAction::Continue();
  }

 private:
  static constexpr int most_in_a_step = 32;
  std::uint64_t sent_ = 0;
  std::int64_t cpu_start_ = 0;
};

/// Takes the events of all sources, and checks that none is missing.
class Sink : public BenchActor {
 public:
  void on_start() override {
    BenchActor::on_start();
    total_ = settings_.events * settings_.writers;
    warm_up_ = settings_.warm_up * settings_.writers;
  }
  void handle_event(const actor::Envelope<BenchEvents>& envelope) override {
    const std::uint64_t sequence = read(envelope);
    if (sequence != ++last_of(envelope.id().actor))
      throw actor::Error(actor::ErrorCode::Internal, "expected event " + std::to_string(last_of(envelope.id().actor)) +
                                                         ", got " + std::to_string(sequence));
    if (++received_ == warm_up_) {
      first_ns_ = monotonic_ns();
      cpu_start_ = cpu_ns();
      broker_start_ = broker_.cpu_ns();
    }
    if (received_ == total_)
      report(text("{\"end\":\"sink\",\"first_ns\":%" PRId64 ",\"last_ns\":%" PRId64 ",\"cpu_ns\":%" PRId64
                  ",\"broker_ns\":%" PRId64 "}\n",
                  first_ns_, monotonic_ns(), cpu_ns() - cpu_start_, broker_.cpu_ns() - broker_start_));
  }

 private:
  std::uint64_t& last_of(std::uint64_t source) {
    for (auto& [key, last] : last_) {
      if (key == source) return last;
    }
    return last_.emplace_back(source, 0).second;
  }

  BrokerClock broker_;
  std::uint64_t total_ = 0;
  std::uint64_t warm_up_ = 0;
  std::uint64_t received_ = 0;
  std::int64_t first_ns_ = 0;
  std::int64_t cpu_start_ = 0;
  std::int64_t broker_start_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> last_;
};

/// All actors of a case in this process, until SIGTERM. Each end reports the processor time of the whole process, so
/// one end's is enough: broker_run.cpp takes the largest.
void run_in_process() {
  const auto forward = actor::Subscribe::named({"BenchTopic.Forward"});
  const auto back = actor::Subscribe::named({"BenchTopic.Back"});
  actor::SupervisorConfig config;
  config.default_actor_channel_capacity = number("BENCH_CAPACITY");
  config.threads = setting("BENCH_CPU").empty() ? 2 : 1;
  actor::Supervisor<BenchEvents> supervisor(config);
  if (setting("BENCH_KIND") == "latency") {
    supervisor.add_actor<Ponger>("ponger", forward);
    supervisor.add_actor<Pinger>("pinger", back);
  } else {
    for (std::uint64_t i = 0; i < number("BENCH_READERS"); ++i)
      supervisor.add_actor<Sink>("sink" + std::to_string(i), forward);
    for (std::uint64_t i = 0; i < number("BENCH_WRITERS"); ++i)
      supervisor.add_actor<Source>("source" + std::to_string(i), actor::Subscribe::none());
  }
  supervisor.stop_on_signals();
  supervisor.run();
}

}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  if (argc == 2 && std::string(argv[1]) == "--in-process") return run_in_process(), 0;
  return actor::run<Pinger, Ponger, Source, Sink>(argc, argv);
}
