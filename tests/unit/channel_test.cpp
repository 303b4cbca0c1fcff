#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <actor/error.hpp>
#include <actor/version.hpp>
#include <array>
#include <control/channel.hpp>
#include <cstring>
#include <filesystem>
#include <random>

namespace actor::control {
namespace {

using ::testing::HasSubstr;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    ++count;
  }
  return count;
}

Fd some_file() {
  return Fd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

/// What a hostile peer does: any bytes, any descriptors.
void send_raw(int socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
  alignas(cmsghdr) char room[CMSG_SPACE(64 * sizeof(int))] = {};
  msghdr header = {};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!fds.empty()) {
    header.msg_control = room;
    header.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  ASSERT_EQ(::sendmsg(socket, &header, MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())) << std::strerror(errno);
}

Packet packet_of(MessageHeader header, std::size_t body_bytes = 0) {
  Packet packet;
  packet.bytes.resize(sizeof header + body_bytes);
  std::memcpy(packet.bytes.data(), &header, sizeof header);
  return packet;
}

constexpr MessageHeader header_of(std::uint16_t kind) {
  return {.magic = MessageHeader::magic_value, .version = protocol_version, .kind = kind, .number = 0};
}

class ChannelTest : public ::testing::Test {
 protected:
  ChannelTest() {
    auto [left, right] = socket_pair();
    actor_.emplace(std::move(left));
    broker_.emplace(std::move(right));
  }

  std::optional<Channel> actor_;
  std::optional<Channel> broker_;
};

TEST_F(ChannelTest, AMessageArrivesWithItsFieldsAndDescriptors) {
  const Fd file = some_file();
  Hello hello{};
  hello.name = "cpu";
  hello.types = {{"Reading", 0x1234567890abcdef, "celsius:double"}};
  hello.topics = {{"StationTopic.Reading", 3, -1}};
  hello.hand_started = true;
  hello.publishes = {"a", "", "c"};
  const int fds[] = {file.get()};
  ASSERT_TRUE(actor_->send<ToBroker>(hello, fds));

  Packet packet;
  ASSERT_EQ(broker_->receive(packet), ReceiveResult::Packet);
  std::string error;
  const auto message = decode_to_broker(packet, error);
  ASSERT_TRUE(message) << error;
  const auto& received = std::get<Hello>(*message);
  EXPECT_EQ(received.name, "cpu");
  ASSERT_EQ(received.types.size(), 1u);
  EXPECT_EQ(received.types[0].hash, 0x1234567890abcdef);
  EXPECT_EQ(received.types[0].schema, "celsius:double");
  ASSERT_EQ(received.topics.size(), 1u);
  EXPECT_EQ(received.topics[0].deadline_ns, -1);
  EXPECT_TRUE(received.hand_started);
  EXPECT_EQ(received.publishes, (std::vector<std::string>{"a", "", "c"}));

  ASSERT_EQ(packet.fds.size(), 1u);
  struct stat sent {};
  struct stat got {};
  ASSERT_EQ(::fstat(file.get(), &sent), 0);
  ASSERT_EQ(::fstat(packet.fds[0].get(), &got), 0);
  EXPECT_EQ(sent.st_ino, got.st_ino);
  EXPECT_NE(packet.fds[0].get(), file.get());
  EXPECT_NE(::fcntl(packet.fds[0].get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Nothing);
}

TEST_F(ChannelTest, EveryMessageOfBothDirectionsSurvivesTheJourney) {
  const Fd file = some_file();
  const std::array<int, 4> four = {file.get(), file.get(), file.get(), file.get()};
  const auto fds = std::span(four);
  AddRoute add{};
  add.reader_present = true;
  add.topics = {{7, 256}};
  Welcome welcome{};
  welcome.topics = {{1, "T.A", 2, 5, 64, true}};
  ASSERT_TRUE(broker_->send<ToActor>(welcome, fds.first(1)));
  ASSERT_TRUE(broker_->send<ToActor>(Refused{"no"}));
  ASSERT_TRUE(broker_->send<ToActor>(add, fds.first(3)));
  add.reader_present = false;
  ASSERT_TRUE(broker_->send<ToActor>(add, fds.first(2)));
  ASSERT_TRUE(broker_->send<ToActor>(SwitchReader{}, fds.first(3)));
  ASSERT_TRUE(broker_->send<ToActor>(Attach{}, fds));
  ASSERT_TRUE(broker_->send<ToActor>(PeerExtentAdded{}, fds.first(1)));
  ASSERT_TRUE(broker_->send<ToActor>(Stop{}));
  ASSERT_TRUE(broker_->send<ToActor>(Reply{"{}"}));
  const std::size_t kinds[] = {0, 1, 2, 2, 3, 6, 9, 14, 15};
  for (const std::size_t kind : kinds) {
    Packet packet;
    std::string error;
    ASSERT_EQ(actor_->receive(packet), ReceiveResult::Packet);
    const auto message = decode_to_actor(packet, error);
    ASSERT_TRUE(message) << kind << ": " << error;
    EXPECT_EQ(message->index(), kind);
  }
}

TEST_F(ChannelTest, WhatTheSocketDoesNotTakeIsQueuedInOrder) {
  const Fd file = some_file();
  const int fds[] = {file.get()};
  const std::string padding(60'000, 'x');
  RouteId sent = 0;
  int begun = 0;
  actor_->on_queue([&] { ++begun; });
  while (actor_->send<ToBroker>(PeerCorrupt{sent, padding}) && !actor_->has_queued()) ++sent;
  ASSERT_TRUE(actor_->has_queued());
  ++sent;
  ASSERT_TRUE(actor_->send<ToBroker>(RouteReady{sent}, fds));
  ++sent;

  RouteId received = 0;
  std::size_t descriptors = 0;
  while (received < sent) {
    Packet packet;
    if (broker_->receive(packet) == ReceiveResult::Nothing) {
      ASSERT_TRUE(actor_->flush());
      continue;
    }
    std::string error;
    const auto message = decode_to_broker(packet, error);
    ASSERT_TRUE(message) << error;
    const auto* corrupt = std::get_if<PeerCorrupt>(&*message);
    EXPECT_EQ(corrupt != nullptr ? corrupt->route : std::get<RouteReady>(*message).route, received);
    descriptors += packet.fds.size();
    ++received;
  }
  EXPECT_FALSE(actor_->has_queued());
  EXPECT_EQ(descriptors, 1u);
  EXPECT_EQ(begun, 1);
}

TEST_F(ChannelTest, TheLargestMessagePassesAndALargerOneIsRefusedWithItsSize) {
  std::size_t bytes = max_packet_bytes;
  while (bytes > 0) {
    try {
      ASSERT_TRUE(actor_->send<ToBroker>(Request{std::string(bytes, 'x')}));
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::PayloadTooLarge);
      EXPECT_THAT(error.what(), HasSubstr(std::to_string(max_packet_bytes)));
    }
    --bytes;
  }
  Packet packet;
  ASSERT_EQ(broker_->receive(packet), ReceiveResult::Packet);
  EXPECT_EQ(packet.bytes.size(), max_packet_bytes);
  std::string error;
  ASSERT_TRUE(decode_to_broker(packet, error)) << error;
}

TEST_F(ChannelTest, WhatWasSentBeforeDeathIsReadBeforeTheEnd) {
  ASSERT_TRUE(actor_->send<ToBroker>(Stopping{"last words"}));
  actor_.reset();
  Packet packet;
  EXPECT_FALSE(broker_->send<ToActor>(Stop{}));
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Packet);
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Closed);
}

TEST_F(ChannelTest, WhatAPeerSentIsReadEvenIfItDiedBeforeItHadReadEverything) {
  ASSERT_TRUE(broker_->send<ToActor>(Start{}));  // never read
  ASSERT_TRUE(actor_->send<ToBroker>(Ready{}));
  ASSERT_TRUE(actor_->send<ToBroker>(Quiesced{}));
  actor_.reset();
  Packet packet;
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Packet);
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Packet);
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Closed);
}

TEST_F(ChannelTest, ARepeatedMessageIsPassedOver) {
  const auto bytes = encode_packet<ToActor>(Start{}, 1);
  bool full = false;
  ASSERT_TRUE(broker_->try_send(bytes, {}, full));
  ASSERT_TRUE(broker_->try_send(bytes, {}, full));
  ASSERT_TRUE(broker_->try_send(encode_packet<ToActor>(Stop{}, 2), {}, full));
  Packet packet;
  std::string error;
  ASSERT_EQ(actor_->receive(packet), ReceiveResult::Packet);
  EXPECT_TRUE(std::holds_alternative<Start>(*decode_to_actor(packet, error)));
  ASSERT_EQ(actor_->receive(packet), ReceiveResult::Packet);
  EXPECT_TRUE(std::holds_alternative<Stop>(*decode_to_actor(packet, error)));
  EXPECT_EQ(actor_->receive(packet), ReceiveResult::Nothing);
}

TEST_F(ChannelTest, AMessageThatIsOnlyLookedAtStays) {
  const Fd fd(::eventfd(7, EFD_CLOEXEC));
  ASSERT_TRUE(actor_->send<ToBroker>(RouteReady{3}, std::array{fd.get()}));
  ASSERT_TRUE(actor_->send<ToBroker>(Ready{}));
  Packet packet;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(broker_->peek(packet), ReceiveResult::Packet);
    EXPECT_EQ(number_of(packet), 1U);
    EXPECT_EQ(packet.fds.size(), 1U);
  }
  broker_->consume();
  ASSERT_EQ(broker_->peek(packet), ReceiveResult::Packet);
  EXPECT_EQ(number_of(packet), 2U);
  EXPECT_TRUE(packet.fds.empty());
}

TEST_F(ChannelTest, WithoutADescriptorToSpareAMessageIsAnErrorAndNoHangUp) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "without descriptors UBSan cannot look at an object's type, and says that it is wrong";
#endif
  const Fd fd(::eventfd(7, EFD_CLOEXEC));
  ASSERT_TRUE(actor_->send<ToBroker>(RouteReady{3}, std::array{fd.get()}));
  rlimit plenty{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &plenty), 0);
  const rlimit none{static_cast<rlim_t>(Fd(::eventfd(0, 0)).get()), plenty.rlim_max};  // the first that is free
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  Packet packet;
  EXPECT_EQ(broker_->peek(packet), ReceiveResult::NoDescriptors);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &plenty), 0);
  ASSERT_EQ(broker_->peek(packet), ReceiveResult::Packet) << "it is still there";
  EXPECT_EQ(packet.fds.size(), 1U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  packet.fds.clear();
  Fd place_holder(::eventfd(0, 0));  // what was just closed
  try {
    (void)broker_->receive(packet);
    ADD_FAILURE() << "there was no room for it";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("limits.open_files"));
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &plenty), 0);
}

TEST_F(ChannelTest, ADeadPeerTakesTheQueueWithIt) {
  const std::size_t before = open_descriptors();
  const Fd file = some_file();
  const int fds[] = {file.get()};
  while (actor_->send<ToBroker>(RouteReady{1}, fds) && !actor_->has_queued()) {
  }
  ASSERT_TRUE(actor_->has_queued());
  broker_.reset();
  EXPECT_FALSE(actor_->flush());
  EXPECT_FALSE(actor_->has_queued());
  EXPECT_FALSE(actor_->send<ToBroker>(Ready{}));
  EXPECT_EQ(open_descriptors(), before);  // one socket less, one file more
}

TEST_F(ChannelTest, TooManyDescriptorsEndTheConnectionAndAreClosed) {
  const Fd file = some_file();
  const std::vector<int> fds(max_packet_fds + 1, file.get());
  const std::size_t before = open_descriptors();
  const auto packet_bytes = packet_of(header_of(8)).bytes;
  send_raw(actor_->fd(), packet_bytes, fds);
  Packet packet;
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Closed);
  EXPECT_TRUE(packet.fds.empty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChannelTest, ATooLongPacketEndsTheConnectionAndItsDescriptorsAreClosed) {
  const Fd file = some_file();
  const int fds[] = {file.get(), file.get()};
  const std::size_t before = open_descriptors();
  const std::vector<std::byte> bytes(max_packet_bytes + 1);
  send_raw(actor_->fd(), bytes, fds);
  Packet packet;
  EXPECT_EQ(broker_->receive(packet), ReceiveResult::Closed);
  EXPECT_TRUE(packet.bytes.empty());
  EXPECT_EQ(open_descriptors(), before);
}

TEST(ControlPacket, AnotherVersionIsRefusedWithBothVersionsNamed) {
  MessageHeader header = header_of(8);
  header.version = 4711;
  std::string error;
  EXPECT_FALSE(decode_to_broker(packet_of(header), error));
  EXPECT_THAT(error, HasSubstr("4711"));
  EXPECT_THAT(error, HasSubstr("version " + std::to_string(protocol_version)));
  EXPECT_THAT(error, HasSubstr(version()));
}

TEST(ControlPacket, MalformedOnesAreRefusedWithAReason) {
  std::string error;
  EXPECT_FALSE(decode_to_broker(Packet{}, error));
  EXPECT_THAT(error, HasSubstr("shorter than its header"));
  MessageHeader header = header_of(8);
  header.magic = 1;
  EXPECT_FALSE(decode_to_broker(packet_of(header), error));
  EXPECT_THAT(error, HasSubstr("magic"));
  EXPECT_FALSE(decode_to_broker(packet_of(header_of(std::variant_size_v<ToBroker>)), error));
  EXPECT_THAT(error, HasSubstr("unknown kind"));
  EXPECT_FALSE(decode_to_broker(packet_of(header_of(8), 1), error)) << "Ready has no fields";
  EXPECT_THAT(error, HasSubstr("malformed"));
  EXPECT_FALSE(decode_to_broker(packet_of(header_of(1), 3), error)) << "a route number has four bytes";
}

TEST(ControlPacket, AMissingOrSurplusDescriptorIsRefused) {
  std::string error;
  Packet packet = packet_of(header_of(1), sizeof(RouteId));
  EXPECT_FALSE(decode_to_broker(packet, error));
  EXPECT_THAT(error, HasSubstr("0 file descriptors instead of 1"));
  packet.fds.push_back(some_file());
  EXPECT_TRUE(decode_to_broker(packet, error)) << error;
  packet.fds.push_back(some_file());
  EXPECT_FALSE(decode_to_broker(packet, error));
}

TEST(ControlPacket, RandomAndDamagedBytesNeverDoMoreThanFail) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto [left, right] = socket_pair();
  Channel sender(std::move(left));
  Channel receiver(std::move(right));
  Attach attach{};
  attach.publisher = "publisher";
  attach.topics = {{1, 2}, {3, 4}, {5, 6}};
  const Fd file = some_file();
  const int fds[] = {file.get(), file.get(), file.get(), file.get()};
  ASSERT_TRUE(sender.send<ToActor>(attach, fds));
  Packet good;
  ASSERT_EQ(receiver.receive(good), ReceiveResult::Packet);
  const std::vector<std::byte> original = good.bytes;
  std::string error;
  for (int round = 0; round < 20'000; ++round) {
    good.bytes = original;
    const std::size_t changes = 1 + random() % 4;
    for (std::size_t i = 0; i < changes; ++i) {
      good.bytes[offsetof(MessageHeader, kind) + random() % (original.size() - offsetof(MessageHeader, kind))] =
          std::byte(random() % 256);
    }
    if (random() % 3 == 0) good.bytes.resize(random() % (original.size() + 1));
    (void)decode_to_actor(good, error);
    (void)decode_to_broker(good, error);
  }
}

TEST(ControlSocket, AListenerIsToldWhoConnected) {
  char place[] = "/tmp/actor-channel-XXXXXX";
  ASSERT_NE(::mkdtemp(place), nullptr);
  const std::string path = std::string(place) + "/control.sock";
  {
    const Fd listener = listen_at(path);
    EXPECT_FALSE(accept_from(listener.get()));
    Channel tool(connect_to(path));
    auto accepted = accept_from(listener.get());
    ASSERT_TRUE(accepted);
    EXPECT_EQ(accepted->peer.pid, ::getpid());
    EXPECT_EQ(accepted->peer.uid, ::geteuid());
    Channel session(std::move(accepted->socket));
    ASSERT_TRUE(tool.send<ToBroker>(Request{R"({"command":"ps"})"}));
    Packet packet;
    EXPECT_EQ(session.receive(packet), ReceiveResult::Packet);
  }
  try {
    connect_to(path);
    FAIL() << "nobody listens there any more";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no longer runs"));
  }
  std::filesystem::remove_all(place);
  try {
    connect_to(path);
    FAIL() << "there is no socket";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("there is no such socket"));
  }
  EXPECT_THROW(listen_at(std::string(200, 'x')), Error);
}

}  // namespace
}  // namespace actor::control
