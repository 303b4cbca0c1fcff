#pragma once
// An exchange, one publisher and one reader, both fake. One thread.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <brain/exchange.hpp>
#include <map>
#include <memory>

#include "fake_actor.hpp"

namespace actor::broker {

using actor::testing::FakeActor;
using ::testing::IsEmpty;

/// One life of an actor: the fake process and the broker's session with it.
struct Life : SessionHandler {
  Life(EpollLoop& loop, Exchange& to, ActorIndex index) : exchange(to), actor(index) {
    session = std::make_unique<Session>(fake.take_broker_end(), loop, *this, index);
  }
  void hello(Session&, control::Hello, Fd) override {}
  void request(Session&, const std::string&) override {}
  void other_version(Session&, unsigned) override {}
  void violated(Session&, const std::string& what) override { violations.push_back(what); }
  void hung_up(Session&) override {}
  void out_of_descriptors(Session&) override {}
  void message(Session&, control::ToBroker said, std::vector<Fd> fds) override {
    const auto violation = std::visit(
        [&](const auto& held) -> Exchange::Violation {
          using Message = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<Message, control::RouteReady>)
            return exchange.route_ready(actor, held, std::move(fds.at(0)));
          if constexpr (std::is_same_v<Message, control::RouteSwitched>) return exchange.route_switched(actor, held);
          if constexpr (std::is_same_v<Message, control::Attached>) return exchange.attached(actor, held);
          if constexpr (std::is_same_v<Message, control::SegmentDrained>) return exchange.drained(actor, held);
          if constexpr (std::is_same_v<Message, control::ExtentAdded>)
            return exchange.extent_added(actor, held, std::move(fds.at(0)));
          if constexpr (std::is_same_v<Message, control::ExtentDropped>) return exchange.extent_dropped(actor, held);
          return std::nullopt;
        },
        said);
    if (violation) violations.push_back(*violation);
  }
  Exchange& exchange;
  ActorIndex actor;
  FakeActor fake;
  std::unique_ptr<Session> session;
  std::vector<std::string> violations;
};

struct ExchangeTest : ::testing::Test {
  ExchangeTest() {
    topics.configure("T.A", OverflowPolicy::block(), 8);
    topics.configure("T.New", OverflowPolicy::drop_oldest(), 8);
    a = topics.find("T.A")->id;
    const TopicFilter all{.all = true, .names = {}};
    publisher = table.add_actor("pub", all, {});
    reader = table.add_actor("sub", all, TopicFilter{.all = false, .names = {"T.A"}});
  }
  /// A new life says hello and is welcomed.
  Life& join(ActorIndex actor, bool answers = true) {
    auto life = std::make_unique<Life>(loop, exchange, actor);
    life->fake.answers = answers;
    auto memory = std::make_shared<Incarnation>();
    memory->actor = actor;
    memory->name = table.name_of(actor);
    memory->key = actor;
    memory->number = ++incarnations[actor];
    memory->memory_bytes = 1 << 20;
    std::string error;
    memory->status = *StatusView::open(safe.keep(Fd(dup(life->fake.status_fd()))), error);
    Life& joined = *(lives[actor] = std::move(life));
    joined.fake.send(joined.fake.hello(memory->name), {joined.fake.status_fd()});
    loop.poll();
    if (actor == publisher) exchange.apply(table.set_topics(publisher, std::vector{a}));
    exchange.joined(std::move(memory), *joined.session);
    settle();
    return joined;
  }
  void settle() {
    bool busy = true;
    while (busy) {
      busy = loop.poll() > 0;
      for (auto& [actor, life] : lives) busy |= life->fake.serve() > 0;
    }
  }
  /// kill -9. What it sent before is still handled.
  void die(ActorIndex actor) {
    lives.at(actor)->session->drain();
    EXPECT_THAT(lives.at(actor)->violations, IsEmpty());
    deeds = exchange.left(actor);
    EXPECT_THAT(deeds.wrong, IsEmpty());
    lives.erase(actor);
    settle();
  }
  RouteId route() { return table.from(publisher).at(0)->id; }
  FakeActor& pub() { return lives.at(publisher)->fake; }
  FakeActor& sub() { return lives.at(reader)->fake; }

  EpollLoop loop;
  TopicTable topics;
  RoutingTable table{topics};
  std::map<std::uint64_t, Fd> stored;  // what the keeper has
  FdSafe safe{[this](std::uint64_t key, int fd) { stored.insert_or_assign(key, Fd(dup(fd))); }};
  Exchange exchange{table, safe};
  std::map<ActorIndex, std::unique_ptr<Life>> lives;
  std::map<ActorIndex, std::uint32_t> incarnations;
  Deeds deeds;  // of the last who died
  TopicId a = 0;
  ActorIndex publisher = 0, reader = 0;
};

}  // namespace actor::broker
