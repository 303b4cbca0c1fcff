// Who waits for whom, on a clock that this test turns.

#include "supervision/stall_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace actor::broker {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Doing = Look::Doing;

SeenActor waiting(const std::string& name, const std::string& reader, const std::string& topic,
                  std::uint64_t progress = 1) {
  return {name, {.doing = Doing::WaitsForRoom, .progress = progress, .has_queued = false}, reader, topic, {}};
}

SeenActor busy(const std::string& name, std::uint64_t progress = 1) {
  return {name, {.doing = Doing::Awake, .progress = progress, .has_queued = true}, {}, {}, "is handling Temperature"};
}

TEST(StallWatch, AHungReaderIsNamedWithWhatItDoes) {
  StallWatch watch(5s);
  const std::vector<SeenActor> actors = {waiting("cpu", "alerter", "Topic.Alert"), busy("alerter")};
  EXPECT_THAT(watch.look(actors, 100s), IsEmpty());
  EXPECT_THAT(watch.look(actors, 104s), IsEmpty());
  const auto news = watch.look(actors, 115s);
  ASSERT_THAT(news, SizeIs(1));
  EXPECT_EQ(news[0].text,
            "'cpu' waits for room at 'alerter' on Topic.Alert for 15 s; 'alerter' is handling Temperature "
            "for 15 s");
  EXPECT_THAT(news[0].actors, ElementsAre("cpu", "alerter"));
  EXPECT_FALSE(news[0].circle);
  EXPECT_THAT(watch.look(actors, 200s), IsEmpty()) << "told once";
  EXPECT_THAT(watch.waiting(), SizeIs(1)) << "but it is still so";
  EXPECT_FALSE(watch.may_park());
}

TEST(StallWatch, AChainIsFollowedToTheOneThatDoesNotWait) {
  StallWatch watch(1s);
  const std::vector<SeenActor> actors = {waiting("b", "c", "T.B"), busy("c"), waiting("a", "b", "T.A")};
  watch.look(actors, 0s);
  const auto news = watch.look(actors, 2s);
  ASSERT_THAT(news, SizeIs(1)) << "b's wait is a part of a's";
  EXPECT_EQ(news[0].text,
            "'a' waits for room at 'b' on T.A for 2000 ms; 'b' waits for room at 'c' on T.B for 2000 ms; "
            "'c' is handling Temperature for 2000 ms");
}

TEST(StallWatch, ACircleIsNamedWithEachEdge) {
  StallWatch watch(1s);
  const std::vector<SeenActor> actors = {waiting("a", "b", "T.A"), waiting("b", "a", "T.B"), waiting("z", "a", "T.Z")};
  watch.look(actors, 0s);
  const auto news = watch.look(actors, 2s);
  ASSERT_THAT(news, SizeIs(2));
  EXPECT_TRUE(news[0].circle);
  EXPECT_EQ(news[0].text,
            "a circle, in which nobody can go on: 'a' waits for room at 'b' on T.A for 2000 ms; 'b' waits "
            "for room at 'a' on T.B for 2000 ms");
  EXPECT_EQ(news[1].text, "'z' waits for room at 'a' on T.Z for 2000 ms; 'a' waits for room at 'b' on T.A for 2000 ms")
      << "who leads into a circle is held up by it";
}

TEST(StallWatch, WhoMovesWaitsAnew) {
  StallWatch watch(5s);
  for (std::uint64_t second = 0; second < 100; ++second) {
    const std::vector<SeenActor> actors = {waiting("cpu", "alerter", "T.A", second / 4), busy("alerter")};
    EXPECT_THAT(watch.look(actors, std::chrono::seconds(second)), IsEmpty()) << "slow, but not stuck";
  }
}

TEST(StallWatch, TheSameStallIsToldAgainAfterItHasMoved) {
  StallWatch watch(5s);
  const std::vector<SeenActor> before = {waiting("cpu", "alerter", "T.A", 1), busy("alerter")};
  const std::vector<SeenActor> after = {waiting("cpu", "alerter", "T.A", 2), busy("alerter")};
  watch.look(before, 0s);
  EXPECT_THAT(watch.look(before, 5s), SizeIs(1));
  watch.look(after, 6s);
  EXPECT_THAT(watch.look(after, 11s), SizeIs(1));
}

TEST(StallWatch, AReaderThatIsNotThereIsTheEndOfTheChain) {
  StallWatch watch(5s);
  watch.look({waiting("cpu", "gone", "T.A")}, 0s);
  const auto news = watch.look({waiting("cpu", "gone", "T.A")}, 5s);
  ASSERT_THAT(news, SizeIs(1));
  EXPECT_EQ(news[0].text, "'cpu' waits for room at 'gone' on T.A for 5000 ms");
}

TEST(StallWatch, ZeroTellsNothingButKnowsWhoWaits) {
  StallWatch watch(0s);
  watch.look({waiting("cpu", "alerter", "T.A")}, 0s);
  EXPECT_THAT(watch.look({waiting("cpu", "alerter", "T.A")}, 3600s), IsEmpty());
  EXPECT_THAT(watch.waiting(), SizeIs(1));
  watch.look({busy("cpu")}, 3601s);
  EXPECT_THAT(watch.waiting(), IsEmpty());
  EXPECT_TRUE(watch.may_park());
}

}  // namespace
}  // namespace actor::broker
