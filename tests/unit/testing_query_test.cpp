#include <gmock/gmock.h>

#include <unit/testing_story.hpp>

using actor::EventId;
using actor::testing::EventEntry;
using actor::testing::EventMatcher;
using actor::testing::EventQuery;
using actor::testing::Stage;
using story::Branch;
using story::Complete;
using story::names;
using story::Process;
using story::Start;
using testing::ElementsAre;
using testing::Pair;

namespace {

TEST(EventQuery, EndsTellHowManyAndWhich) {
  const story::Fork fork;
  EXPECT_EQ(fork.events().count(), 4u);  // Start counts for bob and for dave
  EXPECT_FALSE(fork.events().is_empty());
  EXPECT_TRUE(fork.events().exists());
  EXPECT_EQ(fork.events().first()->receiver().name(), "bob");
  EXPECT_EQ(fork.events().nth(1)->receiver().name(), "dave");
  EXPECT_EQ(fork.events().last()->label(), "Branch");
  EXPECT_FALSE(fork.events().nth(4).has_value());
  EXPECT_EQ(fork.events().collect().size(), 3u);
  EXPECT_EQ(fork.events().all_deliveries().size(), 4u);
  EXPECT_THAT(names(fork.events().senders()), ElementsAre("alice", "bob"));
  EXPECT_THAT(names(fork.events().receivers()), ElementsAre("bob", "dave", "carol", "alice"));
  EXPECT_EQ(fork.events().sender_count(), 2u);
  EXPECT_EQ(fork.events().receiver_count(), 4u);
  EXPECT_THAT(fork.events().count_by_label(), ElementsAre(Pair("Branch", 1), Pair("Process", 1), Pair("Start", 2)));
}

TEST(EventQuery, OfNothingIsEmpty) {
  const story::Story nothing;
  EXPECT_TRUE(nothing.events().is_empty());
  EXPECT_FALSE(nothing.events().first().has_value());
  EXPECT_FALSE(nothing.events().last().has_value());
  EXPECT_TRUE(nothing.events().senders().empty());
  EXPECT_TRUE(nothing.events().all([](const EventEntry&) { return false; }));
  EXPECT_FALSE(nothing.events().any([](const EventEntry&) { return true; }));
}

TEST(EventQuery, FiltersNarrowOneAfterTheOther) {
  const story::Fork fork;
  EXPECT_EQ(fork.events().sent_by("alice").count(), 2u);
  EXPECT_EQ(fork.events().sent_by(actor::ActorId("bob")).received_by("carol").count(), 1u);
  EXPECT_EQ(fork.events().with_topic(actor::of<Start>).count(), 2u);
  EXPECT_EQ(fork.events().with_topic("Branch").count(), 1u);
  EXPECT_EQ(fork.events().with_id(fork.start).count(), 2u);
  EXPECT_EQ(fork.events().with_label("Process").count(), 1u);
  EXPECT_EQ(fork.events().children_of(fork.start).count(), 2u);
  EXPECT_EQ(fork.events().sent_by("alice").received_by("carol").count(), 0u);
}

TEST(EventQuery, AFilterMakesANewQuery) {
  const story::Fork fork;
  const EventQuery all = fork.events();
  const EventQuery some = all.sent_by("bob");
  EXPECT_EQ(some.count(), 2u);
  EXPECT_EQ(all.count(), 4u);
}

TEST(EventQuery, PredicatesSeeTheEntryTheEventOrTheVariant) {
  const story::Fork fork;
  EXPECT_EQ(fork.events().matching([](const EventEntry& entry) { return entry.sender().name() == "bob"; }).count(), 2u);
  EXPECT_EQ(fork.events().matching_event([](const Process& process) { return process.what == "it"; }).count(), 1u);
  EXPECT_EQ(fork.events().matching_event([](const Process& process) { return process.what.empty(); }).count(), 0u);
  EXPECT_EQ(fork.events()
                .matching_event([](const story::Events& event) { return std::holds_alternative<Start>(event); })
                .count(),
            2u);
  EXPECT_THAT(fork.events().get<Process>(), testing::SizeIs(1));
}

TEST(EventQuery, AfterAndBeforeGoByWhenAnEventWasSent) {
  const story::Line line;
  const EventEntry process = *line.events().with_id(line.process).first();
  EXPECT_THAT(line.events().after(process).collect(), ElementsAre(testing::Property(&EventEntry::label, "Complete")));
  EXPECT_THAT(line.events().before(process).collect(), ElementsAre(testing::Property(&EventEntry::label, "Start")));
}

TEST(EventQuery, EventsOfTheSameInstantGoByTheirOrderAndAnEventIsNotAfterItself) {
  story::Story story;
  std::vector<EventId> ids;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    actor::Meta meta;
    meta.id = {1, n};
    for (const char* receiver : {"a", "b"}) story.recording().add(EventEntry::of(Branch{}, meta, "Branch", receiver));
    ids.push_back(meta.id);
  }
  const EventEntry second = *story.events().with_id(ids[1]).first();
  EXPECT_EQ(story.events().after(second).collect().size(), 1u);
  EXPECT_EQ(story.events().after(second).first()->id(), ids[2]);
  EXPECT_EQ(story.events().before(second).collect().size(), 1u);
  EXPECT_EQ(story.events().before(second).first()->id(), ids[0]);
}

TEST(EventQuery, QuestionsAnswerYesOrNo) {
  const story::Fork fork;
  EXPECT_TRUE(fork.events().has_event("Branch"));
  EXPECT_FALSE(fork.events().has_event("Complete"));
  EXPECT_TRUE(fork.events().has_event(fork.branch));
  EXPECT_TRUE(fork.events().has_sender("alice"));
  EXPECT_FALSE(fork.events().has_sender("carol"));
  EXPECT_TRUE(fork.events().has_receiver("carol"));
  EXPECT_FALSE(fork.events().has_receiver("erin"));
  EXPECT_TRUE(fork.events().has([](const EventEntry& entry) { return entry.get_if<Branch>() != nullptr; }));
  EXPECT_TRUE(fork.events().sent_by("bob").all([](const EventEntry& entry) { return bool(entry.parent()); }));
  EXPECT_FALSE(fork.events().all([](const EventEntry& entry) { return bool(entry.parent()); }));
}

TEST(EventQuery, StagesCanBeAskedFor) {
  story::Story story;
  story.sent("a", Branch{}, {"b"}, {}, Stage::Dispatched);
  story.sent("a", Branch{}, {"b"}, {}, Stage::Failed);
  EXPECT_EQ(story.events().at_stage(Stage::Dispatched).count(), 1u);
  EXPECT_EQ(actor::testing::delivered(story.records()).count(), 1u);
}

TEST(EventQuery, PrintsALineForEachDelivery) {
  const story::Line line;
  EXPECT_EQ(testing::PrintToString(line.events().sent_by("alice")), "Start{n=1} [alice -> bob] on Start, handled");
  EXPECT_EQ(testing::PrintToString(line.events().sent_by("erin")), "no events");
}

TEST(EventMatcher, IsMadeOfALabelAnIdAPredicateOrAType) {
  const story::Line line;
  const EventEntry start = *line.events().first();
  const auto matches = [&](const EventMatcher& matcher) { return matcher.matches(start); };
  EXPECT_TRUE(matches("Start"));
  EXPECT_TRUE(matches(std::string("Start")));
  EXPECT_FALSE(matches("Process"));
  EXPECT_TRUE(matches(line.start));
  EXPECT_FALSE(matches(line.process));
  EXPECT_TRUE(matches(EventMatcher::by_label("Start")));
  EXPECT_TRUE(matches(EventMatcher::by_id(line.start)));
  EXPECT_TRUE(matches(EventMatcher::by_event([](const Start& event) { return event.n == 1; })));
  EXPECT_FALSE(matches(EventMatcher::by_event([](const Process&) { return true; })));
  EXPECT_TRUE(matches(EventMatcher::by_event([](const story::Events& event) { return event.index() == 0; })));
  EXPECT_TRUE(
      matches(EventMatcher::by_entry([](const EventEntry& entry) { return entry.receiver().name() == "bob"; })));
  EXPECT_TRUE(matches(EventMatcher::by_type<Start>()));
  EXPECT_FALSE(matches(EventMatcher::by_type<Complete>()));
}

}  // namespace
