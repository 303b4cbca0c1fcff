// What monitors are told of the sending half.

#include <gtest/gtest.h>

#include "fault/fan.hpp"

namespace actor::fault {
namespace {

/// Writes down what it is told: "dispatched 3 to reader0".
class Scribe final : public Monitor {
 public:
  void on_event_dispatched(const Observation& event) override { note("dispatched", event); }
  void on_overflow(const Observation& event, const OverflowPolicy& policy) override {
    note(to_string(policy) + " overflow of", event);
  }
  std::vector<std::string> lines;

 private:
  void note(const std::string& what, const Observation& event) {
    const auto* held = event.get_if<InPool>();
    const std::string value = held ? std::to_string(held->value) : "nothing";
    lines.push_back(what + ' ' + value + " to " + std::string(event.receiver.name()));
    EXPECT_EQ(event.meta.sender, ActorId("writer"));
    EXPECT_TRUE(event.meta.id);
  }
};

class WatchedSender : public testing::Test {
 protected:
  void start(const FanOptions& options) {
    fan_.emplace(options);
    for (unsigned i = 0; i < fan_->reader_count(); ++i) fan_->start_reader(i);
    fan_->start_writer();
    monitors_.add(scribe_);
    fan_->writer().port->watch(monitors_);
  }
  void send(std::uint64_t value) { fan_->writer().send<InPool>(value); }
  using Lines = std::vector<std::string>;
  Lines told() { return std::exchange(scribe_->lines, {}); }

  std::shared_ptr<Scribe> scribe_ = std::make_shared<Scribe>();
  Monitors monitors_;
  std::optional<Fan> fan_;
};

TEST_F(WatchedSender, TellsOfEachReader) {
  start({.readers = 2});
  send(1);
  EXPECT_EQ(told(), (Lines{"dispatched 1 to reader0", "dispatched 1 to reader1"}));
}

TEST_F(WatchedSender, TellsOnceWhoHasNoRoomAndOfTheDispatchWhenThereIsSome) {
  start({.readers = 2, .capacity = 2});
  send(1);
  send(2);
  fan_->reader(1).receive_all();
  told();
  send(3);
  EXPECT_EQ(told(), (Lines{"block overflow of 3 to reader0"}));
  fan_->writer().port->push_staged();
  EXPECT_EQ(told(), Lines{});
  fan_->reader(0).receive_all();
  ASSERT_TRUE(fan_->writer().port->push_staged());
  EXPECT_EQ(told(), (Lines{"dispatched 3 to reader0", "dispatched 3 to reader1"}));
}

TEST_F(WatchedSender, TellsWhoMissesWhatIsDropped) {
  start({.readers = 2, .capacity = 2, .policy = OverflowPolicy::drop()});
  send(1);
  send(2);
  fan_->reader(1).receive_all();
  told();
  send(3);
  EXPECT_EQ(told(), (Lines{"drop overflow of 3 to reader0", "dispatched 3 to reader1"}));
}

TEST_F(WatchedSender, TellsNothingWithoutAnActiveMonitor) {
  start({.readers = 1, .capacity = 2, .policy = OverflowPolicy::drop()});
  monitors_.pause();
  for (std::uint64_t i = 0; i < 5; ++i) send(i);
  monitors_.resume();
  fan_->reader(0).receive_all();
  send(9);
  EXPECT_EQ(told(), (Lines{"dispatched 9 to reader0"}));
}

}  // namespace
}  // namespace actor::fault
