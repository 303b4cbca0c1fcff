// Events of every size and kind, in place and decoded; kept beyond their handler; built in place; unknown to the
// reader.

#include <cstring>
#include <memory>
#include <random>

#include "conformance/conformance.hpp"

namespace actor::conformance {

template <std::size_t Bytes>
struct Block {
  std::array<std::uint8_t, Bytes> bytes;
};
struct alignas(64) Aligned {
  std::uint64_t value;
};

}  // namespace actor::conformance

CONFORMANCE_SUITE(Payload);

namespace actor::conformance {
namespace {

void fill(std::span<std::uint8_t> bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i < 4096 || i % 509 == 0 || i + 1 == bytes.size()) bytes[i] = static_cast<std::uint8_t>(random());
  }
}

/// The delivered event: in place, or decoded into memory of its own.
template <class T>
std::shared_ptr<const T> read(const Delivery& delivery) {
  if (delivery.object) return {std::shared_ptr<const void>(), static_cast<const T*>(delivery.object)};
  auto event = std::make_shared<T>();
  EXPECT_TRUE(event_type<T>().decode(delivery.payload, event.get()));
  return event;
}

template <std::size_t Bytes>
void send_and_compare(World& world) {
  using Event = Block<Bytes>;
  SCOPED_TRACE(std::to_string(Bytes) + " bytes");
  const std::array<const EventType*, 1> set = {&event_type<Event>()};
  Peer& sender = world.add("sender" + std::to_string(Bytes), set, {});
  Peer& reader = world.add("reader" + std::to_string(Bytes), set, {"block"});
  for (std::uint64_t round = 0; round < 3; ++round) {
    const auto event = std::make_unique<Event>();
    fill(event->bytes, round);
    sender.send("block", *event, round == 1 ? EventId{1, 2} : EventId{});
    Delivery delivery;
    ASSERT_TRUE(reader.next(delivery));
    ASSERT_EQ(delivery.type, 0);
    const auto received = read<Event>(delivery);
    EXPECT_EQ(std::memcmp(received->bytes.data(), event->bytes.data(), Bytes), 0);
    EXPECT_EQ(delivery.parent, (round == 1 ? EventId{1, 2} : EventId{}));
    reader.port().handled(delivery, true);
  }
  world.remove(reader);
  world.remove(sender);
}

template <std::size_t... Bytes>
void send_and_compare_all(World& world) {
  (send_and_compare<Bytes>(world), ...);
}

}  // namespace

TEST_P(Payload, TriviallyCopyableEventsOfAnySizeArriveUnchanged) {
  make_world({.topics = one_topic_per_policy(64)});
  send_and_compare_all<1, 8, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 80, 81, 96, 128>(world());
  send_and_compare_all<4095, 4096, 4097, 65536>(world());
}

TEST_P(Payload, EncodedEventsOfAnySizeUpTo16MiBArriveUnchanged) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (const std::size_t bytes :
       {0u, 1u, 15u, 16u, 17u, 31u, 32u, 33u, 47u, 48u, 49u, 63u, 64u, 65u, 4096u, 1u << 20, (16u << 20) - 64}) {
    SCOPED_TRACE(std::to_string(bytes) + " bytes");
    Words words{std::string(bytes % 100, 'x'), std::vector<std::uint8_t>(bytes)};
    fill(words.bytes, bytes);
    sender.send("block", words);
    Delivery delivery;
    ASSERT_TRUE(reader.next(delivery));
    ASSERT_EQ(delivery.type, (event_index<Events, Words>));
    const auto received = read<Words>(delivery);
    EXPECT_EQ(received->text, words.text);
    EXPECT_TRUE(received->bytes == words.bytes);
    reader.port().handled(delivery, true);
  }
}

TEST_P(Payload, AnEventWithoutFieldsArrives) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  sender.send("block", Nothing{});
  Receipt receipt;
  ASSERT_TRUE(reader.receive(receipt));
  EXPECT_TRUE(receipt.known);
}

TEST_P(Payload, AnEventInPlaceIsAlignedAsItsTypeAsks) {
  make_world({.topics = one_topic_per_policy(64)});
  const std::array<const EventType*, 1> set = {&event_type<Aligned>()};
  Peer& sender = world().add("sender", set, {});
  Peer& reader = world().add("reader", set, {"block"});
  for (std::uint64_t i = 0; i < 8; ++i) sender.send("block", Aligned{i});
  for (std::uint64_t i = 0; i < 8; ++i) {
    Delivery delivery;
    ASSERT_TRUE(reader.next(delivery));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(delivery.object) % alignof(Aligned), 0u);
    EXPECT_EQ(read<Aligned>(delivery)->value, i);
    reader.port().handled(delivery, true);
  }
}

TEST_P(Payload, RetainedEventsOutliveTheirHandlingAndMayBeGivenBackInAnyOrder) {
  make_world({.topics = one_topic_per_policy(64)});
  const std::array<const EventType*, 1> set = {&event_type<Block<4096>>()};
  Peer& sender = world().add("sender", set, {});
  Peer& reader = world().add("reader", set, {"block"});
  std::mt19937_64 random(test_seed());
  const auto event = std::make_unique<Block<4096>>();
  std::map<std::uint64_t, Retained> kept;  // by seed. Some more than a transport may be able to keep without a copy
  for (std::uint64_t i = 0; i < 3000; ++i) {
    fill(event->bytes, i);
    sender.send("block", *event);
    Delivery delivery;
    ASSERT_TRUE(reader.next(delivery)) << "event " << i;
    ASSERT_TRUE(delivery.object);
    kept.emplace(i, reader.port().retain(delivery));
    reader.port().handled(delivery, true);
    reader.port().new_turn();
    // Until its turn comes, a kept event may hold back the room of later ones: never for a whole capacity.
    if (kept.size() < 20) continue;
    const auto oldest = kept.begin();
    const auto drop = random() % 3 && i - oldest->first < 40
                          ? std::next(oldest, static_cast<std::ptrdiff_t>(random() % kept.size()))
                          : oldest;
    fill(event->bytes, drop->first);
    EXPECT_EQ(std::memcmp(static_cast<const Block<4096>*>(drop->second.get())->bytes.data(), event->bytes.data(), 4096),
              0);
    kept.erase(drop);
  }
  kept.clear();
  reader.port().new_turn();
  EXPECT_TRUE(reader.receive_all().empty());
  EXPECT_TRUE(sender.port().push_staged());
  EXPECT_EQ(queued(), 0u);
}

TEST_P(Payload, ARetainedEventOutlivesItsWorld) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  sender.send_number("block", 77);
  Delivery delivery;
  ASSERT_TRUE(reader.next(delivery));
  const Retained kept = reader.port().retain(delivery);
  reader.port().handled(delivery, true);
  destroy_world();
  EXPECT_EQ(static_cast<const Number*>(kept.get())->value, 77u);
}

TEST_P(Payload, ALoanedEventIsFilledInPlaceAndSent) {
  make_world({.topics = one_topic_per_policy(64)});
  const std::array<const EventType*, 3> set = {&event_type<Number>(), &event_type<Block<4096>>(),
                                               &event_type<Block<65536>>()};
  Peer& sender = world().add("sender", set, {});
  Peer& reader = world().add("reader", set, {"block"});
  const std::uint16_t topic = sender.topic("block");
  auto* small = static_cast<Number*>(sender.port().loan(*set[0]));
  auto* large = static_cast<Block<4096>*>(sender.port().loan(*set[1]));
  auto* unused = sender.port().loan(*set[2]);
  small->value = 5;
  fill(large->bytes, 6);
  sender.port().unloan(*set[2], unused);
  sender.port().send({set[1], large, topic, {}});
  sender.port().send({set[0], small, topic, {3, 4}});
  sender.port().flush();
  Delivery delivery;
  ASSERT_TRUE(reader.next(delivery));
  Block<4096> expected;
  fill(expected.bytes = {}, 6);
  EXPECT_EQ(std::memcmp(read<Block<4096>>(delivery)->bytes.data() + 4095, &expected.bytes[4095], 1), 0);
  EXPECT_EQ(std::memcmp(read<Block<4096>>(delivery)->bytes.data(), expected.bytes.data(), 4095), 0);
  reader.port().handled(delivery, true);
  ASSERT_TRUE(reader.next(delivery));
  EXPECT_EQ(read<Number>(delivery)->value, 5u);
  EXPECT_EQ(delivery.parent, (EventId{3, 4}));
  reader.port().handled(delivery, true);
  EXPECT_FALSE(reader.next(delivery));
}

TEST_P(Payload, LoansGivenBackAreReusedForever) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& sender = add("sender", {});
  for (int i = 0; i < 2000; ++i) {
    void* loaned = sender.port().loan(event_type<Block<65536>>());
    static_cast<Block<65536>*>(loaned)->bytes[65535] = 1;
    sender.port().unloan(event_type<Block<65536>>(), loaned);
  }
}

TEST_P(Payload, AStagedLoanArrivesLater) {
  make_world();
  Peer& sender = add("sender", {});
  Peer& reader = add("reader", {"block"});
  for (std::uint64_t i = 0; i < 12; ++i) {
    auto* number = static_cast<Number*>(sender.port().loan(event_type<Number>()));
    number->value = i;
    sender.port().send({&event_type<Number>(), number, sender.topic("block"), {}});
    sender.port().flush();
  }
  std::vector<std::uint64_t> received = reader.receive_numbers();
  EXPECT_TRUE(sender.port().push_staged());
  for (const std::uint64_t number : reader.receive_numbers()) received.push_back(number);
  EXPECT_EQ(received, numbers(0, 12));
}

TEST_P(Payload, ATypeTheReaderDoesNotKnowIsHandedOutAsUnknownAndCountsAsSkipped) {
  make_world({.topics = one_topic_per_policy(64)});
  Peer& sender = world().add("sender", more_types(), {});
  Peer& reader = add("reader", {"block"});
  Peer& insider = world().add("insider", more_types(), {"block"});
  sender.send("block", Secret{1});
  sender.send_number("block", 2);
  const std::vector<Receipt> received = reader.receive_all();
  ASSERT_EQ(received.size(), 2u);
  EXPECT_FALSE(received[0].known);
  EXPECT_TRUE(received[1].known);
  EXPECT_EQ(received[1].value, 2u);
  EXPECT_EQ(reader.port().counters().received, 2u);
  EXPECT_EQ(reader.port().counters().handled, 1u);
  EXPECT_EQ(reader.port().counters().skipped, 1u);

  Delivery delivery;
  ASSERT_TRUE(insider.next(delivery));
  EXPECT_EQ(delivery.type, (event_index<MoreEvents, Secret>)) << "the reader's own index, not the sender's";
  insider.port().handled(delivery, true);
  ASSERT_TRUE(insider.next(delivery));
  EXPECT_EQ(delivery.type, (event_index<MoreEvents, Number>));
  insider.port().handled(delivery, true);
  EXPECT_EQ(queued(), 0u);
}

}  // namespace actor::conformance
