// What one life of an actor can do to the lives after it, and to its peers: it writes into a ring that was checked, it
// breaks a doorbell.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <shm/bell.hpp>

#include "exchange_fixture.hpp"

namespace actor::broker {
namespace {

using ::testing::ElementsAre;

struct ChangedRing : ExchangeTest {
  ChangedRing() {
    join(publisher);
    for (std::uint64_t i = 1; i <= 3; ++i) pub().push(route(), i);
    auto& header = *reinterpret_cast<shm::RingHeader*>(pub().out.at(route()).ring.data());
    header.magic = 0;
    header.version = 99;
    header.slots = 1u << 20;
    header.base = std::uint64_t{1} << 40;
    header.first_counter = 77;
    header.overwriting = 1;
  }
};

TEST_F(ChangedRing, EndsWhereTheOneThatWasCheckedDoes) {
  die(publisher);
  EXPECT_EQ(deeds.pushed, 3u);
  EXPECT_EQ(exchange.queued(reader), 3u);
  join(publisher);
  EXPECT_EQ(pub().got<control::AddRoute>().at(0).base, 3u);
}

TEST_F(ChangedRing, IsReadAsItWasCheckedWhenItsReaderDoesNotCome) {
  die(publisher);
  std::vector<std::uint64_t> seen;
  exchange.empty_mailbox(reader, [&](const Route&, const QueuedEvent& event) {
    seen.push_back(event.id.counter);
    return true;
  });
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  EXPECT_EQ(exchange.given_up(reader), 3u);
  EXPECT_EQ(exchange.discarded(reader), 0u);
}

TEST_F(ChangedRing, IsHandedToItsReaderAsItWasChecked) {
  join(reader);
  const auto told = sub().got<control::Attach>().at(0);
  EXPECT_EQ(told.slots, 8u);
  EXPECT_EQ(told.base, 0u);
  EXPECT_EQ(told.first_counter, 0u);
  EXPECT_FALSE(told.overwriting);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 2, 3));
}

TEST_F(ChangedRing, IsTakenOverByAnotherBrainAsItWasChecked) {
  FdSafe handed_over;
  for (auto& [key, fd] : stored) handed_over.hand_over(key, std::move(fd));
  Exchange next(table, handed_over);
  std::string error;
  ASSERT_TRUE(next.load(exchange.save(), error)) << error;
  ASSERT_NE(next.rejoin(publisher, *lives.at(publisher)->session), nullptr);
  EXPECT_EQ(next.left(publisher).pushed, 3u);
  EXPECT_EQ(next.queued(reader), 3u);
}

/// Bells are told apart by what they are, not by their numbers.
ino_t identity(const Fd& bell) {
  struct stat info {};
  EXPECT_EQ(fstat(bell.get(), &info), 0);
  return info.st_ino;
}

struct BetweenUsers : ExchangeTest {
  BetweenUsers() {
    exchange.tell_users_apart([](ActorIndex) { return true; });
    join(publisher);
    join(reader);
  }
  /// Both sides have the same pair, and who listens hears who rings.
  void expect_to_hear() {
    const auto& out = pub().out.at(route());
    const auto& in = sub().in.at(route());
    expect_heard(out.data_bell, in.data_bell);
    expect_heard(in.space_bell, out.space_bell);
  }
  static void expect_heard(const Fd& rung, const Fd& listened_to) {
    EXPECT_EQ(identity(rung), identity(listened_to));
    const Fd epoll(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listened_to.get(), &event), 0);
    while (epoll_wait(epoll.get(), &event, 1, 0) == 1) {
    }
    shm::ring(rung.get());
    EXPECT_EQ(epoll_wait(epoll.get(), &event, 1, 0), 1) << "nobody hears it any more";
  }
  /// What a peer can do to every bell that it has.
  static void break_bells(Fd& data_bell, Fd& space_bell) {
    shutdown(data_bell.get(), SHUT_RDWR);
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    EXPECT_EQ(connect(space_bell.get(), &nobody, sizeof nobody.sa_family), 0);
  }
};

TEST_F(BetweenUsers, TheBellsAreTheSameOnBothSides) {
  expect_to_hear();
}

TEST_F(BetweenUsers, WhatAReaderDidToTheBellsEndsWithIt) {
  break_bells(sub().in.at(route()).data_bell, sub().in.at(route()).space_bell);
  die(reader);
  join(reader);
  expect_to_hear();
}

TEST_F(BetweenUsers, WhatAPublisherDidToTheBellsEndsWithIt) {
  break_bells(pub().out.at(route()).data_bell, pub().out.at(route()).space_bell);
  die(publisher);
  join(publisher);
  expect_to_hear();
}

TEST_F(BetweenUsers, BothSidesHaveTheSamePairWhoeverComesAndGoesInWhateverOrder) {
  die(publisher);
  die(reader);
  join(reader);
  join(publisher);
  expect_to_hear();
  die(reader);
  die(publisher);
  join(publisher);
  join(reader);
  expect_to_hear();
  // A publisher that is busy when its reader comes back, and dies before it has looked.
  pub().answers = false;
  die(reader);
  join(reader);
  die(publisher);
  join(publisher);
  expect_to_hear();
}

TEST_F(ExchangeTest, BellsOfOneUserStayAsTheyAre) {
  join(publisher);
  join(reader);
  const std::uint64_t data_bell = exchange.save().live.at(0).data_bell;
  die(reader);
  join(reader);
  EXPECT_EQ(exchange.save().live.at(0).data_bell, data_bell);
}

}  // namespace
}  // namespace actor::broker
