// What one actor can make the broker say to another: it is bounded, and who says too much waits.

#include <control/messages.hpp>
#include <shm/pool.hpp>

#include "exchange_fixture.hpp"

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Burden : ExchangeTest {
  Burden() {
    join(publisher);
    join(reader);
    sub().inbox.clear();
  }
  void add(std::uint32_t number) {
    const auto extent = shm::OwnedSegment::create("actor-extent", 64);
    pub().send(control::ExtentAdded{number, 64}, {extent.fd()});
    hear();
  }
  void drop(std::uint32_t number) {
    pub().send(control::ExtentDropped{number});
    hear();
  }
  /// The broker alone: nobody reads what it says.
  void hear() {
    while (loop.poll() > 0) {
    }
  }
};

TEST_F(Burden, ABusyReaderIsNotGivenUpForExtentsThatComeAndGo) {
  for (int i = 0; i < 5000; ++i) {
    add(1);
    drop(1);
  }
  add(2);
  EXPECT_THAT(lives.at(publisher)->violations, IsEmpty());
  EXPECT_THAT(lives.at(reader)->violations, IsEmpty());
  settle();
  const auto added = sub().got<control::PeerExtentAdded>();
  EXPECT_EQ(added.size(), sub().got<control::PeerExtentDropped>().size() + 1) << "what it was told of is taken back";
  EXPECT_EQ(added.back().extent, 2u);
}

TEST_F(Burden, ManySmallExtentsAreNoWayToSpendDescriptors) {
  const auto most = static_cast<std::uint32_t>(shm::Pool::most_extents(1 << 20));
  for (std::uint32_t number = 1; number <= most; ++number) add(number);
  EXPECT_THAT(lives.at(publisher)->violations, IsEmpty());
  drop(3);
  add(most + 1);
  EXPECT_THAT(lives.at(publisher)->violations, IsEmpty());
  add(most + 2);
  EXPECT_THAT(lives.at(publisher)->violations, ElementsAre(HasSubstr("it has more than")));
}

struct Listener : SessionHandler {
  void hello(Session&, control::Hello, Fd) override {}
  void message(Session&, control::ToBroker, std::vector<Fd>) override {}
  void request(Session&, const std::string&) override { ++requests; }
  void other_version(Session&, unsigned) override {}
  void violated(Session&, const std::string&) override { ++violations; }
  void hung_up(Session&) override {}
  void out_of_descriptors(Session&) override {}
  void lags(Session&) override { ++lagged; }
  void caught_up(Session&) override { ++caught; }
  int requests = 0, violations = 0, lagged = 0, caught = 0;
};

struct Held : ::testing::Test {
  void fill() {
    while (heard.lagged == 0) session.send(control::Reply{"x", false});
  }
  FakeActor peer;
  EpollLoop loop;
  Listener heard;
  Session session{peer.take_broker_end(), loop, heard, 7};
};

TEST_F(Held, WhoDoesNotReadIsSaidToLagUntilItHasReadTheMost) {
  fill();
  EXPECT_EQ(heard.caught, 0);
  while (heard.caught == 0) {
    ASSERT_GT(peer.serve() + loop.poll(), 0U);
  }
  EXPECT_EQ(heard.caught, 1);
  heard.lagged = 0;
  fill();
  session.close();
  EXPECT_EQ(heard.caught, 2) << "nobody need wait for it any more";
}

TEST_F(Held, WhoIsHeldIsNotHeardButTalkedTo) {
  session.hold();
  peer.send(control::Request{"one"});
  EXPECT_EQ(loop.poll(), 0U);
  fill();
  while (heard.caught == 0) {
    ASSERT_GT(peer.serve() + loop.poll(), 0U);
  }
  EXPECT_EQ(heard.requests, 0);
  session.let_speak();
  while (loop.poll() > 0) {
  }
  EXPECT_EQ(heard.requests, 1);
  EXPECT_EQ(heard.violations, 0);
}

}  // namespace
}  // namespace actor::broker
