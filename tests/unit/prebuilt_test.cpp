// Prebuilt envelopes inside one process, end to end: who is said to send them, and who is given them.

#include <gtest/gtest.h>

#include <actor/supervisor.hpp>
#include <string>
#include <vector>

namespace prebuilt_test {

struct Note {
  std::string text;
};
struct Kick {};
using Events = std::variant<Note, Kick>;
using Owned = actor::OwnedEnvelope<Events>;
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Note>) {
  return actor::OverflowPolicy::block();
}

struct Listener : actor::Actor<Events> {
  explicit Listener(std::vector<Owned>* seen) : seen_(seen) {}
  void handle_event(const actor::Envelope<Events>& envelope) override { seen_->push_back(envelope.to_owned()); }
  std::vector<Owned>* seen_;
};

/// Sends its envelopes at each Kick, and fails the first time if told to.
struct Relay : actor::Actor<Events> {
  Relay(std::vector<Owned> envelopes, bool fails_once, std::vector<actor::EventId>* ids)
      : envelopes_(std::move(envelopes)), fails_once_(fails_once), ids_(ids) {}
  void handle_event(const actor::Envelope<Events>& envelope) override {
    if (!envelope.get_if<Kick>()) return;
    ids_->push_back(ctx().send(Note{"before"}));
    for (const Owned& prebuilt : envelopes_) ids_->push_back(ctx().send(prebuilt));
    ids_->push_back(ctx().send(Note{"after"}));
    if (fails_once_ && !envelope.redelivered()) throw std::runtime_error("once");
  }
  std::vector<Owned> envelopes_;
  bool fails_once_;
  std::vector<actor::EventId>* ids_;
};

std::string text_of(const Owned& envelope) {
  return envelope.get_if<Note>()->text;
}

class Prebuilt : public testing::Test {
 protected:
  void run(std::vector<Owned> envelopes, bool fails_once = false, std::size_t room = 0) {
    supervisor_.build_actor<Listener>("listener", &at_listener_).topics(actor::of<Note>).channel_capacity(room).add();
    supervisor_.add_actor<Listener>("cpu", {actor::of<Note>}, &at_cpu_);
    supervisor_.add_actor<Relay>("relay", {actor::of<Kick>, actor::of<Note>}, std::move(envelopes), fails_once, &ids_);
    supervisor_.start();
    supervisor_.settle();
    supervisor_.send(Kick{});
    supervisor_.advance(std::chrono::seconds(1));
    supervisor_.stop();
    supervisor_.join();
  }
  static std::vector<std::string> texts(const std::vector<Owned>& envelopes) {
    std::vector<std::string> all;
    for (const Owned& envelope : envelopes) all.push_back(text_of(envelope));
    return all;
  }
  Owned from_cpu(std::string text, actor::EventId id = {}) const {
    Owned made = Owned::make(Note{std::move(text)}, actor::ActorId("cpu"), parent_);
    made.meta.id = id;
    return made;
  }

  using Texts = std::vector<std::string>;
  const actor::EventId parent_{0x3c, 7};
  actor::Supervisor<Events> supervisor_{actor::simulated(1)};
  std::vector<Owned> at_listener_, at_cpu_;
  std::vector<actor::EventId> ids_;
};

TEST_F(Prebuilt, EnvelopesKeepTheirSenderAndParent) {
  run({from_cpu("one")});
  ASSERT_EQ(texts(at_listener_), (Texts{"before", "one", "after"}));
  EXPECT_EQ(at_listener_[1].sender(), actor::ActorId("cpu"));
  EXPECT_EQ(at_listener_[1].parent(), parent_);
  EXPECT_EQ(at_listener_[1].id(), ids_[1]) << "the id that send() gave it";
  EXPECT_EQ(at_listener_[0].sender(), actor::ActorId("relay"));
  EXPECT_EQ(at_listener_[2].sender(), actor::ActorId("relay"));
  EXPECT_EQ(at_listener_[2].id().counter, at_listener_[1].id().counter + 1);
}

TEST_F(Prebuilt, EnvelopesAreNotGivenToWhomTheyAreFrom) {
  run({from_cpu("one")});
  EXPECT_EQ(texts(at_cpu_), (Texts{"before", "after"}));
}

TEST_F(Prebuilt, EnvelopesKeepTheIdThatTheyHave) {
  const actor::EventId id{0x7f, 12};
  run({from_cpu("one", id)});
  ASSERT_EQ(texts(at_listener_), (Texts{"before", "one", "after"}));
  EXPECT_EQ(at_listener_[1].id(), id);
  EXPECT_EQ(ids_[1], id);
  EXPECT_EQ(at_listener_[2].id().counter, at_listener_[0].id().counter + 1) << "and take no number of the relay's";
}

TEST_F(Prebuilt, EnvelopesWaitForRoomAsOthersDo) {
  std::vector<Owned> many;
  for (int i = 0; i < 20; ++i) many.push_back(from_cpu(std::to_string(i)));
  run(many, false, 2);
  ASSERT_EQ(at_listener_.size(), 22u);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(text_of(at_listener_[i + 1]), std::to_string(i));
    EXPECT_EQ(at_listener_[i + 1].sender(), actor::ActorId("cpu"));
  }
  EXPECT_EQ(texts(at_cpu_), (Texts{"before", "after"}));
}

TEST_F(Prebuilt, EnvelopesOfARepeatedHandlerHaveTheirIdsAgainAndSayThatTheyMayBeDuplicates) {
  const actor::EventId id{0x7f, 12};
  run({from_cpu("given"), from_cpu("kept", id)}, true);
  ASSERT_EQ(texts(at_listener_), (Texts{"before", "given", "kept", "after", "before", "given", "kept", "after"}));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(at_listener_[i].id(), at_listener_[i + 4].id());
    EXPECT_FALSE(at_listener_[i].meta.maybe_duplicate);
    EXPECT_TRUE(at_listener_[i + 4].meta.maybe_duplicate) << text_of(at_listener_[i + 4]);
  }
}

}  // namespace prebuilt_test
