// What is counted: one actor sends, another handles, both in this process and stepped in turns, so that a run is the
// same instructions each time. `counted TRANSPORT EVENT COUNT`; check.cmake runs it under callgrind with two counts,
// and the difference is what the events between cost, whatever starting up takes.

#include <array>
#include <core/runner.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "conformance/inproc_world.hpp"
#include "conformance/shm_world.hpp"

namespace counted {

using actor::Envelope;
using actor::StepAction;

struct Plain64 {
  std::uint64_t sequence;
  std::array<std::uint64_t, 7> rest;
};
struct Plain1K {
  std::uint64_t sequence;
  std::array<std::uint64_t, 127> rest;
};
struct Text {
  std::uint64_t sequence = 0;
  double value = 0;
  std::string name;
};
static_assert(sizeof(Plain64) == 64 && sizeof(Plain1K) == 1024);

using Events = std::variant<Plain64, Plain1K, Text>;
template <class T>
constexpr actor::OverflowPolicy overflow_policy(actor::Of<T>) {
  return actor::OverflowPolicy::block();
}

template <class T>
class Source : public actor::Actor<Events> {
 public:
  explicit Source(std::uint64_t count) : count_(count) {
    if constexpr (std::is_same_v<T, Text>) event_.name = "twenty characters...";
  }
  StepAction step() override {
    for (int burst = 0; burst < most_in_a_step && sent_ < count_; ++burst) {
      event_.sequence = ++sent_;
      ctx().send(event_);
    }
    return StepAction::Yield();
  }

 private:
  static constexpr int most_in_a_step = 10;
  const std::uint64_t count_;
  std::uint64_t sent_ = 0;
  T event_{};
};

template <class T>
class Sink : public actor::Actor<Events> {
 public:
  void handle_event(const Envelope<Events>& envelope) override {
    if (envelope.get_if<T>()->sequence != ++handled) std::abort();
  }
  std::uint64_t handled = 0;
};

/// An actor with what a process of its own would give it.
struct Side {
  Side(actor::ActorBase& actor, actor::conformance::Peer& peer)
      : host(peer.id(), peer.port(), peer.loop(), peer.waker()), runner(actor, host, {}) {
    if (!runner.start()) std::abort();
  }
  actor::Host host;
  actor::Runner runner;
};

template <class T>
void run(const actor::conformance::Transport& transport, std::uint64_t count) {
  const std::string topic = actor::topic_name_for<Events>(T{});
  const auto world = transport.make({.topics = {{topic, actor::OverflowPolicy::block(), 1024}}});
  auto& source_peer = world->add("source", actor::event_types<Events>(), {});
  auto& sink_peer = world->add("sink", actor::event_types<Events>(), {topic});
  Source<T> source(count);
  Sink<T> sink;
  Side sender(source, source_peer);
  Side receiver(sink, sink_peer);
  while (sink.handled < count) {
    sender.runner.turn();
    sink_peer.run([] {});  // what its world has posted to it: where the sender's memory is
    receiver.runner.turn();
  }
}

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s inproc|shm Plain64|Plain1K|Text COUNT\n", argv[0]);
    return 2;
  }
  const std::uint64_t count = std::strtoull(argv[3], nullptr, 10);
  using namespace actor::conformance;
  for (const Transport& transport : {Transport{"inproc", make_inproc_world}, Transport{"shm", make_shm_world}}) {
    if (transport.name != std::string(argv[1])) continue;
    const std::string event = argv[2];
    if (event == "Plain64") return run<Plain64>(transport, count), 0;
    if (event == "Plain1K") return run<Plain1K>(transport, count), 0;
    if (event == "Text") return run<Text>(transport, count), 0;
  }
  std::fprintf(stderr, "%s: no transport %s or no event %s here\n", argv[0], argv[1], argv[2]);
  return 2;
}

}  // namespace counted

int main(int argc, char** argv) {
  return counted::main(argc, argv);
}
