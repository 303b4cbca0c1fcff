// The exchange between fake actors: joining in every order, and the death of either side at every step. Numbers say
// what must hold: nothing that was pushed is lost, and a cursor never goes back.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exchange_fixture.hpp"

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

TEST_F(ExchangeTest, ThePublisherNeedNotWaitForItsReader) {
  join(publisher);
  EXPECT_TRUE(exchange.settled(publisher));
  EXPECT_FALSE(pub().got<control::AddRoute>().at(0).reader_present);
  for (std::uint64_t i = 1; i <= 3; ++i) pub().push(route(), i);
  EXPECT_EQ(exchange.queued(reader), 3u);
  join(reader);
  EXPECT_TRUE(exchange.settled(reader));
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 2, 3));
  EXPECT_EQ(pub().reader_done(route()), 3u) << "the publisher follows the reader's cursor";
  EXPECT_EQ(exchange.queued(reader), 0u);
}

TEST_F(ExchangeTest, TheReaderMayComeFirst) {
  join(reader);
  EXPECT_TRUE(exchange.settled(reader)) << "there is nobody to wait for";
  join(publisher);
  EXPECT_TRUE(exchange.settled(publisher));
  pub().push(route(), 1);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
  EXPECT_EQ(pub().reader_done(route()), 1u);
}

TEST_F(ExchangeTest, AnActorStartsOnlyWhenItsRoutesAreInPlace) {
  join(publisher, false);
  EXPECT_FALSE(exchange.settled(publisher));
  EXPECT_TRUE(exchange.owes_answer(publisher));
  join(reader, false);
  EXPECT_FALSE(exchange.settled(reader)) << "its publisher lives and has no ring yet";
  EXPECT_FALSE(exchange.owes_answer(reader));
  EXPECT_THAT(sub().got<control::Attach>(), IsEmpty());
  // Step by step: the ring, the attach, the switch.
  join(publisher);
  EXPECT_TRUE(exchange.settled(publisher));
}

TEST_F(ExchangeTest, TheReadersSuccessorGoesOnWhereItDied) {
  join(publisher);
  join(reader);
  for (std::uint64_t i = 1; i <= 5; ++i) pub().push(route(), i);
  EXPECT_THAT(sub().handle(route(), 2), ElementsAre(1, 2));
  die(reader);
  EXPECT_THAT(pub().got<control::ReaderGone>(), SizeIs(1));
  EXPECT_EQ(exchange.queued(reader), 3u);
  EXPECT_EQ(exchange.cursor(route()), 2u);
  pub().push(route(), 6);
  join(reader);
  EXPECT_TRUE(exchange.settled(reader));
  EXPECT_EQ(sub().got<control::Attach>().at(0).cursor, 2u);
  EXPECT_THAT(sub().handle(route()), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(pub().reader_done(route()), 6u);
}

TEST_F(ExchangeTest, ThePublishersSuccessorBeginsWhereTheOldRingEnded) {
  join(publisher);
  join(reader);
  for (std::uint64_t i = 1; i <= 3; ++i) pub().push(route(), i);
  die(publisher);
  EXPECT_EQ(sub().got<control::PublisherEnded>().at(0).final_head, 3u);
  EXPECT_EQ(exchange.undrained_segments(route()), 1u);
  join(publisher);
  EXPECT_EQ(pub().got<control::AddRoute>().at(0).base, 3u);
  EXPECT_TRUE(pub().got<control::AddRoute>().at(0).reader_present);
  EXPECT_TRUE(exchange.settled(publisher));
  pub().push(route(), 4);
  EXPECT_EQ(exchange.undrained_segments(route()), 2u);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 2, 3, 4));
  settle();
  EXPECT_EQ(exchange.undrained_segments(route()), 1u) << "the drained one is dropped";
  EXPECT_EQ(pub().reader_done(route()), 4u);
}

TEST_F(ExchangeTest, AnEventWhoseHeadWordWasNeverStoredIsNotLost) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  pub().push(route(), 2, false);
  die(publisher);
  EXPECT_EQ(sub().got<control::PublisherEnded>().at(0).final_head, 2u);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 2));
}

TEST_F(ExchangeTest, ACommittedEventWhosePushWasStillToComeIsTakenFromTheRecord) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  pub().record(route(), 2);
  die(publisher);
  const auto ended = sub().got<control::PublisherEnded>().at(0);
  EXPECT_EQ(ended.final_head, 1u);
  EXPECT_TRUE(ended.from_record);
  EXPECT_EQ(exchange.queued(reader), 2u) << "the recorded event counts";
  join(publisher);
  EXPECT_EQ(pub().got<control::AddRoute>().at(0).base, 2u);
  pub().push(route(), 3);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 0, 3));
}

TEST_F(ExchangeTest, APublisherThatDiesWithoutAnnouncingItsRingChangesNothing) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  die(publisher);
  join(publisher, false);
  EXPECT_FALSE(exchange.settled(publisher));
  die(publisher);
  EXPECT_EQ(exchange.undrained_segments(route()), 1u);
  join(publisher);
  EXPECT_EQ(pub().got<control::AddRoute>().at(0).base, 1u);
  pub().push(route(), 2);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 2));
}

TEST_F(ExchangeTest, ARingThatADyingPublisherHadJustAnnouncedIsUsed) {
  join(reader);
  join(publisher, false);
  pub().answers = true;
  pub().inbox.clear();
  // It answers, pushes and dies before the broker has read the answer.
  Life& life = *lives.at(publisher);
  std::vector<Fd> fds;
  const RouteId id = route();
  fds.emplace_back();
  fds.emplace_back();
  life.fake.answer(control::AddRoute{id, "sub", {{a, 8}}, 8, false, 0, 0, false}, fds);
  life.fake.push(id, 1);
  die(publisher);
  EXPECT_THAT(sub().handle(id), ElementsAre(1));
  settle();
  EXPECT_EQ(exchange.undrained_segments(id), 0u);
}

TEST_F(ExchangeTest, BothSidesMayBeDeadAndManyLivesOfThePublisherQueued) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
  die(reader);
  std::uint64_t counter = 1;
  for (int life = 0; life < 4; ++life) {
    pub().push(route(), ++counter);
    die(publisher);
    join(publisher);
  }
  die(publisher);
  EXPECT_EQ(exchange.undrained_segments(route()), 4u) << "lives that pushed nothing left nothing";
  EXPECT_EQ(exchange.queued(reader), 4u);
  join(reader);
  EXPECT_TRUE(exchange.settled(reader)) << "a dead publisher holds nobody up";
  EXPECT_THAT(sub().got<control::Attach>(), SizeIs(4));
  EXPECT_THAT(sub().handle(route()), ElementsAre(2, 3, 4, 5));
  settle();
  EXPECT_EQ(exchange.undrained_segments(route()), 0u);
}

TEST_F(ExchangeTest, AReaderThatDiesAfterDrainingButBeforeSayingSoLeavesNoSegmentBehind) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
  die(publisher);
  die(reader);
  EXPECT_EQ(exchange.undrained_segments(route()), 0u);
  EXPECT_EQ(exchange.queued(reader), 0u);
}

TEST_F(ExchangeTest, AReaderThatDiesDuringTheSwitchIsFollowedByItsSuccessor) {
  join(publisher);
  pub().push(route(), 1);
  pub().answers = false;  // busy: it does not look at its socket
  join(reader);
  EXPECT_TRUE(exchange.settled(reader)) << "it need not wait for a publisher that is busy";
  EXPECT_FALSE(exchange.is_followed(route()));
  die(reader);
  join(reader);
  EXPECT_FALSE(exchange.is_followed(route()));
  // Now the publisher answers everything that came meanwhile.
  pub().answers = true;
  pub().send(control::RouteSwitched{route()});
  settle();
  EXPECT_FALSE(exchange.is_followed(route())) << "that was the answer for the dead life";
  pub().send(control::RouteSwitched{route()});
  settle();
  EXPECT_TRUE(exchange.is_followed(route()));
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
}

TEST_F(ExchangeTest, ThePublishersDeathDuringTheSwitchFreesTheReader) {
  join(publisher, false);
  join(reader);
  EXPECT_FALSE(exchange.settled(reader)) << "its publisher has no ring yet";
  die(publisher);
  EXPECT_TRUE(exchange.settled(reader));
  join(publisher);
  pub().push(route(), 1);
  settle();
  EXPECT_THAT(exchange.take_affected(), ::testing::Contains(reader));
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
}

TEST_F(ExchangeTest, RingsAndCursorsTellWhatADeadActorDid) {
  join(publisher);
  join(reader);
  for (std::uint64_t i = 1; i <= 3; ++i) pub().push(route(), i);
  pub().record(route(), 4);
  EXPECT_THAT(sub().handle(route(), 2), ElementsAre(1, 2));
  die(publisher);
  EXPECT_EQ(deeds.pushed, 4u) << "what was committed counts";
  die(reader);
  EXPECT_EQ(deeds.read, 2u);
  join(reader);
  join(publisher);
  pub().push(route(), 5);
  EXPECT_THAT(sub().handle(route()), ElementsAre(3, 0, 5));
  exchange.apply(table.set_reading(reader, false), true);
  settle();
  die(publisher);
  EXPECT_EQ(deeds.pushed, 1u) << "also over a route that has ended";
  die(reader);
  EXPECT_EQ(deeds.read, 3u);
}

TEST_F(ExchangeTest, ALyingCursorIsNotBelieved) {
  join(publisher);
  join(reader);
  for (std::uint64_t i = 1; i <= 3; ++i) pub().push(route(), i);
  EXPECT_THAT(sub().handle(route(), 1), ElementsAre(1));
  sub().status().cursors[0].done.store(1'000'000);
  die(reader);
  EXPECT_EQ(exchange.cursor(route()), 0u) << "where this life began";
  join(reader);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1, 2, 3));
}

TEST_F(ExchangeTest, ExtentsReachEachReaderOnce) {
  join(publisher);
  const auto extent = shm::OwnedSegment::create("extent", 4096);
  pub().send(control::ExtentAdded{1, 4096}, {extent.fd()});
  settle();
  join(reader);
  EXPECT_THAT(sub().got<control::PeerExtentAdded>(), SizeIs(1));
  const auto second = shm::OwnedSegment::create("extent", 8192);
  pub().send(control::ExtentAdded{2, 8192}, {second.fd()});
  pub().send(control::ExtentDropped{1});
  settle();
  ASSERT_THAT(sub().got<control::PeerExtentAdded>(), SizeIs(2));
  EXPECT_EQ(sub().got<control::PeerExtentAdded>()[1].bytes, 8192u);
  EXPECT_THAT(sub().got<control::PeerExtentDropped>(), SizeIs(1));
  EXPECT_THAT(lives.at(publisher)->violations, IsEmpty());
}

TEST_F(ExchangeTest, ExtentsBeyondTheBudgetAreAViolation) {
  join(publisher);
  const auto extent = shm::OwnedSegment::create("extent", (1 << 20) + 4096);
  pub().send(control::ExtentAdded{1, 4096}, {extent.fd()});
  settle();
  EXPECT_THAT(lives.at(publisher)->violations, ElementsAre(HasSubstr("budget")));
}

TEST_F(ExchangeTest, WhatWasNeverAskedForIsAViolation) {
  join(publisher);
  join(reader);
  const auto extent = shm::OwnedSegment::create("extent", 4096);
  const auto forged = [&](ActorIndex by, const auto& message, std::vector<int> fds = {}) {
    lives.at(by)->violations.clear();
    lives.at(by)->fake.send(message, std::move(fds));
    settle();
    EXPECT_THAT(lives.at(by)->violations, SizeIs(1));
  };
  const RouteId id = route();
  forged(publisher, control::RouteReady{id}, {extent.fd()});
  forged(publisher, control::RouteReady{999}, {extent.fd()});
  forged(reader, control::RouteReady{id}, {extent.fd()});
  forged(publisher, control::RouteSwitched{id});
  forged(reader, control::RouteSwitched{id});
  forged(publisher, control::Attached{id, 1});
  forged(reader, control::Attached{id, 1});
  forged(reader, control::Attached{id, 77});
  forged(publisher, control::SegmentDrained{id, 1});
  forged(reader, control::SegmentDrained{id, 1});
  forged(publisher, control::ExtentDropped{3});
}

TEST_F(ExchangeTest, ARingOfAnotherShapeIsAViolation) {
  join(publisher, false);
  const auto ring = shm::OwnedSegment::create("ring", shm::ring_bytes(16));
  auto& header = *reinterpret_cast<shm::RingHeader*>(ring.data());
  header.magic = shm::ring_magic;
  header.version = shm::layout_version;
  header.slots = 16;
  pub().send(control::RouteReady{route()}, {ring.fd()});
  settle();
  EXPECT_THAT(lives.at(publisher)->violations, ElementsAre(HasSubstr("not the one")));
  EXPECT_FALSE(exchange.settled(publisher));
}

TEST_F(ExchangeTest, StoppingAReaderLetsItFinishAndThenCountsNothingAsDiscarded) {
  join(publisher);
  join(reader);
  const RouteId id = route();
  for (std::uint64_t i = 1; i <= 3; ++i) pub().push(id, i);
  exchange.apply(table.set_reading(reader, false), true);
  EXPECT_FALSE(exchange.detached(reader));
  settle();
  EXPECT_TRUE(exchange.detached(reader));
  EXPECT_THAT(sub().got<control::Detach>(), IsEmpty());
  EXPECT_EQ(exchange.queued(reader), 3u);
  EXPECT_THAT(sub().handle(id), ElementsAre(1, 2, 3));
  EXPECT_THAT(pub().got<control::ReaderGone>(), IsEmpty()) << "until then the publisher leaves what is queued alone";
  die(reader);
  EXPECT_THAT(pub().got<control::ReaderGone>(), SizeIs(1));
  EXPECT_EQ(exchange.discarded(reader), 0u);
  EXPECT_EQ(exchange.queued(reader), 0u);
}

TEST_F(ExchangeTest, WhatIsLeftWhenASubscriptionEndsIsCountedAsDiscarded) {
  join(publisher);
  join(reader);
  const RouteId id = route();
  for (std::uint64_t i = 1; i <= 5; ++i) pub().push(id, i);
  EXPECT_THAT(sub().handle(id, 2), ElementsAre(1, 2));
  die(reader);
  exchange.apply(table.set_reading(reader, false));
  settle();
  EXPECT_THAT(pub().got<control::RemoveRoute>(), SizeIs(1));
  EXPECT_EQ(exchange.discarded(reader), 3u);
  EXPECT_EQ(exchange.queued(reader), 0u);
  // And it can come back, over a new route.
  exchange.apply(table.set_reading(reader, true));
  join(reader);
  EXPECT_TRUE(exchange.settled(reader));
  EXPECT_GT(route(), id);
  pub().push(route(), 6);
  EXPECT_THAT(sub().handle(route()), ElementsAre(6));
}

TEST_F(ExchangeTest, AReaderThatIsStillThereIsToldToForgetTheRoute) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  exchange.apply(table.set_filters(reader, {}, {}));
  settle();
  EXPECT_THAT(sub().got<control::Detach>(), SizeIs(1));
  EXPECT_EQ(exchange.discarded(reader), 1u);
}

TEST_F(ExchangeTest, ARouteRemovedWhileItsPublisherIsDeadIsGoneAtOnce) {
  join(publisher);
  pub().push(route(), 1);
  const RouteId id = route();
  die(publisher);
  exchange.apply(table.set_reading(reader, false));
  EXPECT_EQ(exchange.discarded(reader), 1u);
  EXPECT_EQ(exchange.route_of_publisher(publisher, id), nullptr);
}

TEST_F(ExchangeTest, ARemovedRouteWhosePublisherDiesBeforeAnsweringIsGoneToo) {
  join(publisher);
  pub().push(route(), 1);
  const RouteId id = route();
  pub().answers = false;
  exchange.apply(table.set_reading(reader, false));
  settle();
  EXPECT_NE(exchange.route_of_publisher(publisher, id), nullptr);
  die(publisher);
  EXPECT_EQ(exchange.route_of_publisher(publisher, id), nullptr);
  EXPECT_EQ(exchange.discarded(reader), 1u);
}

TEST_F(ExchangeTest, EverythingIsAtRestOnlyWhenEveryLivingMailboxIsEmpty) {
  join(publisher);
  EXPECT_TRUE(exchange.live_mailboxes_empty());
  pub().push(route(), 1);
  EXPECT_TRUE(exchange.live_mailboxes_empty()) << "its reader does not live";
  join(reader);
  EXPECT_FALSE(exchange.live_mailboxes_empty());
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
  EXPECT_TRUE(exchange.live_mailboxes_empty());
}

TEST_F(ExchangeTest, ACorruptSlotIsSeenByTheBrokerToo) {
  join(publisher);
  join(reader);
  pub().push(route(), 1);
  EXPECT_EQ(exchange.inspect(route()), std::nullopt);
  EXPECT_THAT(sub().handle(route()), ElementsAre(1));
  auto& to = pub().out.at(route());
  to.told.topics[0].topic = 4711;
  pub().push(route(), 2);
  EXPECT_THAT(exchange.inspect(route()).value_or(""), HasSubstr("4711"));
}

}  // namespace
}  // namespace actor::broker
