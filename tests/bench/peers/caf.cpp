// CAF: actors of one process, which pass a message on without encoding it. Its mailboxes have no limit: a source keeps
// at most a window of messages under way to each sink, as libactor's topics do.

#include <caf/all.hpp>
#include <cstring>

#include "../children.hpp"
#include "found.hpp"

namespace bench {
namespace {

template <std::size_t bytes>
struct Block {
  std::uint64_t words[bytes / sizeof(std::uint64_t)];
};
/// Too large to be passed by value: its memory is handed on.
struct Large {
  std::vector<std::uint64_t> words;
};
struct Text {
  double value = 0;
  std::string text;
};
struct Floats {
  std::vector<float> values;
};

}  // namespace
}  // namespace bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Block<64>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Block<1024>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Large)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Text)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(bench::Floats)

namespace bench {
namespace {

using Go = caf::atom_constant<caf::atom("go")>;
using Ack = caf::atom_constant<caf::atom("ack")>;
using Ping = caf::atom_constant<caf::atom("ping")>;
using Pong = caf::atom_constant<caf::atom("pong")>;

/// Makes and reads the events of a case.
template <class Event>
class Events {
 public:
  explicit Events(const Case& what)
      : what_(what),
        pattern_(pattern_of(what.size / sizeof(std::uint64_t))),
        sum_(sum_words(pattern_.data(), what.size)) {}
  Event make(std::uint64_t number) {
    Event event;
    if constexpr (std::is_same_v<Event, Text>) {
      event = {static_cast<double>(number), std::string(text_length, 'x')};
    } else if constexpr (std::is_same_v<Event, Floats>) {
      event.values.resize(float_count);
      std::memcpy(event.values.data(), pattern_.data(), float_count * sizeof(float));
    } else if constexpr (std::is_same_v<Event, Large>) {
      event.words = pattern_;
    } else {
      std::memcpy(event.words, pattern_.data(), sizeof event.words);
    }
    return event;
  }
  void read(const Event& event) const {
    if constexpr (std::is_same_v<Event, Text>) {
      if (event.text.size() != text_length) std::abort();
      keep(static_cast<std::uint64_t>(event.value));
    } else if constexpr (std::is_same_v<Event, Floats>) {
      if (sum_words(event.values.data(), event.values.size() * sizeof(float)) != sum_) std::abort();
    } else {
      if (what_.read == Read::All && sum_words(std::data(event.words), what_.size) != sum_) std::abort();
    }
  }

 private:
  const Case& what_;
  std::vector<std::uint64_t> pattern_;
  std::uint64_t sum_;
};

/// What the process leaves.
struct Left {
  std::int64_t cpu_ns;
  std::int64_t first_ns;
  std::int64_t last_ns;
};

template <class Event>
caf::behavior pong(caf::event_based_actor* self, const Case& what) {
  auto events = std::make_shared<Events<Event>>(what);
  return {[=](Ping, std::uint64_t number, const Event& event) {
            events->read(event);
            self->send(caf::actor_cast<caf::actor>(self->current_sender()), Pong::value, number, events->make(number));
          },
          [=](Go) { self->quit(); }};
}

template <class Event>
caf::behavior ping(caf::event_based_actor* self, const Case& what, const caf::actor& other, Left& left,
                   std::int64_t* times) {
  struct State {
    explicit State(const Case& of) : events(of) {}
    Events<Event> events;
    std::uint64_t number = 0;
    std::int64_t sent_at = 0;
  };
  auto state = std::make_shared<State>(what);
  const auto send = [=] {
    state->sent_at = monotonic_ns();
    ++state->number;
    self->send(other, Ping::value, state->number, state->events.make(state->number));
  };
  return {[=](Go) { send(); },
          [=, &left, &what](Pong, std::uint64_t number, const Event& event) {
            state->events.read(event);
            times[number - 1] = monotonic_ns() - state->sent_at;
            if (number == what.warm_up()) left.cpu_ns = -cpu_ns();
            if (number == what.events) {
              left.cpu_ns += cpu_ns();
              self->send(other, Go::value);
              self->quit();
            } else if (what.mode == Mode::Paced) {
              self->delayed_send(self, std::chrono::nanoseconds(pace_ns), Go::value);
            } else {
              send();
            }
          }};
}

template <class Event>
caf::behavior source(caf::event_based_actor* self, const Case& what, const std::vector<caf::actor>& sinks) {
  struct State {
    explicit State(const Case& of) : events(of) {}
    Events<Event> events;
    std::uint64_t sent = 0;
    std::vector<std::uint64_t> read;
  };
  auto state = std::make_shared<State>(what);
  state->read.resize(sinks.size());
  const auto send = [=, &what, &sinks] {
    const std::uint64_t slowest = *std::min_element(state->read.begin(), state->read.end());
    while (state->sent < what.events && state->sent < slowest + what.capacity) {
      ++state->sent;
      // One message for all of them: what a sink is sent shares its content.
      const caf::message message = caf::make_message(Ping::value, state->sent, state->events.make(state->sent));
      for (const caf::actor& sink : sinks) self->send(sink, message);
    }
    if (state->sent == what.events) self->quit();
  };
  return {[=](Go) { send(); },
          [=](Ack, std::uint64_t sink, std::uint64_t read) {
            state->read[sink] = read;
            send();
          }};
}

template <class Event>
caf::behavior sink(caf::event_based_actor* self, const Case& what, std::uint64_t index, Left& left) {
  struct State {
    explicit State(const Case& of) : events(of) {}
    Events<Event> events;
    std::uint64_t read = 0;
    std::vector<std::pair<caf::actor_id, std::uint64_t>> last;
    std::uint64_t& last_of(caf::actor_id source) {
      for (auto& [id, number] : last) {
        if (id == source) return number;
      }
      return last.emplace_back(source, 0).second;
    }
  };
  auto state = std::make_shared<State>(what);
  return {[=, &what, &left](Ping, std::uint64_t number, const Event& event) {
    state->events.read(event);
    const auto sender = self->current_sender();
    if (number != ++state->last_of(sender->id())) std::abort();
    if (number % std::max<std::uint64_t>(1, what.capacity / 4) == 0)
      self->send(caf::actor_cast<caf::actor>(sender), Ack::value, index, number);
    if (++state->read == what.warm_up() * what.writers) {
      left.first_ns = monotonic_ns();
      if (index == 0) left.cpu_ns = -cpu_ns();
    }
    if (state->read != what.events * what.writers) return;
    left.last_ns = monotonic_ns();
    if (index == 0) left.cpu_ns += cpu_ns();
    self->quit();
  }};
}

template <class Event>
void run_actors(const Case& what, Left* left, std::int64_t* times) {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", what.mode == Mode::SleepOneCore ? 1 : 2);
  caf::actor_system system(config);
  if (what.kind == Kind::Latency) {
    const auto other = system.spawn([&](caf::event_based_actor* self) { return pong<Event>(self, what); });
    const auto first =
        system.spawn([&](caf::event_based_actor* self) { return ping<Event>(self, what, other, left[0], times); });
    caf::anon_send(first, Go::value);
    return system.await_all_actors_done();
  }
  std::vector<caf::actor> sinks;
  for (unsigned i = 0; i < what.readers; ++i) {
    sinks.push_back(system.spawn([&, i](caf::event_based_actor* self) { return sink<Event>(self, what, i, left[i]); }));
  }
  for (unsigned i = 0; i < what.writers; ++i) {
    const auto one = system.spawn([&](caf::event_based_actor* self) { return source<Event>(self, what, sinks); });
    caf::anon_send(one, Go::value);
  }
  system.await_all_actors_done();
}

void run_actors(const Case& what, Left* left, std::int64_t* times) {
  if (what.data == Data::Text) return run_actors<Text>(what, left, times);
  if (what.data == Data::Floats) return run_actors<Floats>(what, left, times);
  if (what.size == 64) return run_actors<Block<64>>(what, left, times);
  if (what.size == 1u << 10) return run_actors<Block<1u << 10>>(what, left, times);
  return run_actors<Large>(what, left, times);
}

Outcome run(const Case& what) {
  const auto left = shared_object<Left>(what.readers);
  const auto times = shared_object<std::int64_t>(what.events);
  Children children;
  const int core = what.mode == Mode::SleepOneCore ? core_of(what, false) : -1;
  children.start(core, [&] { run_actors(what, left.get(), times.get()); });
  children.wait();
  Outcome outcome;
  const std::uint64_t measured = (what.events - what.warm_up()) * what.writers;
  const std::uint64_t delivered = what.kind == Kind::Latency ? 2 * measured : measured * what.readers;
  outcome.cpu_s_per_million = static_cast<double>(left.get()->cpu_ns) * 1e-3 / static_cast<double>(delivered);
  if (what.kind == Kind::Latency) {
    set_latency(outcome, {times.get() + what.warm_up(), times.get() + what.events});
    return outcome;
  }
  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  for (unsigned i = 0; i < what.readers; ++i) {
    first = std::min(first, left.get()[i].first_ns);
    last = std::max(last, left.get()[i].last_ns);
  }
  outcome.per_s = static_cast<double>(delivered) * 1e9 / static_cast<double>(last - first);
  return outcome;
}

}  // namespace

Peer caf_peer() {
  return {"caf", "", can_sleep, run};
}

}  // namespace bench
