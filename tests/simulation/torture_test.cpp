// Producers, relays and sinks under random crashes, delays and doubled events, a thousand times: whatever happens,
// every event that was sent is handled by every reader at least once, in order where nothing was delayed.

#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <map>
#include <random>

namespace torture_test {

struct Item {
  int producer = 0;
  int number = 0;
};
struct Relayed {
  int relay = 0;
  int producer = 0;
  int number = 0;
};
using Events = std::variant<Item, Relayed>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Item>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Relayed>) {
  return actor::OverflowPolicy::block();
}

constexpr int producers = 3;
constexpr int relays = 2;
constexpr int items = 40;

/// Outlives the actors' lives, as a database would.
struct Account {
  int produced[producers] = {};
  std::map<std::pair<int, int>, std::vector<int>> handled;  // (relay, producer): numbers in order, repeats left out
};

struct Producer : actor::Actor<Events> {
  Producer(int number, Account* account) : number_(number), account_(account) {}
  actor::StepAction step() override {
    int& produced = account_->produced[number_];
    if (produced == items) return actor::StepAction::Never();
    ctx().send(Item{number_, produced});
    ++produced;
    return produced % 8 == 0 ? actor::StepAction::Backoff(std::chrono::milliseconds(1)) : actor::StepAction::Continue();
  }
  int number_;
  Account* account_;
};

struct Relay : actor::Actor<Events> {
  explicit Relay(int number) : number_(number) {}
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (const Item* item = envelope.get_if<Item>())
      ctx().send_child_event(Relayed{number_, item->producer, item->number}, envelope.id());
  }
  int number_;
};

struct Sink : actor::Actor<Events> {
  explicit Sink(Account* account) : account_(account) {}
  void handle_event(const actor::Envelope<Events>& envelope) override {
    const Relayed* relayed = envelope.get_if<Relayed>();
    if (!relayed) return;
    auto& numbers = account_->handled[{relayed->relay, relayed->producer}];
    if ((envelope.redelivered() || envelope.maybe_duplicate()) &&
        std::find(numbers.begin(), numbers.end(), relayed->number) != numbers.end()) {
      return;  // seen before, and said so
    }
    numbers.push_back(relayed->number);
  }
  Account* account_;
};

actor::SupervisorConfig config(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  actor::Faults faults = {actor::Fault::duplicate().to("sink").probability(0.05)};
  for (const char* victim : {"relay0", "relay1", "sink", "sink", "relay0"}) {
    const std::uint64_t nth = 1 + random() % 60;
    faults.push_back(random() % 2 ? actor::Fault::crash(victim, nth) : actor::Fault::crash_after(victim, nth));
  }
  auto config = actor::simulated(seed, std::move(faults));
  config.default_actor_channel_capacity = 1 + random() % 8;
  config.default_max_events_per_tick = 1 + static_cast<unsigned>(random() % 10);
  config.default_restart.restarts = 100;
  return config;
}

void run(std::uint64_t seed) {
  Account account;
  actor::Supervisor<Events> supervisor(config(seed));
  for (int i = 0; i < producers; ++i)
    supervisor.add_actor<Producer>("producer" + std::to_string(i), actor::Subscribe::none(), i, &account);
  for (int i = 0; i < relays; ++i) supervisor.add_actor<Relay>("relay" + std::to_string(i), actor::of<Item>, i);
  supervisor.add_actor<Sink>("sink", actor::of<Relayed>, &account);
  supervisor.start();
  supervisor.advance(std::chrono::minutes(1));
  supervisor.stop();
  supervisor.settle();

  ASSERT_TRUE(supervisor.errors().empty()) << supervisor.errors()[0].what();
  ASSERT_TRUE(supervisor.stalls().empty()) << supervisor.stalls()[0];
  std::vector<int> all(items);
  for (int i = 0; i < items; ++i) all[static_cast<std::size_t>(i)] = i;
  ASSERT_EQ(account.handled.size(), static_cast<std::size_t>(relays * producers));
  for (const auto& [way, numbers] : account.handled)
    ASSERT_EQ(numbers, all) << "relay " << way.first << ", producer " << way.second;
}

TEST(Torture, ThousandSeedsLoseNothingAndKeepTheOrder) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    run(seed);
    if (HasFatalFailure()) return;
  }
}

}  // namespace torture_test
