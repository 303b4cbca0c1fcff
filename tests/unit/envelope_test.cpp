#include <gtest/gtest.h>

#include <actor/context.hpp>
#include <actor/error.hpp>
#include <actor/text.hpp>
#include <chrono>
#include <map>
#include <sstream>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace envelope_test {

struct Temperature {
  double celsius = 0;
};
struct Alert {
  std::string text;
  std::vector<std::string> stations;
};
using Events = std::variant<Temperature, Alert>;
enum class WeatherTopic { Reading, Alert };
constexpr WeatherTopic topic_of(const Temperature&) {
  return WeatherTopic::Reading;
}
constexpr WeatherTopic topic_of(const Alert&) {
  return WeatherTopic::Alert;
}

struct Bundle {  // an envelope may be part of an event
  actor::OwnedEnvelope<Events> envelope;
};
struct Everything {
  std::variant<int, std::string, int> choice;
  std::optional<double> maybe;
  std::pair<int, std::vector<bool>> pair;
  std::map<std::string, Temperature> ordered;
  std::unordered_map<std::string, Temperature> unordered;
  std::unordered_set<int> keys;
  std::unordered_multimap<int, int> many;
  int grid[2] = {};
};

/// A port without a transport: says what it was asked to send, and hands nothing out.
class ListeningPort final : public actor::Port {
 public:
  struct Sent {
    const actor::EventType* type;
    std::string text, topic;
    actor::EventId parent;
    std::optional<actor::Meta> prebuilt;
  };
  std::vector<Sent> sent;
  bool keeps = false;

  std::uint16_t open_topic(std::string_view name, actor::OverflowPolicy, bool = false) override {
    topics_.emplace_back(name);
    return static_cast<std::uint16_t>(topics_.size() - 1);
  }
  std::string_view topic_name(std::uint16_t topic) const override { return topics_[topic]; }
  actor::EventId send(const actor::Outgoing& out) override {
    sent.push_back({out.type, actor::to_text(*out.type, out.event), topics_[out.topic], out.parent, {}});
    if (out.prebuilt) sent.back().prebuilt = *out.prebuilt;
    return {1, sent.size()};
  }
  bool keeps_senders() const override { return keeps; }
  void* loan(const actor::EventType&) override { return nullptr; }
  void unloan(const actor::EventType&, void*) noexcept override {}
  void flush() override {}
  bool is_full(std::uint16_t) override { return false; }
  bool has_staged() const override { return false; }
  bool push_staged() override { return true; }
  bool next(actor::Delivery&) override { return false; }
  void handled(const actor::Delivery&, bool) override {}
  actor::Retained retain(const actor::Delivery&) override { return nullptr; }
  void new_turn() override {}
  bool prepare_wait() override { return false; }
  void end_wait() override {}
  std::int64_t next_deadline() const override { return 0; }
  actor::PortCounters counters() const override { return {}; }

 private:
  std::vector<std::string> topics_;
};

class NoLoop final : public actor::Loop {
 public:
  actor::WatchId watch(int, Interest, Callback) override { return 0; }
  void unwatch(actor::WatchId) override {}
  std::size_t poll() override { return 0; }
  bool may_be_due(bool) override { return false; }
};
struct NoWaker final : actor::Waker {
  void wake() noexcept override {}
};

}  // namespace envelope_test

namespace actor {
namespace {

using namespace envelope_test;
using Owned = OwnedEnvelope<Events>;

const EventId an_id{0x7fab'cdef'0000'0001, 12};

class EnvelopeTest : public ::testing::Test {
 protected:
  EnvelopeTest() {
    delivery_.id = an_id;
    delivery_.sender = ActorId("cpu");
    delivery_.topic = port_.open_topic("WeatherTopic.Reading", {});
    delivery_.object = &event_;
    delivery_.type = 0;
    delivery_.monotonic_ns = 1'000;
    delivery_.wall_offset_ns = 1'700'000'000'000'000'000;
  }
  Envelope<Events> view() { return Envelope<Events>(delivery_, &event_, port_); }

  ListeningPort port_;
  NoLoop loop_;
  NoWaker waker_;
  Host host_{ActorId("relay"), port_, loop_, waker_};
  Context<Events> context_{host_};
  Temperature event_{21.5};
  Delivery delivery_;
};

using EnvelopeView = EnvelopeTest;
using ContextSend = EnvelopeTest;

template <class T>
std::string printed(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

TEST_F(EnvelopeView, PrintsTheEventAndWhereItComesFrom) {
  EXPECT_EQ(printed(view()), "Temperature{celsius=21.5} 7f..:12 from cpu on WeatherTopic.Reading");
  delivery_.parent = {0x3c00'0000'0000'0000, 7};
  delivery_.flags = Delivery::redelivered | Delivery::maybe_duplicate | Delivery::latched;
  delivery_.attempt = 2;
  EXPECT_EQ(printed(view()),
            "Temperature{celsius=21.5} 7f..:12 from cpu on WeatherTopic.Reading in answer to 3c..:7 (redelivered, "
            "attempt 2, maybe a duplicate, latched)");
  EXPECT_EQ(printed(view().to_owned()), printed(view()));
}

TEST_F(EnvelopeView, SaysHowItWasDelivered) {
  EXPECT_EQ(view().attempt(), 1u);
  EXPECT_FALSE(view().redelivered() || view().maybe_duplicate() || view().latched());
  delivery_.flags = Delivery::redelivered | Delivery::maybe_duplicate | Delivery::latched;
  delivery_.attempt = 3;
  EXPECT_TRUE(view().redelivered() && view().maybe_duplicate() && view().latched());
  const Meta meta = view().meta();
  EXPECT_EQ(meta.attempt, 3u);
  EXPECT_TRUE(meta.redelivered && meta.maybe_duplicate && meta.latched);
}

TEST_F(EnvelopeView, BecomesAnEnvelopeThatOwnsItsEvent) {
  const Owned owned = view().to_owned();
  EXPECT_EQ(owned.id(), an_id);
  EXPECT_EQ(owned.sender(), ActorId("cpu"));
  EXPECT_EQ(owned.topic, "WeatherTopic.Reading");
  EXPECT_EQ(owned.label(), "Temperature");
  ASSERT_NE(owned.get_if<Temperature>(), nullptr);
  EXPECT_EQ(owned.get_if<Temperature>()->celsius, 21.5);
  EXPECT_EQ(owned.get_if<Alert>(), nullptr);
  EXPECT_EQ(owned.meta, view().meta());
}

TEST_F(EnvelopeView, EqualsWhatHasItsIdAndItsEvent) {
  const Owned owned = view().to_owned();
  EXPECT_EQ(view(), owned);
  EXPECT_EQ(view(), view());
  delivery_.attempt = 2;
  EXPECT_EQ(view(), owned) << "how it was delivered does not matter";
  event_.celsius = 22;
  EXPECT_NE(view(), owned);
  event_.celsius = 21.5;
  delivery_.id.counter++;
  EXPECT_NE(view(), owned);
}

TEST(OwnedEnvelope, EqualsWhatHasItsIdAndItsEvent) {
  const auto envelope = [](Events event, EventId id) {
    Owned made = Owned::make(std::move(event), ActorId("cpu"));
    made.meta.id = id;
    return made;
  };
  const Alert alert{"frost", {"roof"}};
  EXPECT_EQ(envelope(alert, an_id), envelope(alert, an_id));
  EXPECT_NE(envelope(alert, an_id), envelope(alert, {1, 2}));
  EXPECT_NE(envelope(alert, an_id), envelope(Alert{"frost", {"cellar"}}, an_id));
  EXPECT_NE(envelope(alert, an_id), envelope(Temperature{}, an_id));
}

TEST(OwnedEnvelope, IsMadeFromAnEventAndASender) {
  const auto before = std::chrono::steady_clock::now();
  const Owned made = Owned::make(Alert{"frost", {}}, ActorId("roof"), an_id);
  EXPECT_EQ(made.sender(), ActorId("roof"));
  EXPECT_EQ(made.parent(), an_id);
  EXPECT_FALSE(made.id()) << "given when it is sent";
  EXPECT_EQ(made.topic, "WeatherTopic.Alert");
  EXPECT_GE(made.meta.monotonic_time, before);
  EXPECT_EQ(made.visit([](const auto& event) { return sizeof event; }), sizeof(Alert));
}

TEST(OwnedEnvelope, CanBePartOfAnEvent) {
  const Bundle bundle{Owned::make(Alert{"frost", {"roof"}}, ActorId("roof"), an_id)};
  std::vector<std::byte> bytes(encoded_size(bundle));
  encode(bundle, bytes);
  Bundle copy;
  ASSERT_TRUE(decode(bytes, copy));
  EXPECT_EQ(copy.envelope, bundle.envelope);
  EXPECT_EQ(copy.envelope.meta, bundle.envelope.meta);
}

TEST(Equality, OfEventsGoesFieldByField) {
  const Everything one{"x", 1.5, {1, {true}}, {{"a", {1}}}, {{"a", {1}}, {"b", {2}}}, {1, 2}, {{1, 2}, {1, 3}}, {1, 2}};
  Everything other{"x", 1.5, {1, {true}}, {{"a", {1}}}, {{"b", {2}}, {"a", {1}}}, {2, 1}, {{1, 3}, {1, 2}}, {1, 2}};
  EXPECT_TRUE(detail::same_value(one, other)) << "the order of what has no order does not matter";
  const auto differs = [&](auto change) {
    Everything changed = one;
    change(changed);
    return !detail::same_value(one, changed) && !detail::same_value(changed, one);
  };
  EXPECT_TRUE(differs([](Everything& e) { e.choice.emplace<0>(1); }));
  EXPECT_TRUE(differs([](Everything& e) { e.choice = "y"; }));
  EXPECT_TRUE(differs([](Everything& e) { e.maybe.reset(); }));
  EXPECT_TRUE(differs([](Everything& e) { e.pair.second[0] = false; }));
  EXPECT_TRUE(differs([](Everything& e) { e.ordered["a"].celsius = 2; }));
  EXPECT_TRUE(differs([](Everything& e) { e.unordered["a"].celsius = 3; }));
  EXPECT_TRUE(differs([](Everything& e) { e.unordered.erase("a"); }));
  EXPECT_TRUE(differs([](Everything& e) { e.keys.insert(3); }));
  EXPECT_TRUE(differs([](Everything& e) { e.many.begin()->second = 9; }));
  EXPECT_TRUE(differs([](Everything& e) { e.grid[1] = 3; }));
}

TEST_F(ContextSend, OfAVariantSendsWhatItHoldsInAnswerToItsParent) {
  context_.send_child_event(Events(Alert{"frost", {}}), an_id);
  ASSERT_EQ(port_.sent.size(), 1u);
  EXPECT_EQ(port_.sent[0].type, &event_type<Alert>());
  EXPECT_EQ(port_.sent[0].topic, "WeatherTopic.Alert");
  EXPECT_EQ(port_.sent[0].parent, an_id);
  EXPECT_FALSE(port_.sent[0].prebuilt);
}

TEST_F(ContextSend, OfAReceivedEnvelopeSendsItsEventOnInAnswerToIt) {
  delivery_.parent = {9, 9};
  context_.send(view());
  ASSERT_EQ(port_.sent.size(), 1u);
  EXPECT_EQ(port_.sent[0].text, "Temperature{celsius=21.5}");
  EXPECT_EQ(port_.sent[0].parent, an_id);
  EXPECT_FALSE(port_.sent[0].prebuilt) << "from this actor, not from the first sender";
}

TEST_F(ContextSend, OfAPrebuiltEnvelopeOfItsOwnNeedsNoSpecialPort) {
  context_.send(Owned::make(Temperature{1}, ActorId("relay"), an_id));
  context_.send(Owned::make(Temperature{2}, ActorId(), an_id));
  ASSERT_EQ(port_.sent.size(), 2u);
  for (const auto& sent : port_.sent) {
    EXPECT_EQ(sent.parent, an_id);
    EXPECT_FALSE(sent.prebuilt);
  }
}

TEST_F(ContextSend, OfAnothersEnvelopeKeepsItsSenderAndId) {
  port_.keeps = true;
  context_.send(view().to_owned());
  ASSERT_EQ(port_.sent.size(), 1u);
  ASSERT_TRUE(port_.sent[0].prebuilt);
  EXPECT_EQ(port_.sent[0].prebuilt->sender, ActorId("cpu"));
  EXPECT_EQ(port_.sent[0].prebuilt->id, an_id);
}

TEST_F(ContextSend, OfAnothersEnvelopeIsRefusedBetweenProcesses) {
  try {
    context_.send(Owned::make(Alert{"frost", {}}, ActorId("roof")));
    FAIL() << "sent";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::Refused);
    const std::string what = error.what();
    EXPECT_NE(what.find("\"relay\""), std::string::npos) << what;
    EXPECT_NE(what.find("from roof"), std::string::npos) << what;
    EXPECT_NE(what.find("send_child_event"), std::string::npos) << what;
  }
  EXPECT_TRUE(port_.sent.empty());
}

TEST(EventId, ReadsWhatItWrites) {
  EXPECT_EQ(EventId::parse(to_string(an_id)), an_id);
  EXPECT_EQ(EventId::parse(std::string(32, 'f')), (EventId{~0ull, ~0ull}));
  for (const char* text : {"", "12", "7fabcdef00000001000000000000000g", "+fabcdef00000001000000000000000c",
                           "7fabcdef00000001000000000000000c0"}) {
    EXPECT_EQ(EventId::parse(text), std::nullopt) << text;
  }
  EXPECT_EQ(short_text(an_id), "7f..:12");
  EXPECT_EQ(short_text({}), "-");
}

}  // namespace
}  // namespace actor
