// The routing tables: who agrees on topics and types, and which routes follow.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <routing/table.hpp>
#include <routing/topics.hpp>
#include <routing/types.hpp>
#include <shm/layout.hpp>

namespace actor::broker {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

control::TopicDecl topic(const std::string& name, PolicyKind policy, std::int64_t deadline_ns = 0) {
  return {name, static_cast<std::uint8_t>(policy), deadline_ns};
}
TopicFilter every() {
  return {.all = true, .names = {}};
}
TopicFilter only(std::vector<std::string> names) {
  return {.all = false, .names = std::move(names)};
}

const Program cpu{"cpu", "/bin/cpu"};
const Program log_actor{"log", "/bin/log"};

TEST(TopicFilter, AStarLeavesOutTheBrokersOwnTopics) {
  EXPECT_TRUE(every().contains("T.A"));
  EXPECT_FALSE(every().contains("$sys/actor"));
  EXPECT_TRUE(only({"$sys/actor"}).contains("$sys/actor"));
  EXPECT_FALSE(only({"T.A"}).contains("T.B"));
}

TEST(TopicTable, OneProgramThatLatchesATopicIsEnoughUnlessTheManifestSaysNo) {
  TopicTable topics;
  topics.configure("T.No", std::nullopt, 8, false);
  topics.configure("T.Yes", std::nullopt, 8, true);
  auto no = topic("T.No", PolicyKind::Drop);
  auto open = topic("T.Open", PolicyKind::Drop);
  const control::TopicDecl plain[] = {topic("T.Yes", PolicyKind::Drop), open};
  EXPECT_EQ(topics.declare(cpu, plain), std::nullopt);
  EXPECT_FALSE(topics.find("T.Open")->latched);
  no.latched = open.latched = true;
  const control::TopicDecl latching[] = {no, open};
  EXPECT_EQ(topics.declare(log_actor, latching), std::nullopt);
  EXPECT_FALSE(topics.find("T.No")->latched);
  EXPECT_TRUE(topics.find("T.Yes")->latched);
  EXPECT_TRUE(topics.find("T.Open")->latched);
}

TEST(TopicTable, ProgramsThatDifferOnAPolicyAreRefusedWithBothSidesNamed) {
  TopicTable topics;
  const control::TopicDecl block[] = {topic("T.A", PolicyKind::Block)};
  const control::TopicDecl drop[] = {topic("T.B", PolicyKind::Drop), topic("T.A", PolicyKind::Drop)};
  EXPECT_EQ(topics.declare(cpu, block), std::nullopt);
  const auto text = topics.declare(log_actor, drop);
  ASSERT_TRUE(text);
  EXPECT_THAT(*text, AllOf(HasSubstr("T.A"), HasSubstr("'log' (/bin/log)"), HasSubstr("'cpu' (/bin/cpu)")));
  EXPECT_EQ(topics.find("T.B"), nullptr) << "a refused program leaves no trace";
}

TEST(TopicTable, DeadlinesAreComparedToo) {
  TopicTable topics;
  const control::TopicDecl patient[] = {topic("T.A", PolicyKind::Block)};
  const control::TopicDecl hasty[] = {topic("T.A", PolicyKind::Block, 5)};
  EXPECT_EQ(topics.declare(cpu, patient), std::nullopt);
  EXPECT_TRUE(topics.declare(log_actor, hasty));
}

TEST(TopicTable, TheManifestWinsOverWhatProgramsSay) {
  TopicTable topics;
  topics.configure("T.A", OverflowPolicy::drop_oldest(), 64);
  const control::TopicDecl block[] = {topic("T.A", PolicyKind::Block, 7)};
  const control::TopicDecl drop[] = {topic("T.A", PolicyKind::Drop)};
  EXPECT_EQ(topics.declare(cpu, block), std::nullopt);
  EXPECT_EQ(topics.declare(log_actor, drop), std::nullopt);
  EXPECT_EQ(topics.find("T.A")->policy, PolicyKind::DropOldest);
  EXPECT_EQ(topics.find("T.A")->deadline_ns, 0);
  EXPECT_EQ(topics.find("T.A")->capacity, 64u);
}

TEST(TopicTable, ADeadProgramNoLongerCounts) {
  TopicTable topics;
  const control::TopicDecl block[] = {topic("T.A", PolicyKind::Block)};
  const control::TopicDecl drop[] = {topic("T.A", PolicyKind::Drop)};
  EXPECT_EQ(topics.declare(cpu, block), std::nullopt);
  const TopicId id = topics.find("T.A")->id;
  topics.release("cpu");
  EXPECT_EQ(topics.declare(log_actor, drop), std::nullopt);
  EXPECT_EQ(topics.find("T.A")->id, id);
  EXPECT_EQ(topics.find("T.A")->policy, PolicyKind::Drop);
}

TEST(TopicTable, APolicyThatDoesNotExistIsRefused) {
  TopicTable topics;
  const control::TopicDecl wrong[] = {{"T.A", 17, 0}};
  EXPECT_THAT(topics.declare(cpu, wrong).value_or(""), HasSubstr("17"));
}

TEST(TypeRegistry, TheSameSchemaHasTheSameNumberEverywhere) {
  TypeRegistry types;
  const control::TypeDecl a{"A", 11, "{x: double}"}, b{"B", 12, "{}"};
  std::vector<control::TypeInfo> first, second;
  EXPECT_EQ(types.declare(cpu, std::vector{a, b}, first), std::nullopt);
  EXPECT_EQ(types.declare(log_actor, std::vector{b, a}, second), std::nullopt);
  EXPECT_EQ(first[0].id, second[1].id);
  EXPECT_EQ(first[1].id, second[0].id);
  EXPECT_NE(first[0].id, 0);
  EXPECT_EQ(types.name_of(first[0].id), "A");
  EXPECT_EQ(types.name_of(999), "?");
}

TEST(TypeRegistry, ADifferentSchemaIsRefusedWithBothSchemasWhileTheOtherSideLives) {
  TypeRegistry types;
  const control::TypeDecl old_one{"A", 11, "{x: double}"}, new_one{"A", 12, "{x: float}"};
  std::vector<control::TypeInfo> numbers;
  EXPECT_EQ(types.declare(cpu, std::vector{old_one}, numbers), std::nullopt);
  const auto text = types.declare(log_actor, std::vector{new_one}, numbers).value_or("");
  EXPECT_THAT(text,
              AllOf(HasSubstr("{x: double}"), HasSubstr("{x: float}"), HasSubstr("/bin/cpu"), HasSubstr("/bin/log")));
  types.release("cpu");
  EXPECT_EQ(types.declare(log_actor, std::vector{new_one}, numbers), std::nullopt);
}

TEST(TypeRegistry, AnActorsOwnPredecessorDoesNotStandInItsWay) {
  TypeRegistry types;
  std::vector<control::TypeInfo> numbers;
  EXPECT_EQ(types.declare(cpu, std::vector<control::TypeDecl>{{"A", 11, "{x: double}"}}, numbers), std::nullopt);
  EXPECT_EQ(types.declare(cpu, std::vector<control::TypeDecl>{{"A", 12, "{x: float}"}}, numbers), std::nullopt);
}

TEST(TypeRegistry, AHashThatTwoTypesShareIsRefused) {
  TypeRegistry types;
  std::vector<control::TypeInfo> numbers;
  EXPECT_EQ(types.declare(cpu, std::vector<control::TypeDecl>{{"A", 11, "{x: double}"}}, numbers), std::nullopt);
  EXPECT_TRUE(types.declare(log_actor, std::vector<control::TypeDecl>{{"B", 11, "{y: double}"}}, numbers));
}

struct RoutingTableTest : testing::Test {
  TopicId make(const std::string& name, PolicyKind policy, std::uint32_t capacity = 256) {
    topics.configure(name, OverflowPolicy{policy, {}}, capacity);
    return topics.find(name)->id;
  }
  TopicTable topics;
  RoutingTable table{topics};
};

TEST_F(RoutingTableTest, RoutesExistOnceThePublisherHasSaidHello) {
  const TopicId a = make("T.A", PolicyKind::Block, 100), b = make("T.B", PolicyKind::Drop, 60);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  const ActorIndex reader = table.add_actor("r", every(), only({"T.A", "T.B"}));
  EXPECT_TRUE(table.routes().empty());
  const RouteChanges changes = table.set_topics(publisher, std::vector{a, b});
  ASSERT_THAT(changes.added, SizeIs(1));
  const Route& route = *table.find(changes.added[0]);
  EXPECT_EQ(route.publisher, publisher);
  EXPECT_EQ(route.reader, reader);
  EXPECT_EQ(route.lane, 0u);
  EXPECT_EQ(route.slots, 256u) << "100 + 60, rounded up";
  EXPECT_FALSE(route.overwriting);
  ASSERT_THAT(route.topics, SizeIs(2));
  EXPECT_EQ(route.topics[1].capacity, 60u);
}

TEST_F(RoutingTableTest, ADropOldestTopicHasALaneOfItsOwn) {
  const TopicId a = make("T.A", PolicyKind::Block), b = make("T.B", PolicyKind::DropOldest, 10);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  table.add_actor("r", every(), every());
  const RouteChanges changes = table.set_topics(publisher, std::vector{a, b});
  ASSERT_THAT(changes.added, SizeIs(2));
  const Route& lane = *table.find(changes.added[1]);
  EXPECT_EQ(lane.lane, b);
  EXPECT_TRUE(lane.overwriting);
  EXPECT_EQ(lane.slots, 16u);
  EXPECT_NE(lane.cursor_index, table.find(changes.added[0])->cursor_index);
}

TEST_F(RoutingTableTest, NobodyHearsItselfAndPermissionsHold) {
  const TopicId a = make("T.A", PolicyKind::Block), b = make("T.B", PolicyKind::Block);
  const ActorIndex one = table.add_actor("one", only({"T.A"}), every());
  const ActorIndex two = table.add_actor("two", only({"T.B"}), only({"T.B"}));
  EXPECT_THAT(table.set_topics(one, std::vector{a, b}).added, IsEmpty()) << "two wants T.B, which one may not publish";
  EXPECT_THAT(table.set_topics(two, std::vector{a, b}).added, SizeIs(1));
  EXPECT_THAT(table.into(two), IsEmpty());
  EXPECT_THAT(table.into(one), SizeIs(1));
  EXPECT_TRUE(table.may_publish(one, "T.A"));
  EXPECT_FALSE(table.may_publish(one, "T.B"));
}

TEST_F(RoutingTableTest, ASuccessorKeepsTheRouteAndMayKnowOtherTopics) {
  const TopicId a = make("T.A", PolicyKind::Block, 16), b = make("T.B", PolicyKind::Block, 16);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  table.add_actor("r", every(), every());
  const RouteId id = table.set_topics(publisher, std::vector{a}).added.at(0);
  const RouteChanges changes = table.set_topics(publisher, std::vector{a, b});
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_THAT(table.find(id)->topics, SizeIs(2));
  EXPECT_EQ(table.find(id)->slots, 32u);
}

TEST_F(RoutingTableTest, AReaderThatComesToWantOtherTopicsGetsAnotherRouteForItsPublishersLiveOn) {
  const TopicId a = make("T.A", PolicyKind::Block), b = make("T.B", PolicyKind::Block);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  const ActorIndex reader = table.add_actor("r", every(), only({"T.A"}));
  const RouteId id = table.set_topics(publisher, std::vector{a, b}).added.at(0);
  EXPECT_THAT(table.set_filters(reader, only({"T.A"}), only({"T.A"})).removed, IsEmpty()) << "it wants what it has";
  for (const auto& wanted : {every(), only({"T.B"})}) {
    const RouteChanges changes = table.set_filters(reader, every(), wanted);
    ASSERT_THAT(changes.removed, SizeIs(1));
    ASSERT_THAT(changes.added, SizeIs(1));
    EXPECT_GT(changes.added[0], id);
    EXPECT_THAT(table.find(changes.added[0])->topics, SizeIs(wanted.all ? 2 : 1));
    EXPECT_THAT(table.into(reader), SizeIs(1));
  }
}

TEST_F(RoutingTableTest, ATopicOpenedLaterGetsALaneThatSuccessorsKeep) {
  const TopicId a = make("T.A", PolicyKind::Block), late = make("Region{id=3}", PolicyKind::Block);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  table.add_actor("r", every(), every());
  table.set_topics(publisher, std::vector{a});
  const RouteChanges changes = table.open_topic(publisher, late);
  ASSERT_THAT(changes.added, SizeIs(1));
  EXPECT_FALSE(table.find(changes.added[0])->overwriting);
  EXPECT_THAT(table.open_topic(publisher, late).added, IsEmpty());
  const RouteChanges again = table.set_topics(publisher, std::vector{a, late});
  EXPECT_THAT(again.added, IsEmpty());
  EXPECT_THAT(again.removed, IsEmpty());
}

TEST_F(RoutingTableTest, AStoppedReaderHasNoRoutesAndItsNumbersAreNotUsedAgain) {
  const TopicId a = make("T.A", PolicyKind::Block);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  const ActorIndex reader = table.add_actor("r", every(), every());
  const RouteId id = table.set_topics(publisher, std::vector{a}).added.at(0);
  const RouteChanges stopped = table.set_reading(reader, false);
  ASSERT_THAT(stopped.removed, SizeIs(1));
  EXPECT_EQ(stopped.removed[0].id, id);
  EXPECT_THAT(table.set_topics(publisher, std::vector{a}).added, IsEmpty());
  const RouteChanges back = table.set_reading(reader, true);
  ASSERT_THAT(back.added, SizeIs(1));
  EXPECT_GT(back.added[0], id);
  EXPECT_EQ(table.find(back.added[0])->cursor_index, 0u) << "the place among the cursors is free again";
}

TEST_F(RoutingTableTest, ARemovedActorTakesItsRoutesAlong) {
  const TopicId a = make("T.A", PolicyKind::Block);
  const ActorIndex one = table.add_actor("one", every(), every());
  const ActorIndex two = table.add_actor("two", every(), every());
  table.set_topics(one, std::vector{a});
  table.set_topics(two, std::vector{a});
  EXPECT_THAT(table.remove_actor(one).removed, SizeIs(2));
  EXPECT_TRUE(table.routes().empty());
  EXPECT_THAT(table.from(two), IsEmpty());
}

TEST_F(RoutingTableTest, EveryQuotaFitsIntoTheRingAtOnceEvenAtTheLimit) {
  std::vector<TopicId> many;
  for (int i = 0; i < 3; ++i) many.push_back(make("T." + std::to_string(i), PolicyKind::Block, shm::max_ring_slots));
  const ActorIndex publisher = table.add_actor("p", every(), {});
  table.add_actor("r", every(), every());
  const Route& route = *table.find(table.set_topics(publisher, many).added.at(0));
  std::uint64_t sum = 0;
  for (const auto& entry : route.topics) sum += entry.capacity;
  EXPECT_LE(sum, route.slots);
  EXPECT_LE(route.slots, shm::max_ring_slots);
}

TEST_F(RoutingTableTest, MoreReadersThanAnActorCanHaveAreRefusedByName) {
  const TopicId a = make("T.A", PolicyKind::Block, 1);
  const ActorIndex publisher = table.add_actor("p", every(), {});
  for (std::uint32_t i = 0; i <= shm::max_routes; ++i) table.add_actor("r" + std::to_string(i), every(), every());
  const RouteChanges changes = table.set_topics(publisher, std::vector{a});
  EXPECT_THAT(changes.added, SizeIs(shm::max_routes));
  EXPECT_THAT(changes.refused, ElementsAre(HasSubstr("'p' to 'r1024'")));
}

}  // namespace
}  // namespace actor::broker
