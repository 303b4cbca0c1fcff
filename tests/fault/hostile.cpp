// Peers that write anything at all into the memory that is theirs to write.
//
//   hostile [--rounds N] [--seed S]
//
// Three victims: a reader whose publisher is hostile, a publisher whose reader is, and the broker's look at what a dead
// publisher left. The hostile side's own mapping is written between the victim's calls and, every other round, by a
// thread beside it. To be run under AddressSanitizer and UndefinedBehaviorSanitizer: a victim may refuse, count and
// drop, but not crash, not read outside of what it mapped, and not loop without end.

#include <unistd.h>

#include <actor/archive.hpp>
#include <actor/error.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <shm/recovery.hpp>
#include <string>
#include <thread>

#include "fault/fan.hpp"

namespace actor::fault {

/// What is decoded rather than read in place.
struct Described {
  std::string text;
  std::vector<std::string> words;
  std::vector<std::uint64_t> numbers;
};

namespace {

constexpr unsigned watchdog_s = 300;  // of one round; a round takes milliseconds

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t below(std::uint64_t end) { return engine_() % end; }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  /// Numbers that hurt: small, large, near a power of two, near `around`, any.
  std::uint64_t number(std::uint64_t around) {
    switch (below(6)) {
      case 0:
        return below(4);
      case 1:
        return UINT64_MAX - below(4);
      case 2:
        return (std::uint64_t{1} << below(64)) - below(3) + 1;
      case 3:
        return around + below(20) - 10;
      case 4:
        return around + (std::uint64_t{1} << below(40));
      default:
        return engine_();
    }
  }

 private:
  std::mt19937_64 engine_;
};

/// Memory that the attacker owns and the victim maps.
struct Target {
  std::byte* data;
  std::uint64_t bytes;
};

void store(std::byte* at, std::uint64_t value, unsigned bytes) {
  // Not memcpy: the victim's thread reads meanwhile.
  for (unsigned i = 0; i < bytes; ++i)
    __atomic_store_n(reinterpret_cast<unsigned char*>(at) + i, static_cast<unsigned char>(value >> (8 * i)),
                     __ATOMIC_RELAXED);
}

void scribble(Random& random, const Target& target) {
  static constexpr unsigned sizes[] = {1, 2, 4, 8};
  const unsigned bytes = sizes[random.below(4)];
  store(target.data + random.below(target.bytes / bytes) * bytes, random.number(0), bytes);
}

/// A ring's memory: mostly slots that look valid and lie in one field.
class HostileRing {
 public:
  HostileRing(shm::OutRoute& route, std::uint32_t slots) : slots_(slots) {
    const std::uint64_t index = route.head() & (slots - 1);
    cells_ = reinterpret_cast<shm::Cell*>(&route.next_slot()) - index;
    header_ = reinterpret_cast<shm::RingHeader*>(reinterpret_cast<std::byte*>(cells_) - sizeof(shm::RingHeader));
  }

  void mutate(Random& random, std::uint64_t near) {
    const std::uint64_t sequence = near + random.below(slots_);
    shm::Cell& cell = cells_[sequence & (slots_ - 1)];
    shm::Slot& slot = cell.slot;
    switch (random.below(9)) {
      case 0:
        return header_->head.store(random.number(near));
      case 1:
        return slot.sequence.store(random.number(sequence));
      case 2:
        return store(reinterpret_cast<std::byte*>(&slot.topic), random.below(3), 2);
      case 3:
        return store(reinterpret_cast<std::byte*>(&slot.type), random.below(6), 2);
      case 4:  // flags
        return store(reinterpret_cast<std::byte*>(&slot.flags_and_bytes) + 3, random.below(16), 1);
      case 5:
        return store(reinterpret_cast<std::byte*>(&slot.flags_and_bytes), random.number(64), 3);
      case 6: {  // where a pool payload is said to be
        store(slot.payload, random.below(4), 4);
        store(slot.payload + 4, random.number(1), 4);
        store(slot.payload + 8, random.number(sizeof(InPool)), 8);
        return slot.sequence.store(sequence + 1);
      }
      case 7:
        return scribble(random, {reinterpret_cast<std::byte*>(cells_), slots_ * sizeof(shm::Cell)});
      default:
        return scribble(random, {reinterpret_cast<std::byte*>(header_), sizeof(shm::RingHeader)});
    }
  }

 private:
  shm::Cell* cells_;
  shm::RingHeader* header_;
  std::uint64_t slots_;
};

void mutate_record(Random& random, shm::Status& status, std::uint64_t near) {
  shm::FanoutRecord& record = status.fanout;
  switch (random.below(5)) {
    case 0:
      return record.commit.store(random.number(1));
    case 1:
      return store(reinterpret_cast<std::byte*>(&record.targets), random.number(1), 8);
    case 2:
      return store(reinterpret_cast<std::byte*>(&record.target[random.below(4)].sequence), random.number(near), 8);
    case 3:
      return scribble(random, {reinterpret_cast<std::byte*>(&record.slot), sizeof record.slot});
    default:
      return scribble(random, {reinterpret_cast<std::byte*>(&status), sizeof status});
  }
}

/// Runs `mutate` on a thread of its own for as long as it lives.
class Beside {
 public:
  explicit Beside(std::function<void()> mutate)
      : thread_([this, mutate = std::move(mutate)] {
          while (!end_.load(std::memory_order_relaxed)) mutate();
        }) {}
  ~Beside() {
    end_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> end_ = false;
  std::thread thread_;
};

std::uint64_t touch(std::span<const std::byte> bytes) {
  std::uint64_t sum = 0;
  for (const std::byte byte : bytes) sum += std::to_integer<std::uint64_t>(byte);
  return sum;
}

struct Totals {
  std::uint64_t events = 0;
  std::uint64_t refused = 0;
  std::uint64_t dropped = 0;
  std::uint64_t sum = 0;  // so that nothing is optimised away
};

FanOptions any_options(Random& random) {
  static constexpr std::uint64_t bases[] = {0, 6, (std::uint64_t{1} << 32) - 3, (std::uint64_t{1} << 63) - 2};
  return {.readers = 2,
          .capacity = 8,
          .policy = random.one_in(2) ? OverflowPolicy::drop() : OverflowPolicy::drop_oldest(),
          .base = bases[random.below(4)],
          .memory_bytes = 256 * 1024};
}

void send_any(Random& random, Writer& writer) {
  const std::uint64_t value = random.below(1000);
  switch (random.below(3)) {
    case 0:
      writer.send<InSlot>(value);
      break;
    case 1:
      writer.send<InTail>(value);
      break;
    default:
      writer.send<InPool>(value);
  }
}

void read_some(Random& random, Reader& reader, std::vector<Retained>& kept, Totals& totals) {
  for (int i = 0; i < 40; ++i) {
    const auto got = reader.take();
    if (!got) break;
    ++totals.events;
    totals.sum += touch(reader.in_hand.payload);
    if (reader.in_hand.object != nullptr && random.one_in(4)) kept.push_back(reader.port->retain(reader.in_hand));
    reader.done();
  }
  if (kept.size() > 12) kept.erase(kept.begin(), kept.begin() + 6);
  reader.port->prepare_wait();
  reader.port->end_wait();
}

void attack_readers(Random& random, bool beside, Totals& totals) {
  const FanOptions options = any_options(random);
  Fan fan(options);
  std::vector<Retained> kept;  // outlive the ports
  for (unsigned i = 0; i < 2; ++i) fan.start_reader(i);
  for (int life = 0; life < 2; ++life) {
    Writer& writer = fan.start_writer();
    HostileRing ring(*writer.port->sender().find_route(1), options.capacity);
    const std::uint64_t around = writer.port->sender().find_route(1)->head();
    const std::uint64_t seed = random.below(UINT64_MAX);
    {
      Random other(seed);
      std::optional<Beside> thread;
      if (beside)
        thread.emplace([&other, &ring, &writer, around] {
          ring.mutate(other, around);
          mutate_record(other, writer.port->status(), around);
        });
      for (int i = 0; i < 30; ++i) {
        for (std::uint64_t n = random.below(4); n != 0; --n) send_any(random, writer);
        writer.port->flush();
        for (std::uint64_t n = random.below(5); n != 0; --n) ring.mutate(random, around + random.below(16));
        if (random.one_in(3)) mutate_record(random, writer.port->status(), around);
        for (unsigned r = 0; r < 2; ++r) read_some(random, fan.reader(r), kept, totals);
        if (random.one_in(10)) {
          fan.reader_died(0);
          fan.start_reader(0);
        }
      }
    }
    std::string error;
    if (!fan.writer_died(error)) {  // not a ring any more: the broker gives it up
      ++totals.refused;
      return;
    }
    for (unsigned r = 0; r < 2; ++r) read_some(random, fan.reader(r), kept, totals);
  }
  for (unsigned r = 0; r < 2; ++r) {
    totals.refused += fan.reader(r).corrupt.size();
    totals.dropped += fan.reader(r).port->counters().dropped != 0;
  }
}

void attack_publisher(Random& random, bool beside, Totals& totals) {
  Fan fan({.readers = 2, .capacity = 8, .memory_bytes = 256 * 1024});
  for (unsigned i = 0; i < 2; ++i) fan.start_reader(i);
  Writer& writer = fan.start_writer();
  shm::Status& hostile = fan.reader(0).port->status();
  const auto mutate = [&hostile](Random& with) {
    hostile.cursors[0].released.store(with.number(with.below(200)));
    hostile.sleep.store(with.number(1));
    if (with.one_in(4)) scribble(with, {reinterpret_cast<std::byte*>(&hostile), sizeof hostile});
  };
  Random other(random.below(UINT64_MAX));
  std::optional<Beside> thread;
  if (beside) thread.emplace([&other, &mutate] { mutate(other); });
  for (int i = 0; i < 60; ++i) {
    mutate(random);
    try {
      if (writer.port->has_staged())
        writer.port->push_staged();
      else
        send_any(random, writer);
    } catch (const Error&) {  // the outbox is full: it says so, and goes on
    }
    writer.port->flush();
    writer.port->prepare_wait();
    writer.port->end_wait();
    for (const Got& got : fan.reader(1).receive_all()) {  // the honest reader suffers nothing but delay
      ACTOR_ASSERT(got.whole, "an honest reader of an honest publisher gets whole events");
      ++totals.events;
    }
  }
}

void attack_broker(Random& random, bool beside, Totals& totals) {
  const std::uint64_t ring_size = shm::ring_bytes(8u << random.below(4)) - (random.one_in(4) ? random.below(300) : 0);
  const auto ring = shm::OwnedSegment::create("hostile", ring_size);
  const auto status = shm::make_status();
  auto& header = *reinterpret_cast<shm::RingHeader*>(ring.data());
  header.magic = shm::ring_magic;
  header.version = shm::layout_version;
  header.slots = 8u << random.below(5);
  header.base = random.number(0);
  header.overwriting = static_cast<std::uint32_t>(random.below(2));
  auto& words = *reinterpret_cast<shm::Status*>(status.data());
  Random other(random.below(UINT64_MAX));
  std::optional<Beside> thread;
  if (beside)
    thread.emplace([&] {
      header.head.store(other.number(header.base));
      scribble(other, {ring.data(), ring.bytes()});
    });
  for (int i = 0; i < 100; ++i) {
    header.head.store(random.number(header.base));
    scribble(random, {ring.data(), random.one_in(4) ? sizeof header : ring.bytes()});
    mutate_record(random, words, header.base);
    std::string error;
    const auto view = shm::RingView::open(ring.fd(), error);
    const auto ending = view ? shm::final_head(*view, status.fd(), 1, random.number(header.base), error) : std::nullopt;
    if (ending)
      totals.sum += ending->final_head;
    else
      ++totals.refused;
  }
}

/// Bytes that change while they are decoded.
void attack_decoder(Random& random, bool beside, Totals& totals) {
  Described event{std::string(random.below(50), 'x'), {"one", "two", std::string(random.below(40), 'y')}, {1, 2, 3}};
  std::vector<std::byte> bytes(event_type<Described>().encoded_size(&event));
  event_type<Described>().encode(&event, bytes);
  const Target target{bytes.data(), bytes.size()};
  Random other(random.below(UINT64_MAX));
  std::optional<Beside> thread;
  if (beside) thread.emplace([&other, &target] { scribble(other, target); });
  for (int i = 0; i < 50; ++i) {
    scribble(random, target);
    Described decoded;
    if (event_type<Described>().decode({bytes.data(), random.one_in(3) ? random.below(bytes.size()) : bytes.size()},
                                       &decoded))
      totals.sum += decoded.text.size() + decoded.words.size() + decoded.numbers.size();
    else
      ++totals.refused;
  }
}

void attack(std::uint64_t seed, std::uint64_t round, Totals& totals) {
  Random random(mix(seed) ^ mix(round + 1));
  const bool beside = round % 2 == 1;
  switch (round / 2 % 4) {
    case 0:
      return attack_readers(random, beside, totals);
    case 1:
      return attack_publisher(random, beside, totals);
    case 2:
      return attack_broker(random, beside, totals);
    default:
      return attack_decoder(random, beside, totals);
  }
}

}  // namespace
}  // namespace actor::fault

int main(int argc, char** argv) {
  using namespace actor::fault;
  std::uint64_t rounds = 1000;
  std::uint64_t seed = std::random_device()();
  std::uint64_t first = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    const std::uint64_t number = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--rounds")
      rounds = number;
    else if (word == "--seed")
      seed = number;
    else if (word == "--first")
      first = number;
    else
      return std::fprintf(stderr, "usage: hostile [--rounds N] [--seed S] [--first ROUND]\n"), 2;
  }
  std::printf("hostile: seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  Totals totals;
  for (std::uint64_t round = first; round < first + rounds; ++round) {
    alarm(watchdog_s);
    try {
      attack(seed, round, totals);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "hostile: round %llu: %s\n", static_cast<unsigned long long>(round), error.what());
      return 1;
    }
  }
  std::printf("hostile: %llu rounds, %llu events taken, %llu times refused, nothing crashed (%llu)\n",
              static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(totals.events),
              static_cast<unsigned long long>(totals.refused), static_cast<unsigned long long>(totals.sum % 10));
  return 0;
}
