#include <gmock/gmock.h>

#include <unit/testing_story.hpp>

using actor::ActorId;
using actor::EventId;
using actor::testing::Stage;
using story::Branch;
using story::names;
using story::Start;
using testing::ElementsAre;

namespace {

TEST(EventSpy, SaysWhoReceivedTheEvent) {
  const story::Fork fork;
  const auto start = fork.event(fork.start);
  EXPECT_TRUE(start.was_delivered());
  EXPECT_TRUE(start.was_delivered_to("bob"));
  EXPECT_TRUE(start.was_delivered_to(ActorId("dave")));
  EXPECT_FALSE(start.was_delivered_to("carol"));
  EXPECT_TRUE(start.not_delivered_to("carol"));
  EXPECT_TRUE(start.was_delivered_to_all({"bob", "dave"}));
  EXPECT_FALSE(start.was_delivered_to_all({"bob", "carol"}));
  EXPECT_EQ(start.delivery_ratio({"bob", "dave", "carol", "erin"}), 0.5);
  EXPECT_EQ(start.delivery_ratio({}), 1.0);
  EXPECT_EQ(start.sender(), ActorId("alice"));
  EXPECT_THAT(names(start.receivers()), ElementsAre("bob", "dave"));
  EXPECT_EQ(start.receiver_count(), 2u);
  EXPECT_EQ(start.children().count(), 2u);
}

TEST(EventSpy, AnEventThatWaitsIsNotDeliveredYet) {
  story::Story story;
  const EventId id = story.sent("alice", Start{}, {"bob"}, {}, Stage::Dispatched);
  EXPECT_FALSE(story.event(id).was_delivered());
  EXPECT_EQ(story.event(id).sender(), ActorId("alice"));
}

TEST(EventSpy, AnEventThatItsHandlerThrewOnWasDelivered) {
  story::Story story;
  const EventId id = story.sent("alice", Start{}, {"bob"}, {}, Stage::Failed);
  EXPECT_TRUE(story.event(id).was_delivered_to("bob"));
}

TEST(EventSpy, KnowsNothingOfAnEventThatWasNotRecorded) {
  const story::Line line;
  EXPECT_FALSE(line.event({9, 9}).was_delivered());
  EXPECT_FALSE(line.event({9, 9}).sender().has_value());
}

TEST(ActorSpy, SeesBothDirections) {
  const story::Fork fork;
  const auto bob = fork.actor("bob");
  EXPECT_EQ(bob.events_received(), 1u);
  EXPECT_EQ(bob.last_received()->id(), fork.start);
  EXPECT_THAT(names(bob.received_from()), ElementsAre("alice"));
  EXPECT_EQ(bob.sender_count(), 1u);
  EXPECT_EQ(bob.inbound().count(), 1u);
  EXPECT_EQ(bob.events_sent(), 2u);
  EXPECT_EQ(bob.last_sent()->id(), fork.branch);
  EXPECT_THAT(names(bob.sent_to()), ElementsAre("carol", "alice"));
  EXPECT_EQ(bob.receiver_count(), 2u);
  EXPECT_EQ(bob.outbound().received_by("carol").count(), 1u);
}

TEST(ActorSpy, CountsAnEventThatManyReceivedAsSentOnce) {
  const story::Fork fork;
  EXPECT_EQ(fork.actor("alice").events_sent(), 1u);
  EXPECT_EQ(fork.actor("alice").outbound().count(), 2u);
}

TEST(ActorSpy, KnowsWhetherTheActorRuns) {
  story::Story story;
  EXPECT_FALSE(story.actor("alice").is_running());
  EXPECT_FALSE(story.actor("alice").is_stopped());
  story.recording().on_actor_registered(ActorId("alice"));
  EXPECT_TRUE(story.actor("alice").is_running());
  story.recording().on_actor_restart(ActorId("alice"), actor::Error(actor::ErrorCode::External, "oh"), {});
  EXPECT_TRUE(story.actor("alice").is_running());
  EXPECT_EQ(story.actor("alice").restarts(), 1u);
  EXPECT_EQ(story.actor("alice").last_error(), "oh");
  story.recording().on_actor_stop(ActorId("alice"));
  EXPECT_FALSE(story.actor("alice").is_running());
  EXPECT_TRUE(story.actor("alice").is_stopped());
}

TEST(TopicSpy, SeesWhatWentOverItsTopic) {
  const story::Fork fork;
  const auto topic = fork.topic(actor::of<Start>);
  EXPECT_TRUE(topic.was_published());
  EXPECT_EQ(topic.event_count(), 2u);
  EXPECT_THAT(names(topic.receivers()), ElementsAre("bob", "dave"));
  EXPECT_EQ(topic.receiver_count(), 2u);
  EXPECT_EQ(topic.events().received_by("dave").count(), 1u);
  EXPECT_FALSE(fork.topic("Complete").was_published());
}

TEST(Spies, PrintWhatTheyAreAbout) {
  const story::Fork fork;
  EXPECT_EQ(testing::PrintToString(fork.event(fork.start)), "Start{n=1} from alice");
  EXPECT_EQ(testing::PrintToString(fork.event({0, 1})), "event 00000000000000000000000000000001");
  EXPECT_EQ(testing::PrintToString(fork.actor("bob")), "actor bob (unknown, received 1, sent 2)");
  EXPECT_EQ(testing::PrintToString(fork.topic("Branch")), "topic Branch (1 delivery)");
}

}  // namespace
