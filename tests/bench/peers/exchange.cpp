// The two exchanges that are measured over any peer's Link: there and back, and as fast as it goes.

#include <sched.h>

#include <atomic>
#include <span>
#include <stdexcept>

#include "../children.hpp"
#include "link.hpp"

namespace bench {
namespace {

/// Who sent it stands above the number.
constexpr unsigned writer_shift = 48;
constexpr std::uint64_t number_mask = (std::uint64_t{1} << writer_shift) - 1;
constexpr unsigned most_ends = 8;

struct End {
  alignas(64) std::atomic<std::uint64_t> count;  // of a reader: messages read
  std::int64_t cpu_ns;
  std::int64_t first_ns;
  std::int64_t last_ns;
};
/// What the children leave, and where they wait for each other.
struct Shared {
  std::atomic<unsigned> ready;
  std::atomic<unsigned> done;
  End reader[most_ends];
  End writer[most_ends];
};

void meet(Shared& shared, unsigned ends) {
  shared.ready.fetch_add(1);
  while (shared.ready.load() < ends) sched_yield();
}

/// Nobody closes his end before all have what they wait for: ZeroMQ would lose it, and is not alone.
void leave(Shared& shared, unsigned ends) {
  shared.done.fetch_add(1);
  const timespec moment{0, 200'000};
  while (shared.done.load() < ends) nanosleep(&moment, nullptr);
}

/// A Writer or a Reader.
template <class Side>
void connect(Side& side) {
  while (!side.is_connected()) sched_yield();
}

void wait_for_pace(std::int64_t& next_ns) {
  next_ns = std::max(next_ns + pace_ns, monotonic_ns());
  const timespec until{next_ns / 1'000'000'000, next_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

void pong(Link& link, const Case& what, Shared& shared) {
  Message message(what);
  const auto reader = link.reader(Direction::Forward, 0);
  const auto writer = link.writer(Direction::Back, 0);
  meet(shared, 2);
  connect(*reader);
  connect(*writer);
  meet(shared, 4);
  std::int64_t start = 0;
  for (std::uint64_t i = 1; i <= what.events; ++i) {
    const std::uint64_t number = reader->read(message);
    if (i == what.warm_up()) start = cpu_ns() + link.server_cpu_ns();
    writer->write(message, number);
  }
  shared.reader[0].cpu_ns = cpu_ns() + link.server_cpu_ns() - start;
  leave(shared, 2);
}

void ping(Link& link, const Case& what, Shared& shared, std::int64_t* times) {
  Message message(what);
  const auto reader = link.reader(Direction::Back, 0);
  const auto writer = link.writer(Direction::Forward, 0);
  meet(shared, 2);
  connect(*reader);
  connect(*writer);
  meet(shared, 4);
  std::int64_t cpu_start = 0;
  std::int64_t pace = monotonic_ns();
  for (std::uint64_t i = 1; i <= what.events; ++i) {
    if (i == what.warm_up()) cpu_start = cpu_ns();
    if (what.mode == Mode::Paced) wait_for_pace(pace);
    const std::int64_t start = monotonic_ns();
    writer->write(message, i);
    const std::uint64_t number = reader->read(message);
    times[i - 1] = monotonic_ns() - start;
    if (number != i) throw std::runtime_error("an answer came out of order");
  }
  shared.writer[0].cpu_ns = cpu_ns() - cpu_start;
  leave(shared, 2);
}

Outcome latency(Link& link, const Case& what) {
  const auto shared = shared_object<Shared>();
  const auto times = shared_object<std::int64_t>(what.events);
  Children children;
  children.start(core_of(what, true), [&] { pong(link, what, *shared); });
  children.start(core_of(what, false), [&] { ping(link, what, *shared, times.get()); });
  children.wait();
  Outcome outcome;
  set_latency(outcome, {times.get() + what.warm_up(), times.get() + what.events});
  const auto measured = static_cast<double>(2 * (what.events - what.warm_up()));
  outcome.cpu_s_per_million =
      static_cast<double>(shared->reader[0].cpu_ns + shared->writer[0].cpu_ns) * 1e-3 / measured;
  return outcome;
}

void write_all(Link& link, const Case& what, Shared& shared, unsigned index) {
  Message message(what);
  const auto writer = link.writer(Direction::Forward, index);
  const unsigned ends = what.writers + what.readers;
  meet(shared, ends);
  connect(*writer);
  meet(shared, 2 * ends);
  const std::uint64_t window = link.window();
  std::int64_t start = 0;
  for (std::uint64_t i = 1; i <= what.events; ++i) {
    if (i == what.warm_up()) start = cpu_ns();
    for (unsigned reader = 0; window != 0 && reader < what.readers; ++reader) {
      // A reader counts the messages of all writers: what is under way is at most what it has not read of our share.
      while (i * what.writers > shared.reader[reader].count.load(std::memory_order_relaxed) + window * what.writers) {
        const timespec moment{0, 20'000};
        nanosleep(&moment, nullptr);
      }
    }
    writer->write(message, std::uint64_t{index} << writer_shift | i);
  }
  writer->flush();
  shared.writer[index].cpu_ns = cpu_ns() - start;
  leave(shared, ends);
}

void read_all(Link& link, const Case& what, Shared& shared, unsigned index) {
  Message message(what);
  const auto reader = link.reader(Direction::Forward, index);
  const unsigned ends = what.writers + what.readers;
  meet(shared, ends);
  connect(*reader);
  meet(shared, 2 * ends);
  End& end = shared.reader[index];
  std::vector<std::uint64_t> last(what.writers);
  const auto cpu_so_far = [&] { return cpu_ns() + (index == 0 ? link.server_cpu_ns() : 0); };
  std::int64_t start = 0;
  for (std::uint64_t i = 1; i <= what.events * what.writers; ++i) {
    const std::uint64_t number = reader->read(message);
    if ((number & number_mask) != ++last.at(number >> writer_shift))
      throw std::runtime_error("a message came out of order, or one is missing");
    if (i % 16 == 0) end.count.store(i, std::memory_order_relaxed);
    if (i == what.warm_up() * what.writers) {
      end.first_ns = monotonic_ns();
      start = cpu_so_far();
    }
  }
  end.last_ns = monotonic_ns();
  end.cpu_ns = cpu_so_far() - start;
  leave(shared, ends);
}

Outcome throughput(Link& link, const Case& what) {
  const auto shared = shared_object<Shared>();
  Children children;
  for (unsigned i = 0; i < what.readers; ++i)
    children.start(core_of(what, true), [&, i] { read_all(link, what, *shared, i); });
  for (unsigned i = 0; i < what.writers; ++i)
    children.start(core_of(what, false), [&, i] { write_all(link, what, *shared, i); });
  children.wait();

  std::int64_t first = INT64_MAX;
  std::int64_t last = 0;
  std::int64_t cpu = 0;
  std::int64_t writing = 0;
  for (const End& end : std::span(shared->reader, what.readers)) {
    first = std::min(first, end.first_ns);
    last = std::max(last, end.last_ns);
    cpu += end.cpu_ns;
  }
  for (const End& end : std::span(shared->writer, what.writers)) writing += end.cpu_ns;
  const auto written = static_cast<double>((what.events - what.warm_up()) * what.writers);
  const double delivered = written * what.readers;
  Outcome outcome;
  outcome.per_s = delivered * 1e9 / static_cast<double>(last - first);
  outcome.writer_ns = static_cast<double>(writing) / written;
  outcome.cpu_s_per_million = static_cast<double>(cpu + writing) * 1e-3 / delivered;
  return outcome;
}

}  // namespace

int core_of(const Case& what, bool second) {
  if (what.mode == Mode::SleepOneCore) return cores().front();
  if (!is_on_two_cores(what.mode)) return -1;
  return second ? cores().back() : cores().front();
}

Outcome run_over(OpenLink open, const Case& what) {
  const auto link = open(what);
  return what.kind == Kind::Latency ? latency(*link, what) : throughput(*link, what);
}

}  // namespace bench
