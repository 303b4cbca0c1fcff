#include <gmock/gmock.h>

#include <actor/testing/recording.hpp>
#include <thread>

using namespace std::chrono_literals;
using actor::ActorId;
using actor::EventId;
using actor::testing::EventEntry;
using actor::testing::Recording;
using actor::testing::Stage;
using testing::ElementsAre;
using testing::HasSubstr;

namespace rec {
struct Note {
  std::string text;
};
struct Other {
  int n = 0;
};
struct alignas(64) Wide {
  double numbers[8] = {};
};
using Notes = std::variant<Note, Other>;
}  // namespace rec

namespace {

template <class T>
actor::Observation seen(const T& event, std::uint64_t number, const char* receiver, std::uint32_t attempt = 1) {
  actor::Observation observation;
  observation.type = &actor::event_type<T>();
  observation.event = &event;
  observation.meta.id = {1, number};
  observation.meta.sender = ActorId("sender");
  observation.meta.attempt = attempt;
  observation.topic = observation.type->label;
  observation.receiver = ActorId(receiver);
  return observation;
}

std::vector<Stage> stages(const Recording& recording) {
  std::vector<Stage> stages;
  const auto records = recording.snapshot();
  for (const EventEntry& entry : records->entries) stages.push_back(entry.stage());
  return stages;
}

TEST(Recording, OneEntryPerDeliveryGoesThroughItsStages) {
  Recording recording;
  const rec::Note note{"hello"};
  recording.on_event_dispatched(seen(note, 1, "a"));
  recording.on_event_dispatched(seen(note, 1, "b"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Dispatched, Stage::Dispatched));
  recording.on_event_delivered(seen(note, 1, "a"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Delivered, Stage::Dispatched));
  recording.on_event_handled(seen(note, 1, "a"));
  recording.on_event_delivered(seen(note, 1, "b"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled, Stage::Delivered));
}

TEST(Recording, ReceiversShareOneCopyOfTheEvent) {
  Recording recording;
  {
    const rec::Note note{"a text that is too long to be kept inside a string"};
    recording.on_event_dispatched(seen(note, 1, "a"));
    recording.on_event_dispatched(seen(note, 1, "b"));
  }
  const auto records = recording.snapshot();
  EXPECT_EQ(records->entries[0].event(), records->entries[1].event());
  EXPECT_EQ(records->entries[1].get<rec::Note>().text, "a text that is too long to be kept inside a string");
}

TEST(Recording, CopiesKeepTheAlignmentOfTheirType) {
  Recording recording;
  const rec::Wide wide;
  recording.on_event_dispatched(seen(wide, 1, "a"));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(recording.snapshot()->entries[0].event().get()) % 64, 0u);
}

TEST(Recording, ADeliveryMayBeSeenBeforeItsDispatch) {  // they come from two threads
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.on_event_handled(seen(note, 1, "a"));
  recording.on_event_dispatched(seen(note, 1, "a"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled));
  recording.on_event_dispatched(seen(note, 1, "a"));  // but this one is a duplicate
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled, Stage::Dispatched));
}

TEST(Recording, ADuplicateIsADeliveryOfItsOwn) {
  Recording recording;
  const rec::Note note{"x"};
  for (int i = 0; i < 2; ++i) recording.on_event_dispatched(seen(note, 1, "a"));
  for (int i = 0; i < 2; ++i) {
    recording.on_event_delivered(seen(note, 1, "a"));
    recording.on_event_handled(seen(note, 1, "a"));
  }
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled, Stage::Handled));
}

TEST(Recording, AHandlerThatThrowsFailsTheEventInItsHand) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_dispatched(seen(note, 1, "a"));
  recording.on_event_dispatched(seen(note, 2, "a"));
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.on_error(ActorId("a"), actor::Error(actor::ErrorCode::External, "no paper"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Failed, Stage::Dispatched));
  EXPECT_THAT(recording.snapshot()->actors.at(ActorId("a")).last_error, HasSubstr("no paper"));
}

TEST(Recording, AnExceptionThatIsSwallowedLeavesTheEventHandled) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.on_error(ActorId("a"), actor::Error(actor::ErrorCode::External, "no paper"));
  recording.on_event_handled(seen(note, 1, "a"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled));
}

TEST(Recording, ARedeliveryGoesOnWithTheEntryThatFailed) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_dispatched(seen(note, 1, "a"));
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.on_actor_restart(ActorId("a"), actor::Error(actor::ErrorCode::External, "crashed"), 1ms);
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Failed));
  recording.on_event_delivered(seen(note, 1, "a", 2));
  recording.on_event_handled(seen(note, 1, "a", 2));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled));
  EXPECT_EQ(recording.snapshot()->entries[0].meta().attempt, 2u);
  EXPECT_EQ(recording.snapshot()->actors.at(ActorId("a")).restarts, 1u);
}

TEST(Recording, AnErrorOutsideAHandlerFailsNoEvent) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.on_event_handled(seen(note, 1, "a"));
  recording.on_error(ActorId("a"), actor::Error(actor::ErrorCode::External, "a step failed"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Handled));
}

TEST(Recording, AFrozenRecordingKeepsItsEventsAndStillKnowsItsActors) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_actor_registered(ActorId("a"));
  recording.on_event_dispatched(seen(note, 1, "a"));
  recording.freeze();
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.on_event_dispatched(seen(note, 2, "a"));
  recording.on_actor_stop(ActorId("a"));
  EXPECT_THAT(stages(recording), ElementsAre(Stage::Dispatched));
  EXPECT_TRUE(recording.snapshot()->actors.at(ActorId("a")).stopped);
  recording.record();
  EXPECT_TRUE(recording.snapshot()->entries.empty());
  recording.on_event_dispatched(seen(note, 3, "a"));
  EXPECT_EQ(recording.snapshot()->entries.size(), 1u);
}

TEST(Recording, WhatWasDeliveredBeforeItBeganIsNotHandledInIt) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_delivered(seen(note, 1, "a"));
  recording.clear();
  recording.on_event_handled(seen(note, 1, "a"));
  EXPECT_TRUE(recording.snapshot()->entries.empty());
}

TEST(Recording, AnEventOfUnknownTypeHasNoContents) {
  Recording recording;
  actor::Observation observation;
  observation.meta.id = {1, 1};
  observation.topic = "elsewhere";
  observation.receiver = ActorId("a");
  recording.on_event_dispatched(observation);
  const auto records = recording.snapshot();
  EXPECT_EQ(records->entries[0].label(), "?");
  EXPECT_EQ(records->entries[0].get_if<rec::Note>(), nullptr);
  EXPECT_EQ(records->entries[0].text(), "?");
}

TEST(Recording, OverflowsAreKeptApart) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_overflow(seen(note, 1, "a"), actor::OverflowPolicy::drop());
  const auto records = recording.snapshot();
  EXPECT_TRUE(records->entries.empty());
  ASSERT_EQ(records->overflows.size(), 1u);
  EXPECT_EQ(records->overflows[0].policy, actor::OverflowPolicy::drop());
}

TEST(Recording, QuietIsWhenNothingWaitsAndNothingIsInHand) {
  Recording recording;
  const rec::Note note{"x"};
  EXPECT_TRUE(recording.wait_for_quiet(1us, 1s, 1us));
  recording.on_event_dispatched(seen(note, 1, "a"));
  EXPECT_FALSE(recording.wait_for_quiet(1us, 1s, 1us));
  recording.on_event_delivered(seen(note, 1, "a"));
  EXPECT_FALSE(recording.wait_for_quiet(1us, 1s, 1us));
  recording.on_event_handled(seen(note, 1, "a"));
  EXPECT_TRUE(recording.wait_for_quiet(1us, 1s, 1us));
}

TEST(Recording, WhatWaitsAtAStoppedActorIsWaitedForNoLonger) {
  Recording recording;
  const rec::Note note{"x"};
  recording.on_event_dispatched(seen(note, 1, "a"));
  recording.on_actor_stop(ActorId("a"));
  EXPECT_TRUE(recording.wait_for_quiet(1us, 1s, 1us));
}

TEST(Recording, WaitingForQuietGivesUpOnActorsThatNeverRest) {
  Recording recording;
  std::atomic<bool> done = false;
  std::thread chatterbox([&] {
    const rec::Note note{"x"};
    for (std::uint64_t n = 1; !done; ++n) {
      recording.on_event_dispatched(seen(note, n, "a"));
      recording.on_event_delivered(seen(note, n, "a"));
    }
  });
  EXPECT_FALSE(recording.wait_for_quiet(1h, 5ms, 1h));
  done = true;
  chatterbox.join();
}

TEST(Recording, AChangeWakesWhoWaitsForOne) {
  Recording recording;
  const std::uint64_t revision = recording.revision();
  EXPECT_FALSE(recording.wait_for_change(revision, std::chrono::steady_clock::now()));
  std::thread other([&] { recording.on_actor_registered(ActorId("a")); });
  EXPECT_TRUE(recording.wait_for_change(revision, std::chrono::steady_clock::time_point::max()));
  other.join();
}

TEST(Recording, ManyThreadsMayFeedIt) {
  Recording recording;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&recording, t] {
      const std::string name = "actor" + std::to_string(t);
      for (std::uint64_t n = 0; n < 200; ++n) {
        const rec::Other other{static_cast<int>(n)};
        recording.on_event_dispatched(seen(other, t * 1000 + n, name.c_str()));
        recording.on_event_delivered(seen(other, t * 1000 + n, name.c_str()));
        recording.on_event_handled(seen(other, t * 1000 + n, name.c_str()));
        if (n % 50 == 0) {
          EXPECT_LE(recording.snapshot()->entries.size(), 800u);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(recording.snapshot()->entries.size(), 800u);
  EXPECT_THAT(stages(recording), testing::Each(Stage::Handled));
}

TEST(EventEntry, GivesItsEventByTypeOrAsTheVariant) {
  const auto entry = EventEntry::of(rec::Other{3}, {}, "topic", "a");
  EXPECT_EQ(entry.get<rec::Other>().n, 3);
  EXPECT_EQ(entry.get_if<rec::Note>(), nullptr);
  EXPECT_EQ(std::get<rec::Other>(entry.payload<rec::Notes>()).n, 3);
  EXPECT_EQ(entry.label(), "Other");
  EXPECT_EQ(entry.text(), "Other{n=3}");
  try {
    entry.get<rec::Note>();
    FAIL() << "an Other is no Note";
  } catch (const actor::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("it is a Other, not a Note"));
  }
  EXPECT_THROW((void)entry.payload<std::variant<rec::Note>>(), actor::Error);
}

TEST(EventEntry, PrintsAsASentence) {
  actor::Meta meta;
  meta.sender = ActorId("alice");
  EXPECT_EQ(testing::PrintToString(EventEntry::of(rec::Other{3}, meta, actor::of<rec::Other>, "bob")),
            "Other{n=3} [alice -> bob] on Other, handled");
}

}  // namespace
