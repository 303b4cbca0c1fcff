#include <gmock/gmock.h>

#include <unit/testing_story.hpp>

using actor::EventId;
using actor::testing::EventChain;
using actor::testing::EventEntry;
using actor::testing::EventMatcher;
using actor::testing::Stage;
using story::Branch;
using story::Complete;
using story::names;
using story::Process;
using story::Start;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

std::vector<std::string> labels(const std::vector<EventEntry>& events) {
  std::vector<std::string> labels;
  for (const EventEntry& event : events) labels.emplace_back(event.label());
  return labels;
}

TEST(EventChain, ActorsOfALineAreVisitedInOneTurn) {
  const story::Line line;
  const auto actors = line.chain(line.start).actors();
  EXPECT_THAT(names(actors.all()), ElementsAre("alice", "bob", "carol"));
  EXPECT_TRUE(actors.visited({"carol", "alice"}));
  EXPECT_FALSE(actors.visited({"bob", "dave"}));
  ASSERT_EQ(actors.path_count(), 1u);
  EXPECT_THAT(names(actors.paths()[0]), ElementsAre("alice", "bob", "carol", "alice"));
}

TEST(EventChain, ActorPathsAreComparedWholeInPartsAndWithGaps) {
  const story::Line line;
  const auto actors = line.chain(line.start).actors();
  EXPECT_TRUE(actors.exact({"alice", "bob", "carol", "alice"}));
  EXPECT_FALSE(actors.exact({"alice", "bob", "carol"}));
  EXPECT_TRUE(actors.segment({"bob", "carol"}));
  EXPECT_FALSE(actors.segment({"alice", "carol"}));
  EXPECT_TRUE(actors.passes_through({"alice", "carol"}));
  EXPECT_FALSE(actors.passes_through({"carol", "bob"}));
}

TEST(EventChain, EachReceiverThatSendsNothingOnEndsAPath) {
  const story::Fork fork;
  const auto actors = fork.chain(fork.start).actors();
  EXPECT_EQ(actors.path_count(), 3u);
  EXPECT_TRUE(actors.exact({"alice", "dave"}));
  EXPECT_TRUE(actors.exact({"alice", "bob", "carol"}));
  EXPECT_TRUE(actors.exact({"alice", "bob", "alice"}));
  EXPECT_FALSE(actors.exact({"alice", "bob"}));
}

TEST(EventChain, AChildThatASenderSendsLaterAddsNobodyToThePath) {
  story::Story story;
  const EventId first = story.sent("alice", Start{}, {"bob"});
  story.sent("alice", Process{}, {"carol"}, first);  // from a timer, with the first as its parent
  EXPECT_TRUE(story.chain(first).actors().exact({"alice", "carol"}));
  EXPECT_TRUE(story.chain(first).actors().exact({"alice", "bob"}));
}

TEST(EventChain, EventsOfALineFollowTheirParents) {
  const story::Line line;
  const auto events = line.chain(line.start).events();
  EXPECT_THAT(labels(events.all()), ElementsAre("Start", "Process", "Complete"));
  EXPECT_THAT(labels(events.ordered()), ElementsAre("Start", "Process", "Complete"));
  EXPECT_TRUE(events.contains("Process"));
  EXPECT_FALSE(events.contains("Branch"));
  EXPECT_TRUE(events.exact({"Start", "Process", "Complete"}));
  EXPECT_FALSE(events.exact({"Start", "Process"}));
  EXPECT_TRUE(events.segment({"Process", "Complete"}));
  EXPECT_FALSE(events.segment({"Start", "Complete"}));
  EXPECT_TRUE(events.passes_through({"Start", "Complete"}));
  EXPECT_FALSE(events.passes_through({"Complete", "Start"}));
  EXPECT_EQ(events.path_count(), 1u);
  EXPECT_THAT(labels(events.paths()[0]), ElementsAre("Start", "Process", "Complete"));
}

TEST(EventChain, EachBranchOfEventsIsAPathOfItsOwn) {
  const story::Fork fork;
  const auto events = fork.chain(fork.start).events();
  EXPECT_EQ(events.path_count(), 2u);
  EXPECT_TRUE(events.exact({"Start", "Process"}));
  EXPECT_TRUE(events.exact({"Start", "Branch"}));
  EXPECT_FALSE(events.exact({"Start", "Process", "Branch"}));
  EXPECT_FALSE(events.segment({"Process", "Branch"}));
  EXPECT_FALSE(events.passes_through({"Process", "Branch"}));
}

TEST(EventChain, MatchersOfAnyKindMayFollowEachOther) {
  const story::Line line;
  EXPECT_TRUE(
      line.chain(line.start)
          .events()
          .exact({line.start, EventMatcher::by_event([](const Process& event) { return event.what == "it"; }),
                  EventMatcher::by_entry([](const EventEntry& at) { return at.receiver().name() == "alice"; })}));
}

TEST(EventChain, AMatcherMayFitAnyOfAnEventsDeliveries) {
  const story::Fork fork;
  const auto to_dave = EventMatcher::by_entry([](const EventEntry& at) { return at.receiver().name() == "dave"; });
  EXPECT_TRUE(fork.chain(fork.start).events().segment({to_dave, "Branch"}));
}

TEST(EventChain, OfALaterEventStartsThere) {
  const story::Line line;
  EXPECT_TRUE(line.chain(line.process).events().exact({"Process", "Complete"}));
  EXPECT_TRUE(line.chain(line.process).actors().exact({"bob", "carol", "alice"}));
}

TEST(EventChain, BranchesAreWhatWasSentInAnswer) {
  const story::Fork fork;
  const EventChain chain = fork.chain(fork.start);
  EXPECT_TRUE(chain.diverges_after("Start"));
  EXPECT_FALSE(chain.diverges_after("Process"));
  EXPECT_FALSE(chain.diverges_after("Complete"));
  EXPECT_EQ(chain.branches_after("Start"), 2u);
  EXPECT_EQ(chain.branches_after("Process"), 0u);
  EXPECT_EQ(chain.branches_after("Complete"), 0u);
  const story::Line line;
  EXPECT_FALSE(line.chain(line.start).diverges_after("Start"));
  EXPECT_EQ(line.chain(line.start).branches_after("Start"), 1u);
}

TEST(EventChain, ThePathToAnActorHoldsNothingThatLedElsewhere) {
  const story::Fork fork;
  const EventChain path = fork.chain(fork.start).path_to("carol");
  EXPECT_THAT(labels(path.events().all()), ElementsAre("Start", "Process"));
  EXPECT_EQ(path.actors().path_count(), 1u);
  EXPECT_TRUE(path.actors().exact({"alice", "bob", "carol"}));
  const story::Line line;
  EXPECT_FALSE(line.chain(line.start).path_to("carol").events().contains("Complete"));
}

TEST(EventChain, ThePathToAnActorThatWasNotReachedIsEmpty) {
  const story::Line line;
  const EventChain path = line.chain(line.start).path_to("dave");
  EXPECT_TRUE(path.is_empty());
  EXPECT_FALSE(path.events().contains("Start"));
}

TEST(EventChain, ThePathGoesThroughAChildThatATimerSent) {
  story::Story story;
  const EventId first = story.sent("alice", Start{}, {"bob"});
  story.sent("alice", Process{}, {"carol"}, first);
  EXPECT_TRUE(story.chain(first).path_to("carol").events().exact({"Start", "Process"}));
}

TEST(EventChain, OfAnEventThatWasNotRecordedIsEmpty) {
  const story::Line line;
  const EventChain chain = line.chain({9, 9});
  EXPECT_TRUE(chain.is_empty());
  EXPECT_TRUE(chain.actors().all().empty());
  EXPECT_EQ(chain.actors().path_count(), 0u);
  EXPECT_EQ(chain.events().path_count(), 0u);
  EXPECT_FALSE(chain.diverges_after("Start"));
  EXPECT_EQ(chain.branches_after("Start"), 0u);
  EXPECT_TRUE(chain.path_to("alice").is_empty());
  EXPECT_THAT(chain.to_string_tree(), HasSubstr("(empty)"));
  EXPECT_EQ(chain.to_mermaid(), "sequenceDiagram\n");
}

TEST(EventChain, NothingAskedIsEverywhereButIsNoWholePath) {
  const story::Line line;
  const EventChain chain = line.chain(line.start);
  EXPECT_TRUE(chain.actors().visited({}));
  EXPECT_TRUE(chain.actors().segment({}));
  EXPECT_TRUE(chain.actors().passes_through({}));
  EXPECT_FALSE(chain.actors().exact({}));
  EXPECT_TRUE(chain.events().passes_through({}));
  EXPECT_TRUE(line.chain({9, 9}).actors().exact({}));
}

TEST(EventChain, WhatOnlyWaitsInAMailboxIsNotPartOfIt) {
  story::Story story;
  const EventId first = story.sent("alice", Start{}, {"bob"});
  story.sent("bob", Process{}, {"carol"}, first, Stage::Dispatched);
  EXPECT_TRUE(story.chain(first).actors().exact({"alice", "bob"}));
  EXPECT_FALSE(story.chain(first).events().contains("Process"));
}

TEST(EventChain, MayBeVeryLong) {
  story::Story story;
  const EventId first = story.sent("alice", Start{}, {"bob"});
  EventId last = first;
  for (int i = 0; i < 20'000; ++i)
    last = story.sent(i % 2 ? "alice" : "bob", Start{i}, {i % 2 ? "bob" : "alice"}, last);
  EXPECT_EQ(story.chain(first).actors().path_count(), 1u);
  EXPECT_EQ(story.chain(first).events().ordered().back().id(), last);
}

TEST(EventChain, ParentsInACircleAreCutOpen) {
  story::Story story;
  actor::Meta meta;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    meta.id = {1, n};
    meta.parent = {1, n % 3 + 1};
    story.recording().add(EventEntry::of(Branch{}, meta, "Branch", "a"));
  }
  EXPECT_EQ(story.chain({1, 1}).events().all().size(), 3u);
  EXPECT_EQ(story.chain({1, 1}).events().path_count(), 1u);
}

TEST(EventChain, IsDrawnAsATree) {
  story::Fork fork;
  fork.sent("carol", Complete{}, {"alice"}, fork.process);
  EXPECT_EQ(fork.chain(fork.start).to_string_tree(), "EventChain (root: " + actor::to_string(fork.start) +
                                                         ")\n"
                                                         "Start{n=1} [alice -> bob, dave]\n"
                                                         "├─ Process{what=\"it\"} [bob -> carol]\n"
                                                         "│  └─ Complete{} [carol -> alice]\n"
                                                         "└─ Branch{} [bob -> alice]\n");
}

TEST(EventChain, IsDrawnAsAMermaidSequenceDiagram) {
  const story::Fork fork;
  EXPECT_EQ(fork.chain(fork.start).to_mermaid(),
            "sequenceDiagram\n"
            "    alice->>bob:Start\n"
            "    alice->>dave:Start\n"
            "    bob->>carol:Process\n"
            "    bob->>alice:Branch\n");
}

TEST(EventChain, NamesThatMermaidCannotTakeAreReplacedAndShown) {
  story::Story story;
  const EventId id = story.sent("front door", Start{}, {"bob"});
  EXPECT_EQ(story.chain(id).to_mermaid(),
            "sequenceDiagram\n"
            "    participant front_door as front door\n"
            "    front_door->>bob:Start\n");
}

TEST(EventChain, ActorsWhoseNamesBecomeTheSameIdStayApartInTheDiagram) {
  story::Story story;
  const EventId id = story.sent("front door", Start{}, {"front_door"});
  EXPECT_EQ(story.chain(id).to_mermaid(),
            "sequenceDiagram\n"
            "    participant front_door as front door\n"
            "    participant front_door_ as front_door\n"
            "    front_door->>front_door_:Start\n");
}

TEST(Records, AreDrawnAsTreesWithWhatBecameOfEachDelivery) {
  story::Line line;
  line.sent("dave", Branch{}, {"erin"}, {}, Stage::Dispatched);
  line.sent("dave", Branch{}, {"frank"}, {}, Stage::Failed);
  const std::string text = to_string_tree(*line.records());
  EXPECT_THAT(text, StartsWith("Recorded: 5 events, 5 deliveries\nStart{n=1} [alice -> bob]\n└─ Process"));
  EXPECT_THAT(text, HasSubstr("Branch{} [dave -> erin (waiting)]\n"));
  EXPECT_THAT(text, HasSubstr("Branch{} [dave -> frank (failed)]\n"));
}

TEST(Records, AreCutWhenThereAreTooMany) {
  story::Story story;
  for (int i = 0; i < 100; ++i) story.sent("a", Start{i}, {"b"});
  EXPECT_THAT(to_string_tree(*story.records(), 10), HasSubstr("... and 90 more events\n"));
}

}  // namespace
