#include "boost_queue.hpp"

#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>
#include <cstring>
#include <memory>
#include <stdexcept>

#include "children.hpp"

namespace bench {
namespace {

namespace ipc = boost::interprocess;

/// A queue whose name is gone as soon as it is open: children inherit the mapping, and nothing is left behind.
class Queue {
 public:
  explicit Queue(const Case& what)
      : name_("libactor-bench-" + std::to_string(getpid()) + "-" + std::to_string(next_++)),
        queue_(ipc::create_only, name_.c_str(), what.capacity, what.size),
        spin_(what.mode == Mode::Spin) {
    ipc::message_queue::remove(name_.c_str());
  }

  void send(const std::vector<std::uint64_t>& message) {
    const std::size_t bytes = message.size() * sizeof(std::uint64_t);
    if (!spin_) return queue_.send(message.data(), bytes, 0);
    while (!queue_.try_send(message.data(), bytes, 0)) {
    }
  }
  void receive(std::vector<std::uint64_t>& message) {
    const std::size_t bytes = message.size() * sizeof(std::uint64_t);
    std::size_t received = 0;
    unsigned priority = 0;
    if (!spin_) {
      queue_.receive(message.data(), bytes, received, priority);
    } else {
      while (!queue_.try_receive(message.data(), bytes, received, priority)) {
      }
    }
  }

 private:
  static inline unsigned next_ = 0;
  std::string name_;
  ipc::message_queue queue_;
  bool spin_;
};

void read(const Case& what, const std::vector<std::uint64_t>& message) {
  keep(what.read == Read::All ? sum_words(message.data(), what.size) : message.front());
}

/// The number travels in the first word; with several writers, above it who sent it.
constexpr unsigned writer_shift = 48;

int core_of(const Case& what, bool second) {
  if (what.mode == Mode::SleepOneCore) return cores().front();
  if (what.mode == Mode::Sleep) return -1;
  return second ? cores().back() : cores().front();
}

struct Shared {
  std::int64_t cpu_ns[16];
  std::int64_t first_ns[8];
  std::int64_t last_ns[8];
};

Outcome latency(const Case& what) {
  Queue there(what);
  Queue back(what);
  const auto shared = shared_object<Shared>();
  const auto times = shared_object<std::int64_t>(what.events);
  Children children;
  children.start(core_of(what, true), [&] {
    std::vector<std::uint64_t> in(what.size / sizeof(std::uint64_t));
    std::vector<std::uint64_t> out(in.size());
    for (std::uint64_t i = 1; i <= what.events; ++i) {
      there.receive(in);
      read(what, in);
      if (i == what.warm_up()) shared->cpu_ns[0] = -cpu_ns();
      out.front() = i;
      back.send(out);
    }
    shared->cpu_ns[0] += cpu_ns();
  });
  children.start(core_of(what, false), [&] {
    std::vector<std::uint64_t> in(what.size / sizeof(std::uint64_t));
    std::vector<std::uint64_t> out(in.size());
    for (std::uint64_t i = 1; i <= what.events; ++i) {
      if (i == what.warm_up()) shared->cpu_ns[1] = -cpu_ns();
      const std::int64_t start = monotonic_ns();
      out.front() = i;
      there.send(out);
      back.receive(in);
      read(what, in);
      times.get()[i - 1] = monotonic_ns() - start;
      if (in.front() != i) throw std::runtime_error("message_queue: an answer came out of order");
    }
    shared->cpu_ns[1] += cpu_ns();
  });
  children.wait();
  Outcome outcome;
  set_latency(outcome, {times.get() + what.warm_up(), times.get() + what.events});
  outcome.cpu_s_per_million = static_cast<double>(shared->cpu_ns[0] + shared->cpu_ns[1]) * 1e-9 /
                              static_cast<double>(2 * (what.events - what.warm_up())) * 1e6;
  return outcome;
}

/// A writer: a message for each reader goes into that reader's queue.
void write_all(const Case& what, std::vector<std::unique_ptr<Queue>>& queues, std::uint64_t writer, std::int64_t& cpu) {
  std::vector<std::uint64_t> message(what.size / sizeof(std::uint64_t));
  for (std::uint64_t i = 1; i <= what.events; ++i) {
    if (i == what.warm_up()) cpu = -cpu_ns();
    message.front() = writer << writer_shift | i;
    for (const auto& queue : queues) queue->send(message);
  }
  cpu += cpu_ns();
}

void read_all(const Case& what, Queue& queue, Shared& shared, unsigned reader, std::int64_t& cpu) {
  std::vector<std::uint64_t> message(what.size / sizeof(std::uint64_t));
  std::vector<std::uint64_t> last(what.writers);
  for (std::uint64_t i = 1; i <= what.events * what.writers; ++i) {
    queue.receive(message);
    read(what, message);
    const std::uint64_t number = message.front() & ((std::uint64_t{1} << writer_shift) - 1);
    if (number != ++last.at(message.front() >> writer_shift))
      throw std::runtime_error("message_queue: a message came out of order");
    if (i == what.warm_up() * what.writers) {
      shared.first_ns[reader] = monotonic_ns();
      cpu = -cpu_ns();
    }
  }
  shared.last_ns[reader] = monotonic_ns();
  cpu += cpu_ns();
}

Outcome throughput(const Case& what) {
  std::vector<std::unique_ptr<Queue>> queues;
  for (unsigned reader = 0; reader < what.readers; ++reader) queues.push_back(std::make_unique<Queue>(what));
  const auto shared = shared_object<Shared>();
  Children children;
  for (unsigned reader = 0; reader < what.readers; ++reader) {
    children.start(core_of(what, true),
                   [&, reader] { read_all(what, *queues[reader], *shared, reader, shared->cpu_ns[8 + reader]); });
  }
  for (unsigned writer = 0; writer < what.writers; ++writer)
    children.start(core_of(what, false), [&, writer] { write_all(what, queues, writer, shared->cpu_ns[writer]); });
  children.wait();

  const std::int64_t first = *std::min_element(shared->first_ns, shared->first_ns + what.readers);
  const std::int64_t last = *std::max_element(shared->last_ns, shared->last_ns + what.readers);
  std::int64_t cpu = 0;
  std::int64_t writing = 0;
  for (const std::int64_t one : shared->cpu_ns) cpu += one;
  for (unsigned writer = 0; writer < what.writers; ++writer) writing += shared->cpu_ns[writer];
  const auto written = static_cast<double>((what.events - what.warm_up()) * what.writers);
  const double delivered = written * what.readers;
  Outcome outcome;
  outcome.per_s = delivered * 1e9 / static_cast<double>(last - first);
  outcome.writer_ns = static_cast<double>(writing) / written;
  outcome.cpu_s_per_million = static_cast<double>(cpu) * 1e-9 / delivered * 1e6;
  return outcome;
}

}  // namespace

Outcome run_boost_queue(const Case& what) {
  return what.kind == Kind::Latency ? latency(what) : throughput(what);
}

}  // namespace bench
