// One control connection: the order of the protocol, and that whatever the other side sends, its connection ends and
// nothing else does.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <actor/version.hpp>
#include <cstring>
#include <random>
#include <session/epoch_page.hpp>
#include <session/session.hpp>
#include <session/status_view.hpp>

#include "fake_actor.hpp"

namespace actor::broker {
namespace {

using actor::testing::FakeActor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Recorder : SessionHandler {
  void hello(Session&, control::Hello said, Fd fd) override {
    names.push_back(said.name);
    status = std::move(fd);
  }
  void message(Session&, control::ToBroker said, std::vector<Fd>) override { messages.push_back(std::move(said)); }
  void request(Session& session, const std::string& json) override { session.send(control::Reply{"got " + json}); }
  void other_version(Session&, unsigned version) override { versions.push_back(version); }
  void violated(Session& session, const std::string& what) override {
    EXPECT_EQ(session.phase(), Session::Phase::Closed);
    violations.push_back(what);
  }
  void hung_up(Session& session) override {
    EXPECT_EQ(session.phase(), Session::Phase::Closed);
    ++hang_ups;
  }
  void out_of_descriptors(Session&) override { ++starved; }
  int starved = 0;
  std::vector<std::string> names;
  Fd status;
  std::vector<control::ToBroker> messages;
  std::vector<unsigned> versions;
  std::vector<std::string> violations;
  int hang_ups = 0;
};

struct SessionTest : ::testing::Test {
  void turn() {
    while (loop.poll() > 0) {
    }
    peer.serve();
  }
  void say_hello() {
    peer.send(peer.hello("cpu"), {peer.status_fd()});
    turn();
  }
  FakeActor peer;
  EpollLoop loop;
  Recorder heard;
  Session session{peer.take_broker_end(), loop, heard, 7};
};

TEST_F(SessionTest, GoesFromHelloToReadyAndQuiesced) {
  say_hello();
  EXPECT_THAT(heard.names, ElementsAre("cpu"));
  EXPECT_TRUE(heard.status);
  EXPECT_EQ(session.phase(), Session::Phase::Joining);
  session.start();
  turn();
  EXPECT_THAT(peer.got<control::Start>(), SizeIs(1));
  peer.send(control::Ready{});
  turn();
  EXPECT_EQ(session.phase(), Session::Phase::Ready);
  session.quiesce();
  session.quiesce();
  turn();
  EXPECT_THAT(peer.got<control::Quiesce>(), SizeIs(1));
  peer.send(control::Quiesced{});
  turn();
  EXPECT_EQ(session.phase(), Session::Phase::Quiesced);
  EXPECT_THAT(heard.violations, IsEmpty());
}

TEST_F(SessionTest, AToolAsksAndIsAnsweredAsOftenAsItLikes) {
  peer.send(control::Request{"one"});
  peer.send(control::Request{"two"});
  turn();
  ASSERT_THAT(peer.got<control::Reply>(), SizeIs(2));
  EXPECT_EQ(peer.got<control::Reply>()[1].json, "got two");
  EXPECT_FALSE(session.joined());
}

/// As a brain has it: what is heard is taken from the socket when the turn is finished.
TEST_F(SessionTest, WhatADeadActorHasLeftIsHandledInOneTurnAndStaysUntilItsEnd) {
  FakeActor dead;
  Fd broker_end = dead.take_broker_end();
  Fd copy(::fcntl(broker_end.get(), F_DUPFD_CLOEXEC, 0));
  Turn turn_of_one;
  Recorder one;
  Session before(std::move(broker_end), loop, one, 8, &turn_of_one);
  dead.send(dead.hello("cpu"), {dead.status_fd()});
  EXPECT_FALSE(before.drain());
  EXPECT_THAT(one.names, ElementsAre("cpu"));
  turn_of_one.finish();
  const SessionState state = before.save();
  constexpr std::size_t many = 20;
  for (std::size_t i = 0; i < many; ++i) dead.send(control::Attached{static_cast<std::uint32_t>(i), 1});
  EXPECT_FALSE(before.drain());
  EXPECT_THAT(one.messages, SizeIs(many));
  EXPECT_FALSE(before.drain()) << "the turn is not finished";
  EXPECT_THAT(one.messages, SizeIs(many));

  // Its brain dies here: for the next one they are all still there, from the first.
  Turn turn_of_two;
  Recorder two;
  Session after(std::move(copy), loop, two, 9, &turn_of_two);
  FdSafe safe;
  after.load(state, safe);
  EXPECT_FALSE(after.drain());
  ASSERT_THAT(two.messages, SizeIs(many));
  for (std::size_t i = 0; i < many; ++i) EXPECT_EQ(std::get<control::Attached>(two.messages[i]).route, i);
  turn_of_two.finish();
  EXPECT_TRUE(after.drain());
  EXPECT_THAT(two.violations, IsEmpty());
  EXPECT_THAT(two.messages, SizeIs(many));
}

TEST_F(SessionTest, WithoutADescriptorToSpareNothingIsLost) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "without descriptors UBSan cannot look at an object's type, and says that it is wrong";
#endif
  peer.send(peer.hello("cpu"), {peer.status_fd()});
  rlimit plenty{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &plenty), 0);
  const rlimit none{static_cast<rlim_t>(Fd(::eventfd(0, 0)).get()), plenty.rlim_max};  // the first that is free
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_GT(loop.poll(), 0U);
  EXPECT_EQ(heard.starved, 1);
  EXPECT_EQ(loop.poll(), 0U) << "it does not ask again and again";
  EXPECT_FALSE(session.drain());
  session.go_on();
  EXPECT_GT(loop.poll(), 0U);
  EXPECT_EQ(heard.starved, 2);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &plenty), 0);
  session.go_on();
  turn();
  EXPECT_THAT(heard.names, ElementsAre("cpu"));
  EXPECT_TRUE(heard.status);
  EXPECT_EQ(heard.hang_ups, 0);
  EXPECT_THAT(heard.violations, IsEmpty());
}

TEST_F(SessionTest, EveryMessageThatComesTooEarlyEndsTheConnection) {
  const auto first_message = [&](const auto& message, std::vector<int> fds = {}) {
    FakeActor stranger;
    Recorder recorder;
    Session its_session(stranger.take_broker_end(), loop, recorder, 8);
    stranger.send(message, std::move(fds));
    while (loop.poll() > 0) {
    }
    EXPECT_THAT(recorder.violations, ElementsAre(HasSubstr("neither Hello nor Request")));
    stranger.serve();
    EXPECT_TRUE(stranger.broker_hung_up);
  };
  first_message(control::Ready{});
  first_message(control::RouteReady{1}, {peer.status_fd()});
  first_message(control::RouteSwitched{1});
  first_message(control::Attached{1, 1});
  first_message(control::SegmentDrained{1, 1});
  first_message(control::ExtentAdded{1, 1}, {peer.status_fd()});
  first_message(control::ExtentDropped{1});
  first_message(control::OpenTopic{});
  first_message(control::Overflowed{1, 1});
  first_message(control::PeerCorrupt{1, "x"});
  first_message(control::Stopping{});
  first_message(control::StopRuntime{});
  first_message(control::Quiesced{});
}

TEST_F(SessionTest, ASecondHelloEndsTheConnection) {
  say_hello();
  say_hello();
  EXPECT_THAT(heard.violations, ElementsAre(HasSubstr("Hello twice")));
}

TEST_F(SessionTest, ReadyBeforeStartEndsTheConnection) {
  say_hello();
  peer.send(control::Ready{});
  turn();
  EXPECT_THAT(heard.violations, ElementsAre(HasSubstr("before Start")));
}

TEST_F(SessionTest, QuiescedWithoutQuiesceEndsTheConnection) {
  say_hello();
  session.start();
  peer.send(control::Ready{});
  peer.send(control::Quiesced{});
  turn();
  EXPECT_THAT(heard.violations, ElementsAre(HasSubstr("without having been asked")));
}

TEST_F(SessionTest, AnActorThatActsAsAToolEndsTheConnection) {
  say_hello();
  peer.send(control::Request{"ps"});
  turn();
  EXPECT_THAT(heard.violations, SizeIs(1));
}

TEST_F(SessionTest, OnlyAProcessThatActorsShareReportsTheirEndsAndItDoesNothingElse) {
  FakeActor process;
  Recorder recorder;
  Session its_session(process.take_broker_end(), loop, recorder, 8);
  its_session.expect_reports();
  process.send(control::ActorEnded{"cpu", 3, 1, false});
  while (loop.poll() > 0) {
  }
  EXPECT_THAT(recorder.messages, SizeIs(1));
  process.send(control::Ready{});
  while (loop.poll() > 0) {
  }
  EXPECT_THAT(recorder.violations, ElementsAre(HasSubstr("only says who has ended")));
  say_hello();
  peer.send(control::ActorEnded{"cpu", 3, 1, false});
  turn();
  EXPECT_THAT(heard.violations, ElementsAre(HasSubstr("no process that several actors share")));
}

TEST_F(SessionTest, TheLastWordsOfADeadPeerAreHeardBeforeItsHangUp) {
  say_hello();
  peer.send(control::Stopping{"tired"});
  { const FakeActor gone = std::move(peer); }
  session.drain();
  EXPECT_THAT(heard.messages, SizeIs(1));
  EXPECT_EQ(heard.hang_ups, 1);
  EXPECT_EQ(session.phase(), Session::Phase::Closed);
}

TEST_F(SessionTest, MessagesToAClosedSessionAreLostQuietly) {
  session.close();
  session.send(control::Stop{});
  turn();
  EXPECT_TRUE(peer.broker_hung_up);
}

TEST_F(SessionTest, APeerThatNeverReadsIsGivenUp) {
  say_hello();
  const std::string text(1000, 'x');
  for (int i = 0; i < 10'000 && heard.violations.empty(); ++i) session.send(control::Reply{text});
  EXPECT_THAT(heard.violations, ElementsAre(HasSubstr("has not read its control socket")));
}

TEST_F(SessionTest, ASlowReaderGetsEverythingInOrder) {
  say_hello();
  const std::string text(1000, 'x');
  for (int i = 0; i < 2000; ++i) session.send(control::Reply{text + std::to_string(i)});
  while (peer.got<control::Reply>().size() < 2000) turn();
  for (std::size_t i = 0; i < 2000; ++i) ASSERT_EQ(peer.got<control::Reply>()[i].json, text + std::to_string(i));
  EXPECT_THAT(heard.violations, IsEmpty());
}

TEST_F(SessionTest, EveryMessageMovesTheActorsOwnWordOnly) {
  EpochPage page;
  const std::uint32_t mine = page.take().value(), other = page.take().value();
  EXPECT_NE(mine, other);
  session.set_epoch(page, mine);
  std::string error;
  const auto view = shm::PeerSegment::open(page.fd(), EpochPage::slots * sizeof(shm::Word), error);
  ASSERT_TRUE(view) << error;
  const auto* words = reinterpret_cast<const shm::Word*>(view->data());
  session.send(control::Stop{});
  session.send(control::Stop{});
  EXPECT_EQ(words[mine].load(), 2u);
  EXPECT_EQ(words[other].load(), 0u);
}

/// Sends raw bytes, and descriptors, as a hostile process could.
void send_raw(int socket, const std::vector<std::byte>& bytes, const std::vector<int>& fds) {
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr packet{};
  packet.msg_iov = &data;
  packet.msg_iovlen = 1;
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  if (!fds.empty()) {
    packet.msg_control = control.data();
    packet.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&packet);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
  }
  sendmsg(socket, &packet, MSG_DONTWAIT | MSG_NOSIGNAL);
}

struct RawPeer {
  RawPeer() {
    auto [broker, self] = control::socket_pair();
    session = std::make_unique<Session>(std::move(broker), loop, heard, 1);
    socket = std::move(self);
  }
  void turn() {
    while (loop.poll() > 0) {
    }
  }
  EpollLoop loop;
  Recorder heard;
  Fd socket;
  std::unique_ptr<Session> session;
};

TEST(HostileSession, AnotherVersionIsToldApartFromGarbage) {
  RawPeer peer;
  const control::MessageHeader header{control::MessageHeader::magic_value, protocol_version + 1, 0, 0};
  std::vector<std::byte> bytes(sizeof header);
  std::memcpy(bytes.data(), &header, sizeof header);
  send_raw(peer.socket.get(), bytes, {});
  peer.turn();
  EXPECT_THAT(peer.heard.versions, ElementsAre(protocol_version + 1));
  EXPECT_THAT(peer.heard.violations, IsEmpty());
}

TEST(HostileSession, RandomPacketsNeverDoMoreThanEndTheirConnection) {
  const unsigned seed = std::random_device()();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const Fd some_fd(eventfd(0, EFD_CLOEXEC));
  for (int round = 0; round < 3000; ++round) {
    RawPeer peer;
    for (int packet = 0; packet < 4; ++packet) {
      std::vector<std::byte> bytes(random() % 200);
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 4 == 0 ? random() : 0);
      if (bytes.size() >= sizeof(control::MessageHeader) && random() % 8 != 0) {
        const control::MessageHeader header{control::MessageHeader::magic_value, protocol_version,
                                            static_cast<std::uint16_t>(random() % 17), 0};
        std::memcpy(bytes.data(), &header, sizeof header);
      }
      send_raw(peer.socket.get(), bytes, std::vector<int>(random() % 4, some_fd.get()));
    }
    peer.turn();
    EXPECT_LE(peer.heard.violations.size() + static_cast<std::size_t>(peer.heard.hang_ups), 1u);
  }
}

TEST(StatusView, RefusesMemoryThatItsOwnerCouldStillShrinkOrThatIsNoStatusSegment) {
  std::string error;
  Fd unsealed(memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(unsealed.get(), sizeof(shm::Status)), 0);
  EXPECT_FALSE(StatusView::open(unkept(std::move(unsealed)), error));
  EXPECT_THAT(error, HasSubstr("sealed"));
  EXPECT_FALSE(StatusView::open(unkept(Fd(eventfd(0, EFD_CLOEXEC))), error));
  const auto open_copy = [&](const shm::OwnedSegment& segment) {
    return StatusView::open(unkept(Fd(dup(segment.fd()))), error).has_value();
  };
  EXPECT_FALSE(open_copy(shm::OwnedSegment::create("small", 4096)));
  EXPECT_FALSE(open_copy(shm::OwnedSegment::create("blank", sizeof(shm::Status))));
  EXPECT_THAT(error, HasSubstr("not a status segment"));
  FakeActor good;
  EXPECT_TRUE(StatusView::open(unkept(Fd(dup(good.status_fd()))), error)) << error;
  good.status().header.version = 99;
  EXPECT_FALSE(StatusView::open(unkept(Fd(dup(good.status_fd()))), error));
  EXPECT_THAT(error, HasSubstr("layout 99"));
}

}  // namespace
}  // namespace actor::broker
