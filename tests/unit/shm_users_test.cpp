// Between processes of different users: nobody can be made to wait at a doorbell, and what was checked stays as it was.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <control/seqpacket.hpp>
#include <cstring>
#include <shm/bell.hpp>
#include <span>

#include "fault/fan.hpp"
#include "lingering.hpp"

namespace actor::fault {
namespace {

constexpr uid_t somebody_else = 65534;

/// Does an edge come, for one who listens as actors do?
bool hears(int epoll) {
  epoll_event event{};
  return epoll_wait(epoll, &event, 1, 0) == 1;
}

Fd listen_to(int bell) {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  EXPECT_EQ(epoll_ctl(epoll.get(), EPOLL_CTL_ADD, bell, &event), 0);
  return epoll;
}

TEST(Bells, EveryRingIsHeardThoughNobodyDrainsThem) {
  for (const auto make : {shm::make_bell, shm::make_bell_between_users}) {
    const shm::Bell bell(make());
    const Fd epoll = listen_to(bell.get());
    EXPECT_FALSE(hears(epoll.get()));
    for (int i = 0; i < 5000; ++i) {
      i % 2 == 0 ? bell.ring() : shm::ring(bell.get());
      ASSERT_TRUE(hears(epoll.get())) << i;
      ASSERT_FALSE(hears(epoll.get())) << i;
    }
  }
}

TEST(Bells, BetweenUsersNobodyIsMadeToWait) {
  const shm::Bell bell(shm::make_bell_between_users());
  ASSERT_EQ(fcntl(bell.get(), F_SETFL, fcntl(bell.get(), F_GETFL) & ~O_NONBLOCK), 0);
  const Fd epoll = listen_to(bell.get());
  for (int i = 0; i < 5000; ++i) bell.ring();  // a hostile peer; the queue is full
  ASSERT_TRUE(hears(epoll.get()));
  bell.ring();
  shm::ring(bell.get());
  EXPECT_TRUE(hears(epoll.get()));
}

/// Whoever takes one out closes it, and waits.
TEST(Bells, DescriptorsThatLingerAreLeftInThem) {
  const shm::Bell bell(shm::make_bell_between_users());
  Lingering lingering;
  const int fds[] = {lingering.fd.get()};
  while (control::send_seqpacket(bell.get(), std::as_bytes(std::span("x")), fds) == control::SendResult::Sent) {
  }
  lingering.fd.reset();
  bell.ring();
  shm::ring(bell.get());
  lingering.peer.reset();  // and nobody waits for it any more
}

TEST(Bells, OneThatAPeerHasBrokenMakesNobodyWaitEither) {
  const shm::Bell bell(shm::make_bell_between_users());
  shutdown(bell.get(), SHUT_RDWR);
  bell.ring();
  shm::ring(bell.get());
}

/// Each side sleeps, and is woken by the other.
void expect_both_to_hear(Fan& fan) {
  Reader& reader = fan.reader(0);
  Writer& writer = fan.writer();
  const auto sleep = [](auto& side) {
    while (!side.port->prepare_wait()) side.port->end_wait();
  };
  const auto wake = [](auto& side) {
    side.loop.wait();  // or the test never ends
    side.port->end_wait();
  };
  EXPECT_TRUE(reader.receive_all().empty());  // it comes to the end of what is over
  sleep(reader);
  for (std::uint64_t i = 0; i < 3; ++i) writer.send<InSlot>(i);  // the last one finds no room
  writer.port->flush();
  wake(reader);
  sleep(writer);
  EXPECT_EQ(reader.receive_all().size(), 2u);
  reader.port->receiver().publish_released();
  wake(writer);
  EXPECT_TRUE(writer.port->push_staged());
  EXPECT_EQ(reader.receive_all().size(), 1u);
}

TEST(Bells, EachLifeOfEitherSideMayHaveOthers) {
  Fan fan({.readers = 1, .capacity = 2});
  fan.start_writer();
  fan.start_reader(0);
  expect_both_to_hear(fan);
  fan.renew_bells(0);
  fan.reader_died(0);
  fan.start_reader(0);
  expect_both_to_hear(fan);
  fan.renew_bells(0);
  std::string error;
  ASSERT_TRUE(fan.writer_died(error)) << error;
  fan.start_writer();
  expect_both_to_hear(fan);
}

template <class T>
class ForeignPayload : public testing::Test {};
using Payloads = testing::Types<InSlot, InTail, InPool>;
TYPED_TEST_SUITE(ForeignPayload, Payloads);

/// The publisher's segments are made to belong to `owner`.
void give_away(Fan& fan, uid_t owner) {
  const WriterFds fds = Fan::descriptors(fan.writer(), fan);
  for (const Fd& ring : fds.rings) ASSERT_EQ(fchown(ring.get(), owner, static_cast<gid_t>(-1)), 0);
}

/// Writes over the event that was sent last, where the ring has it.
void scribble(Writer& writer) {
  shm::OutRoute& route = *writer.port->sender().routes()[0];
  shm::Cell& last = *(reinterpret_cast<shm::Cell*>(&route.next_slot()) - 1);
  std::memset(last.slot.payload, 0xee, sizeof last.slot.payload);
  std::memset(last.tail.payload, 0xee, sizeof last.tail.payload);
}

TYPED_TEST(ForeignPayload, IsCopiedBeforeItIsHandedOut) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make memory somebody else's";
  Fan fan({.readers = 1, .capacity = 8});
  fan.start_writer();
  give_away(fan, somebody_else);
  fan.start_reader(0);
  for (std::uint64_t i = 0; i < 5; ++i) fan.writer().template send<TypeParam>(i);
  fan.writer().port->flush();
  for (std::uint64_t i = 0; i < 5; ++i) {
    const auto got = fan.reader(0).take();
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->whole);
    EXPECT_EQ(got->value, i);
    const Delivery& in_hand = fan.reader(0).in_hand;
    const auto* object = static_cast<const std::byte*>(in_hand.object);
    ASSERT_NE(object, nullptr);
    const std::vector<std::byte> before(object, object + sizeof(TypeParam));
    if (i == 4) scribble(fan.writer());
    EXPECT_EQ(std::memcmp(before.data(), object, before.size()), 0) << "its publisher can still change it";
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(object) % alignof(TypeParam), 0u);
    const shm::InRoute& route = *fan.reader(0).port->receiver().routes()[0];
    EXPECT_TRUE(route.copies());
    for (const auto& [number, extent] : route.publisher().extents)
      EXPECT_FALSE(object >= extent->data() && object < extent->data() + extent->bytes());
    EXPECT_EQ(fan.reader(0).port->receiver().pin(in_hand), nullptr) << "what is retained is a copy, too";
    fan.reader(0).done();
  }
  EXPECT_FALSE(fan.reader(0).take());
}

TYPED_TEST(ForeignPayload, OfRootOrOfOnesOwnUserIsReadWhereItLies) {
  Fan fan({.readers = 1, .capacity = 8});
  fan.start_writer();
  fan.start_reader(0);
  fan.writer().template send<TypeParam>(7);
  fan.writer().port->flush();
  ASSERT_TRUE(fan.reader(0).take());
  EXPECT_FALSE(fan.reader(0).port->receiver().routes()[0]->copies());
  fan.reader(0).done();
}

}  // namespace
}  // namespace actor::fault
