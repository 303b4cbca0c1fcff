// Dead letters and the death of who buries them: a brain that is killed before what it did is safe is succeeded by one
// that does it again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "deadletters/store.hpp"

namespace actor::broker {
namespace {

using ::testing::Each;
namespace fs = std::filesystem;

class UnsettledLetters : public ::testing::Test {
 protected:
  UnsettledLetters() {
    char place[] = "/tmp/actor-letters-XXXXXX";
    if (::mkdtemp(place) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = fs::path(place) / "dead-letters";
  }
  ~UnsettledLetters() override {
    std::error_code ignored;
    fs::remove_all(directory_.parent_path(), ignored);
  }

  /// What a brain does: `unsettled` is what its ledger says.
  DeadLetterStore open() const { return DeadLetterStore(directory_, std::uint64_t{64} << 20, unsettled_); }
  void commit(DeadLetterStore& store) {
    unsettled_ = store.unsettled_from();
    store.settle();
  }
  static DeadLetterRecord letter(std::uint64_t number, const std::string& reader = "alerter") {
    DeadLetterRecord made;
    made.event = {7, number};
    made.reader = reader;
    return made;
  }
  static void bury(DeadLetterStore& store, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) store.add(letter(number));
  }
  /// How often each event is there.
  std::map<std::uint64_t, unsigned> times() const {
    std::map<std::uint64_t, unsigned> found;
    for (const DeadLetterRecord& each : read_dead_letters(directory_)) ++found[each.event.counter];
    return found;
  }

  fs::path directory_;
  std::uint64_t unsettled_ = 1;
};

constexpr auto once = [](const auto& entry) { return entry.second == 1; };

TEST_F(UnsettledLetters, AreNotKeptTwiceHoweverManyTheyAre) {
  {
    DeadLetterStore store = open();
    bury(store, 1, 100);
    commit(store);
    bury(store, 101, 5000);
  }  // killed before its next commit
  DeadLetterStore store = open();
  bury(store, 101, 5000);
  commit(store);
  EXPECT_EQ(store.size(), 5000u);
  EXPECT_THAT(times(), Each(::testing::Truly(once)));
}

TEST_F(UnsettledLetters, AreKnownUntilTheyHaveComeAgainAndAreSafe) {
  {
    DeadLetterStore store = open();
    bury(store, 1, 10);
  }
  for (const std::uint64_t already : {5u, 10u}) {
    DeadLetterStore store = open();  // does the first part again, commits, goes on, and is killed as well
    bury(store, already - 4, already);
    commit(store);
  }
  DeadLetterStore store = open();
  EXPECT_EQ(store.size(), 10u);
  EXPECT_EQ(unsettled_, 11u) << "all have come again";
}

TEST_F(UnsettledLetters, KeepTheirIdsAndBelongToOneReader) {
  std::uint64_t id = 0;
  {
    DeadLetterStore store = open();
    id = store.add(letter(1));
  }
  DeadLetterStore store = open();
  EXPECT_EQ(store.add(letter(1)), id);
  EXPECT_NE(store.add(letter(1, "recorder")), id) << "another reader's copy is another letter";
  EXPECT_EQ(store.size(), 2u);
}

TEST_F(UnsettledLetters, OnesThatAreSettledAreKeptAgain) {
  DeadLetterStore store = open();
  const std::uint64_t id = store.add(letter(1));
  commit(store);
  EXPECT_NE(store.add(letter(1)), id);
}

TEST_F(UnsettledLetters, DoNotIncludeThoseOfEarlierBrokers) {
  EXPECT_EQ(next_dead_letter(directory_), 1u);
  {
    DeadLetterStore store = open();
    bury(store, 1, 20);
    EXPECT_EQ(next_dead_letter(directory_), 21u);
    store.remove(std::vector<std::uint64_t>{20});
    EXPECT_EQ(next_dead_letter(directory_), 21u) << "no id is used twice";
  }
  std::ofstream(directory_ / "00000002.letters");  // somebody was killed over it
  EXPECT_EQ(next_dead_letter(directory_), 21u);
  unsettled_ = next_dead_letter(directory_);
  EXPECT_EQ(open().unsettled_from(), 21u);
}

}  // namespace
}  // namespace actor::broker
