#pragma once
// The fixture of every conformance test: a world of the transport under test, and sums over its peers. A theme is a
// suite: CONFORMANCE_SUITE(Order) once per file, then TEST_P(Order, EventsArriveInOrder).

#include <gtest/gtest.h>

#include "conformance/events.hpp"
#include "conformance/world.hpp"

namespace actor::conformance {

/// One topic of each policy, named after it.
std::vector<TopicSpec> one_topic_per_policy(std::size_t capacity = 8);

class Conformance : public testing::TestWithParam<Transport> {
 protected:
  /// For the table of docs/transports.md: did the events of this test travel by the transport's own means?
  void TearDown() override;

  World& make_world(WorldOptions options);
  World& make_world() { return make_world({.topics = one_topic_per_policy()}); }
  World& world() { return *world_; }
  void destroy_world() { world_.reset(); }

  Peer& add(std::string_view name, std::vector<std::string> subscriptions) {
    return world_->add(name, types(), std::move(subscriptions));
  }
  /// Sums over all peers, gone ones included.
  PortCounters totals();
  /// What sent = handled + skipped + dropped + queued says is queued.
  std::uint64_t queued();

 private:
  std::unique_ptr<World> world_;
};

/// The seed of this run: from the environment variable ACTOR_TEST_SEED or random; printed.
std::uint64_t test_seed();

/// from, from + 1, ... below `until`.
std::vector<std::uint64_t> numbers(std::uint64_t from, std::uint64_t until);

}  // namespace actor::conformance

#define CONFORMANCE_SUITE(suite)                                                                     \
  namespace actor::conformance {                                                                     \
  class suite : public Conformance {};                                                               \
  INSTANTIATE_TEST_SUITE_P(Transports, suite, testing::ValuesIn(transports()),                       \
                           [](const auto& transport) { return std::string(transport.param.name); }); \
  }                                                                                                  \
  static_assert(true, "takes the semicolon")
