#include "conformance/conformance.hpp"

#include <cstdlib>
#include <iostream>
#include <numeric>
#include <ostream>
#include <random>

namespace actor::conformance {

std::vector<TopicSpec> one_topic_per_policy(std::size_t capacity) {
  return {{"block", OverflowPolicy::block(), capacity},
          {"fail", OverflowPolicy::fail(), capacity},
          {"drop", OverflowPolicy::drop(), capacity},
          {"drop-oldest", OverflowPolicy::drop_oldest(), capacity}};
}

void add_to(PortCounters& sum, const PortCounters& counters) {
  sum.published += counters.published;
  sum.sent += counters.sent;
  sum.dropped += counters.dropped;
  sum.received += counters.received;
  sum.handled += counters.handled;
  sum.skipped += counters.skipped;
}

void Conformance::TearDown() {
  if (!world_ || IsSkipped() || totals().sent == 0 || world_->carried() != 0) return;
  RecordProperty("elsewhere", "through shm");
}

World& Conformance::make_world(WorldOptions options) {
  world_ = GetParam().make(std::move(options));
  return *world_;
}

PortCounters Conformance::totals() {
  PortCounters sum = world_->departed();
  for (Peer* peer : world_->peers()) {
    const PortCounters counters = peer->port().counters();
    add_to(sum, counters);
    sum.staged += counters.staged;
  }
  return sum;
}

std::uint64_t Conformance::queued() {
  const PortCounters sum = totals();
  return sum.sent - sum.handled - sum.skipped - sum.dropped;
}

std::uint64_t test_seed() {
  const char* given = std::getenv("ACTOR_TEST_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "seed: " << seed << " (ACTOR_TEST_SEED=" << seed << " runs it again)\n";
  return seed;
}

std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t until) {
  std::vector<std::uint64_t> values(until - from);
  std::iota(values.begin(), values.end(), from);
  return values;
}

}  // namespace actor::conformance
