#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include <actor/testing/matchers.hpp>
#include <unit/testing_story.hpp>

using namespace actor::testing;  // NOLINT: as its users do
using actor::EventId;
using story::Branch;
using story::Complete;
using story::Process;
using story::Start;
using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::Not;

namespace {

/// What EXPECT_THAT(value, matcher) would say.
template <class Subject, class M>
std::string said(const Subject& subject, const M& matcher) {
  ::testing::StringMatchResultListener listener;
  ::testing::SafeMatcherCast<const Subject&>(matcher).MatchAndExplain(subject, &listener);
  return listener.str();
}

TEST(Matchers, OfEvents) {
  const story::Fork fork;
  EXPECT_THAT(fork.event(fork.start), WasDelivered());
  EXPECT_THAT(fork.event({9, 9}), Not(WasDelivered()));
  EXPECT_THAT(fork.event(fork.start), WasDeliveredTo("bob"));
  EXPECT_THAT(fork.event(fork.start), WasDeliveredTo("bob", "dave"));
  EXPECT_THAT(fork.event(fork.start), WasDeliveredTo(actor::ActorId("bob"), std::string("dave")));
  EXPECT_THAT(fork.event(fork.start), Not(WasDeliveredTo("bob", "carol")));
  EXPECT_THAT(fork.event(fork.start), WasDeliveredToAll({"bob", "dave"}));
  EXPECT_THAT(fork.event(fork.start), NotDeliveredTo("carol"));
  EXPECT_THAT(fork.event(fork.start), Not(NotDeliveredTo("bob")));
  EXPECT_THAT(fork.event(fork.start), WasSentBy("alice"));
  EXPECT_THAT(fork.event(fork.start), HasChild("Process"));
  EXPECT_THAT(fork.event(fork.start), HasChild(fork.branch));
  EXPECT_THAT(fork.event(fork.start),
              HasChild(EventMatcher::by_event([](const Process& p) { return p.what == "it"; })));
  EXPECT_THAT(fork.event(fork.process), Not(HasChild("Branch")));
  EXPECT_THAT(fork.event(fork.start), AllOf(WasDelivered(), NotDeliveredTo("carol"), HasChild("Branch")));
}

TEST(Matchers, OfActors) {
  story::Fork fork;
  fork.recording().on_actor_registered(actor::ActorId("bob"));
  EXPECT_THAT(fork.actor("bob"), IsRunning());
  EXPECT_THAT(fork.actor("carol"), Not(IsRunning()));
  fork.recording().on_actor_stop(actor::ActorId("bob"));
  EXPECT_THAT(fork.actor("bob"), IsStopped());
  EXPECT_THAT(fork.actor("bob"), ReceivedEvents(1));
  EXPECT_THAT(fork.actor("bob"), SentEvents(Ge(2u)));
  EXPECT_THAT(fork.actor("bob"), Not(SentEvents(Lt(2u))));
  EXPECT_THAT(fork.actor("carol"), Received("Process"));
  EXPECT_THAT(fork.actor("bob"), Sent(EventMatcher::by_type<Branch>()));
  EXPECT_THAT(fork.actor("bob"), Not(Sent("Start")));
  EXPECT_THAT(fork.actor("carol"), ReceivedFrom("bob"));
  EXPECT_THAT(fork.actor("bob"), SentTo("alice"));
}

TEST(Matchers, OfTopics) {
  const story::Fork fork;
  EXPECT_THAT(fork.topic(actor::of<Start>), WasPublished());
  EXPECT_THAT(fork.topic(actor::of<Complete>), Not(WasPublished()));
  EXPECT_THAT(fork.topic("Start"), Reached("bob", "dave"));
  EXPECT_THAT(fork.topic("Start"), Not(Reached("carol")));
}

TEST(Matchers, OfChains) {
  const story::Fork fork;
  const EventChain chain = fork.chain(fork.start);
  EXPECT_THAT(chain, VisitedActors("alice", "dave", "carol"));
  EXPECT_THAT(chain, Not(VisitedActors("erin")));
  EXPECT_THAT(chain, ExactPath("alice", "bob", "carol"));
  EXPECT_THAT(chain, Not(ExactPath("alice", "bob")));
  EXPECT_THAT(chain, HasSegment("bob", "carol"));
  EXPECT_THAT(chain, PassesThrough("alice", "carol"));
  EXPECT_THAT(chain, Not(PassesThrough("carol", "alice")));
  EXPECT_THAT(chain, HasEvents("Start", "Branch"));
  EXPECT_THAT(chain, Not(HasEvents("Branch", "Start")));
  EXPECT_THAT(chain, HasExactEvents("Start", fork.process));
  EXPECT_THAT(chain, HasEventSegment("Start", "Process"));
  EXPECT_THAT(chain, HasBranchesAfter("Start", 2));
}

TEST(Matchers, SayWhatWasSeenInsteadAndShowTheRecording) {
  const story::Fork fork;
  EXPECT_NONFATAL_FAILURE(
      EXPECT_THAT(fork.event(fork.start), WasDeliveredTo("carol")),
      "Expected: was delivered to carol\n"
      "  Actual: Start{n=1} from alice (of type actor::testing::EventSpy), which was delivered to bob, dave\n"
      "Recorded: 3 events, 4 deliveries\n"
      "Start{n=1} [alice -> bob, dave]\n"
      "├─ Process{what=\"it\"} [bob -> carol]\n"
      "└─ Branch{} [bob -> alice]\n");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(fork.event(fork.start), Not(WasDeliveredTo("bob"))),
                          "Expected: was not delivered to all of bob\n");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(fork.chain(fork.start), ExactPath("alice", "carol")),
                          "which went alice -> dave; alice -> bob -> carol; alice -> bob -> alice\n");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(fork.chain(fork.start), HasExactEvents("Start")),
                          "which is Start -> Process; Start -> Branch\n");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(fork.actor("bob"), ReceivedEvents(2)),
                          "Expected: received a number of events that is equal to 2\n"
                          "  Actual: actor bob (unknown, received 1, sent 2) (of type actor::testing::ActorSpy), "
                          "which received Start from alice (1)\n");
  EXPECT_NONFATAL_FAILURE(EXPECT_THAT(fork.topic("Branch"), Reached("dave")), "which reached alice\n");
}

TEST(Matchers, SayWhyAnEventReachedNobody) {
  story::Story story;
  const EventId waiting = story.sent("alice", Start{}, {"bob"}, {}, Stage::Dispatched);
  EXPECT_THAT(said(story.event(waiting), WasDelivered()), HasSubstr("still waits in the mailbox of bob"));

  actor::Observation dropped;
  dropped.meta.id = {5, 5};
  dropped.receiver = actor::ActorId("carol");
  story.recording().on_overflow(dropped, actor::OverflowPolicy::drop());
  EXPECT_THAT(said(story.event({5, 5}), WasDelivered()), HasSubstr("found no room at carol (drop)"));

  EXPECT_THAT(said(story.event({9, 9}), WasDelivered()), HasSubstr("nobody subscribes to its topic"));
  EXPECT_THAT(said(story.chain({9, 9}), ExactPath("alice")), HasSubstr("is empty"));
}

}  // namespace
