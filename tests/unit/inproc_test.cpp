// What the in-process transport promises beyond the conformance suite: exact accounts and order with many threads, and
// what monitors, faults and deadlock detection are told.

#include <gtest/gtest.h>

#include <actor/actor.hpp>
#include <actor/epoll_loop.hpp>
#include <actor/monitor.hpp>
#include <algorithm>
#include <cstdlib>
#include <inproc/bus.hpp>
#include <inproc/bus_port.hpp>
#include <inproc/event_memory.hpp>
#include <iostream>
#include <limits>
#include <map>
#include <random>
#include <thread>

#include "allocations.hpp"

namespace inproc_test {

struct Count {
  std::uint64_t number;
};
struct Text {  // allocates: what is freed twice or never is seen by the sanitizers
  std::string words;
  std::uint64_t number;
};
using Events = std::variant<Count, Text>;

}  // namespace inproc_test

namespace actor::inproc {
namespace {

using inproc_test::Count;
using inproc_test::Events;
using inproc_test::Text;

constexpr std::uint64_t per_sender = 5000;

std::uint64_t test_seed() {
  const char* given = std::getenv("ACTOR_TEST_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "seed: " << seed << " (ACTOR_TEST_SEED=" << seed << " runs it again)\n";
  return seed;
}

void add_to(PortCounters& sum, const PortCounters& counters) {
  sum.published += counters.published;
  sum.sent += counters.sent;
  sum.dropped += counters.dropped;
  sum.received += counters.received;
  sum.handled += counters.handled;
  sum.skipped += counters.skipped;
  sum.staged += counters.staged;
}

/// What an actor's thread sleeps in. Shared by its peers through the signal.
struct Bed {
  EpollLoop loop;
  LoopWaker waker{loop};
  Signal signal{waker};
};

struct Side {
  std::shared_ptr<Bed> bed = std::make_shared<Bed>();
  std::unique_ptr<BusPort> port;

  Side() = default;
  Side(Bus& bus, const std::string& name, const Subscribe& topics, std::size_t capacity = 0)
      : port(bus.attach(ActorId(name), event_types<Events>(), topics, {bed, &bed->signal}, capacity)) {}

  void sleep() {
    if (port->prepare_wait()) {
      const std::int64_t due = port->next_deadline();
      bed->loop.wait(due == std::numeric_limits<std::int64_t>::max()
                         ? Loop::Clock::time_point::max()
                         : Loop::Clock::time_point(std::chrono::nanoseconds(due)));
    }
    port->end_wait();
  }
};

std::uint64_t number_in(const Delivery& delivery) {
  return delivery.type == event_index<Events, Count> ? static_cast<const Count*>(delivery.object)->number
                                                     : static_cast<const Text*>(delivery.object)->number;
}

struct Plan {
  std::string topic;
  OverflowPolicy policy;
  std::size_t capacity;
};

/// An actor that sends on random topics and reads what the others send; on a thread of its own.
class Member {
 public:
  Member(Bus& bus, const std::string& name, std::vector<Plan> plans, const std::vector<std::string>& reads,
         std::uint64_t seed)
      : id_(name), side_(bus, name, Subscribe::named(reads)), plans_(std::move(plans)), random_(seed) {
    for (const Plan& plan : plans_) handles_.push_back(side_.port->open_topic(plan.topic, plan.policy));
  }

  /// Sends its share, then reads until there are no `senders` left and nothing comes any more.
  void live(std::atomic<int>& senders, const std::function<void()>& wake_all) {
    std::uint64_t left = per_sender;
    bool finished = false;
    for (;;) {
      side_.port->new_turn();
      const bool last_turn = senders == 0;  // read before the mailbox: what was sent before is in it
      if (side_.port->has_staged() && !side_.port->push_staged()) {
        side_.sleep();
        continue;
      }
      for (auto batch = random_() % 12; left != 0 && batch != 0 && !side_.port->has_staged(); --batch, --left) send();
      const bool dry = !side_.port->has_staged() && read(1 + random_() % 12);
      side_.port->flush();
      if (left == 0 && !finished && !side_.port->has_staged()) {
        finished = true;
        if (--senders == 0) wake_all();
      } else if (last_turn && dry) {
        return;
      } else if (left == 0 && dry) {
        side_.sleep();
      }
    }
  }

  void wake() { side_.bed->signal.raise(Signal::injected); }
  ActorId id() const { return id_; }
  PortCounters counters() const { return side_.port->counters(); }
  std::uint64_t out_of_order() const { return out_of_order_; }
  std::uint64_t sent(const std::string& topic) { return sent_[topic]; }
  std::uint64_t seen(ActorId sender, const std::string& topic) { return seen_[{sender, topic}]; }

 private:
  void send() {
    const std::size_t at = random_() % plans_.size();
    const std::uint64_t number = sent_[plans_[at].topic]++;
    if (random_() % 4 == 0) {
      const Text text{std::string(random_() % 2000, 'x'), number};
      side_.port->send({&event_type<Text>(), &text, handles_[at], {}});
    } else if (random_() % 2 == 0) {
      auto* count = static_cast<Count*>(side_.port->loan(event_type<Count>()));
      count->number = number;
      side_.port->send({&event_type<Count>(), count, handles_[at], {}});
    } else {
      const Count count{number};
      side_.port->send({&event_type<Count>(), &count, handles_[at], {}});
    }
  }

  /// Returns true when there is nothing more.
  bool read(std::uint64_t at_most) {
    Delivery delivery;
    for (; at_most != 0; --at_most) {
      if (!side_.port->next(delivery)) return true;
      note(delivery);
      side_.port->handled(delivery, true);
    }
    return false;
  }

  void note(const Delivery& delivery) {
    const std::pair key(delivery.sender, std::string(side_.port->topic_name(delivery.topic)));
    const std::uint64_t number = number_in(delivery);
    out_of_order_ += number < next_in_topic_[key];
    next_in_topic_[key] = number + 1;
    ++seen_[key];
    if (random_() % 16 == 0) retained_.push_back(side_.port->retain(delivery));
    if (retained_.size() > 50) retained_.clear();
    if (key.second.starts_with("latest")) return;  // in order within the topic only
    out_of_order_ += delivery.id.counter < next_counter_[delivery.sender];
    next_counter_[delivery.sender] = delivery.id.counter + 1;
  }

  const ActorId id_;
  Side side_;
  const std::vector<Plan> plans_;
  std::mt19937_64 random_;
  std::vector<std::uint16_t> handles_;
  std::map<std::string, std::uint64_t> sent_;
  std::map<std::pair<ActorId, std::string>, std::uint64_t> next_in_topic_;
  std::map<std::pair<ActorId, std::string>, std::uint64_t> seen_;
  std::map<ActorId, std::uint64_t> next_counter_;
  std::vector<Retained> retained_;
  std::uint64_t out_of_order_ = 0;
};

/// Sends Count{number} and makes it visible.
EventId send(Side& side, std::uint16_t topic, std::uint64_t number) {
  const Count count{number};
  const EventId id = side.port->send({&event_type<Count>(), &count, topic, {}});
  side.port->flush();
  return id;
}

std::vector<std::uint64_t> receive_all(Side& side) {
  std::vector<std::uint64_t> numbers;
  for (Delivery delivery; side.port->next(delivery); side.port->handled(delivery, true))
    numbers.push_back(number_in(delivery));
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

struct Journal : Monitor {
  std::vector<std::pair<std::string, Meta>> dispatched, overflowed;  // by receiver and topic
  void on_event_dispatched(const Observation& seen) override {
    EXPECT_EQ(seen.label(), "Count");
    dispatched.emplace_back(std::string(seen.receiver.name()) + " " + std::string(seen.topic), seen.meta);
  }
  void on_overflow(const Observation& seen, const OverflowPolicy&) override {
    overflowed.emplace_back(std::string(seen.receiver.name()) + " " + std::string(seen.topic), seen.meta);
  }
};

}  // namespace

TEST(InprocStress, ThreadsThatSendAndReadAreAccountedForExactlyAndInOrder) {
  std::mt19937_64 random(test_seed());
  const std::vector<Plan> plans = {{"block", OverflowPolicy::block(), 1 + random() % 40},
                                   {"timed", OverflowPolicy::block_for(std::chrono::microseconds(200)), 4},
                                   {"fail", OverflowPolicy::fail(), 16},
                                   {"drop", OverflowPolicy::drop(), 1 + random() % 40},
                                   {"latest", OverflowPolicy::drop_oldest(), 3},
                                   {"latest too", OverflowPolicy::drop_oldest(), 20}};
  Bus bus(random(), {.outbox_limit = 100, .first_sequence = (std::uint64_t{1} << 32) - random() % 1000});
  for (const Plan& plan : plans) bus.set_capacity(plan.topic, plan.capacity);
  // Odd members send "block", even ones read it: actors that wait for each other in a ring would wait for ever.
  const std::size_t count = 4 + random() % 5;
  std::vector<std::unique_ptr<Member>> members;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::string> reads;
    for (const Plan& plan : plans) {
      if (plan.topic == "block" ? i % 2 == 0 : random() % 2 == 0) reads.push_back(plan.topic);
    }
    members.push_back(std::make_unique<Member>(
        bus, "member " + std::to_string(i), std::vector(plans.begin() + (i % 2 == 0), plans.end()), reads, random()));
  }
  std::atomic<int> senders = static_cast<int>(count);
  const auto wake_all = [&] {
    for (const auto& member : members) member->wake();
  };
  std::vector<std::thread> threads;
  for (const auto& member : members) threads.emplace_back([&] { member->live(senders, wake_all); });
  for (std::thread& thread : threads) thread.join();

  PortCounters sum;
  for (std::size_t i = 0; i < count; ++i) {
    add_to(sum, members[i]->counters());
    EXPECT_EQ(members[i]->out_of_order(), 0u) << "at member " << i;
    for (std::size_t from = 1; i % 2 == 0 && from < count; from += 2)
      EXPECT_EQ(members[i]->seen(members[from]->id(), "block"), members[from]->sent("block")) << from << " to " << i;
  }
  EXPECT_EQ(sum.published, count * per_sender);
  EXPECT_EQ(sum.staged, 0u);
  EXPECT_EQ(sum.received, sum.handled);
  EXPECT_EQ(sum.sent, sum.handled + sum.dropped);
}

TEST(Inproc, MoreSendersThanASignalHasBitsTakeTurns) {
  Bus bus(1);
  Side reader(bus, "reader", Subscribe::named({"topic"}));
  std::vector<Side> senders;
  for (int i = 0; i < 150; ++i) senders.emplace_back(bus, "sender " + std::to_string(i), Subscribe::none());
  for (Side& sender : senders) {
    const auto topic = sender.port->open_topic("topic", OverflowPolicy::fail());
    for (std::uint64_t round = 0; round < 3; ++round) send(sender, topic, round);
  }
  const Numbers received = receive_all(reader);
  ASSERT_EQ(received.size(), 450u);
  EXPECT_TRUE(std::is_sorted(received.begin(), received.end())) << "one event of each in every round";
}

TEST(Inproc, ASenderThatComesBackGoesOnBehindWhatItHadSent) {
  Bus bus(1);
  Side reader(bus, "reader", Subscribe::named({"topic"}));
  for (std::uint64_t life = 0; life < 5; ++life) {
    Side sender(bus, "sender", Subscribe::none());
    const auto topic = sender.port->open_topic("topic", OverflowPolicy::fail());
    for (std::uint64_t i = 0; i < 40; ++i) send(sender, topic, life * 40 + i);
    if (life == 2) {
      EXPECT_EQ(receive_all(reader).size(), 120u);
    }
  }
  const Numbers received = receive_all(reader);
  EXPECT_EQ(received.size(), 80u);
  EXPECT_TRUE(std::is_sorted(received.begin(), received.end()));
  EXPECT_EQ(reader.port->counters().dropped + bus.departed().dropped, 0u);
}

TEST(Inproc, WhatWasPushedToAReaderThatHasLeftCountsAsDropped) {
  Bus bus(1);
  Side sender(bus, "sender", Subscribe::none());
  const auto topic = sender.port->open_topic("topic", OverflowPolicy::fail());
  auto reader = std::make_unique<Side>(bus, "reader", Subscribe::named({"topic"}));
  send(sender, topic, 1);
  const Count unannounced{2};
  sender.port->send({&event_type<Count>(), &unannounced, topic, {}});
  reader.reset();
  sender.port->flush();
  EXPECT_EQ(sender.port->counters().sent, 2u);
  EXPECT_EQ(sender.port->counters().dropped + bus.departed().dropped, 2u);
  send(sender, topic, 3);
  EXPECT_EQ(sender.port->counters().sent, 2u);
  EXPECT_EQ(sender.port->counters().dropped + bus.departed().dropped, 2u);
}

TEST(Inproc, WaitsNameTheReadersThatHoldTheOutboxUp) {
  Bus bus(1);
  bus.set_capacity("topic", 2);
  bus.set_capacity("timed", 2);
  Side sender(bus, "sender", Subscribe::none());
  Side slow(bus, "slow", Subscribe::named({"topic"}));
  Side late(bus, "late", Subscribe::named({"timed"}));
  const auto topic = sender.port->open_topic("topic", OverflowPolicy::block());
  const auto timed = sender.port->open_topic("timed", OverflowPolicy::block_for(std::chrono::hours(1)));
  for (std::uint64_t i = 0; i < 5; ++i) send(sender, topic, i);
  for (std::uint64_t i = 0; i < 5; ++i) send(sender, timed, i);
  const std::vector<Wait> waits = sender.port->waits();
  ASSERT_EQ(waits.size(), 1u) << "a deadline ends the other wait";
  EXPECT_EQ(waits[0].reader, ActorId("slow"));
  EXPECT_EQ(waits[0].topic, "topic");
  EXPECT_EQ(waits[0].events, 3u);
  receive_all(slow);
  EXPECT_TRUE(sender.port->waits().empty());
}

TEST(Inproc, MonitorsSeeEachCopyDispatchedAndEachThatFoundNoRoom) {
  Monitors monitors;
  Bus bus(1, {.topic_capacity = 1, .clock = [] { return std::int64_t{1234}; }, .monitors = &monitors});
  auto journal = std::make_shared<Journal>();
  auto handle = monitors.add(journal);
  Side sender(bus, "sender", Subscribe::none());
  Side reader(bus, "reader", Subscribe::named({"block", "fail", "drop", "latest"}));
  Side other(bus, "other", Subscribe::named({"fail"}));
  const std::vector<Plan> plans = {{"fail", OverflowPolicy::fail(), 1},
                                   {"drop", OverflowPolicy::drop(), 1},
                                   {"latest", OverflowPolicy::drop_oldest(), 1},
                                   {"block", OverflowPolicy::block(), 1}};
  std::vector<std::string> expected;
  for (const Plan& plan : plans) {
    const auto topic = sender.port->open_topic(plan.topic, plan.policy);
    const EventId first = send(sender, topic, 0);
    EXPECT_EQ(journal->dispatched.back().second.id, first);
    EXPECT_EQ(journal->dispatched.back().second.sender, ActorId("sender"));
    EXPECT_EQ(journal->dispatched.back().second.monotonic_time.time_since_epoch().count(), 1234);
    EXPECT_TRUE(journal->overflowed.empty());
    receive_all(other);
    journal->dispatched.clear();
    const EventId second = send(sender, topic, 1);
    ASSERT_EQ(journal->overflowed.size(), 1u) << plan.topic;
    EXPECT_EQ(journal->overflowed[0].first, "reader " + plan.topic);
    EXPECT_EQ(journal->overflowed[0].second.id, plan.topic == "latest" ? first : second) << "the one that is lost";
    const std::size_t dispatched = plan.topic == "fail" || plan.topic == "latest" ? 1 : 0;
    EXPECT_EQ(journal->dispatched.size(), dispatched) << plan.topic;
    journal->overflowed.clear();
  }
  receive_all(reader);
  journal->dispatched.clear();
  EXPECT_TRUE(sender.port->push_staged());
  ASSERT_EQ(journal->dispatched.size(), 1u) << "under Block it follows once there is room";
  EXPECT_EQ(journal->dispatched[0].first, "reader block");
  handle.remove();
  receive_all(reader);
  EXPECT_EQ(sender.port->counters().sent,
            reader.port->counters().handled + sender.port->counters().dropped + other.port->counters().handled);
}

TEST(Inproc, DisturbedCopiesAreLostLateOrDoubledAndStillAccountedFor) {
  using Kind = Disturbance::Kind;
  std::vector<Kind> script = {Kind::None, Kind::Drop, Kind::Delay, Kind::Duplicate, Kind::None, Kind::Delay};
  std::vector<std::function<void()>> later;
  Bus bus(
      1,
      {.disturb =
           [&](const Observation& seen) {
             return Disturbance{script.at(static_cast<const Count*>(seen.event)->number), std::chrono::milliseconds(5)};
           },
       .later =
           [&](std::chrono::nanoseconds delay, std::function<void()> work) {
             EXPECT_EQ(delay, std::chrono::milliseconds(5));
             later.push_back(std::move(work));
           }});
  bus.set_capacity("topic", 6);
  auto sender = std::make_unique<Side>(bus, "sender", Subscribe::none());
  Side reader(bus, "reader", Subscribe::named({"topic"}));
  const auto topic = sender->port->open_topic("topic", OverflowPolicy::drop());
  for (std::uint64_t i = 0; i < script.size(); ++i) send(*sender, topic, i);
  EXPECT_TRUE(sender->port->is_full(topic)) << "what is delayed has its room";
  EXPECT_EQ(receive_all(reader), (Numbers{0, 3, 3, 4}));
  ASSERT_EQ(later.size(), 2u);
  later[0]();
  EXPECT_EQ(receive_all(reader), (Numbers{2})) << "it was overtaken";
  sender.reset();
  EXPECT_EQ(receive_all(reader), (Numbers{5})) << "what a sender has sent stays";
  later[1]();  // of a sender that is gone
  EXPECT_EQ(bus.departed().sent, 7u);
  EXPECT_EQ(bus.departed().dropped, 1u);
  EXPECT_EQ(reader.port->counters().handled, 6u);
}

TEST(Inproc, ASleepingReaderIsWokenOncePerSleepHoweverMuchIsSent) {
  struct Counting : Waker {
    int woken = 0;
    void wake() noexcept override { ++woken; }
  } waker;
  Bus bus(1);
  const auto signal = std::make_shared<Signal>(waker);
  const auto reader = bus.attach(ActorId("reader"), event_types<Events>(), Subscribe::named({"topic"}), signal);
  Side sender(bus, "sender", Subscribe::none());
  const auto topic = sender.port->open_topic("topic", OverflowPolicy::fail());
  for (int round = 1; round <= 3; ++round) {
    ASSERT_TRUE(reader->prepare_wait());
    for (std::uint64_t i = 0; i < 20; ++i) send(sender, topic, i);
    EXPECT_EQ(waker.woken, round);
    reader->new_turn();
    std::size_t received = 0;
    for (Delivery delivery; reader->next(delivery); ++received) reader->handled(delivery, true);
    EXPECT_EQ(received, 20u);
  }
}

#if !ACTOR_PLAIN_EVENT_MEMORY
TEST(Inproc, AnEventOnItsWayAllocatesNothing) {
  Bus bus(1);
  Side sender(bus, "sender", Subscribe::none());
  std::vector<Side> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(bus, "reader " + std::to_string(i), Subscribe::named({"topic"}));
  const auto topic = sender.port->open_topic("topic", OverflowPolicy::block());
  const auto round = [&] {
    for (std::uint64_t i = 0; i < 300; ++i) send(sender, topic, i);  // 256 find room, the others are staged
    for (Side& reader : readers) {
      Delivery delivery;
      while (reader.port->next(delivery)) reader.port->handled(delivery, true);
      reader.port->flush();
    }
    ASSERT_TRUE(sender.port->push_staged());
    for (Side& reader : readers) {
      Delivery delivery;
      while (reader.port->next(delivery)) reader.port->handled(delivery, true);
    }
  };
  for (int i = 0; i < 3; ++i) round();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(allocations(), before);
}
#endif

}  // namespace actor::inproc
