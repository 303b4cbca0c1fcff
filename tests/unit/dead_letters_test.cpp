#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <actor/event.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "deadletters/store.hpp"

namespace dead_letters_events {
struct Temperature {
  std::string sensor;
  double celsius = 0;
};
}  // namespace dead_letters_events

namespace actor::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

constexpr std::uint64_t mib = std::uint64_t{1} << 20;

class DeadLetters : public ::testing::Test {
 protected:
  DeadLetters() {
    char place[] = "/tmp/actor-letters-XXXXXX";
    if (::mkdtemp(place) == nullptr) throw std::runtime_error("mkdtemp");
    directory_ = fs::path(place) / "dead-letters";
  }
  ~DeadLetters() override {
    std::error_code ignored;
    fs::remove_all(directory_.parent_path(), ignored);
  }

  DeadLetterStore open(std::uint64_t limit = 64 * mib) const { return DeadLetterStore(directory_, limit); }
  std::vector<fs::path> files() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      if (entry.path().extension() == ".letters") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  fs::path directory_;
};

DeadLetterRecord letter(std::uint64_t number, std::size_t payload_bytes = 8) {
  DeadLetterRecord made;
  made.event = {7, number};
  made.sender = "cpu";
  made.reader = "alerter";
  made.topic = "StationTopic.Reading";
  made.type = "station::Reading";
  made.schema = "{value:u64}";
  made.reason = "poison";
  made.attempts = 3;
  made.payload.assign(payload_bytes, static_cast<std::uint8_t>(number));
  return made;
}

std::vector<std::uint64_t> numbers(const std::vector<DeadLetterRecord>& letters) {
  std::vector<std::uint64_t> found;
  for (const DeadLetterRecord& each : letters) found.push_back(each.event.counter);
  return found;
}

std::vector<DeadLetterRecord> all(const DeadLetterStore& store) {
  std::vector<DeadLetterRecord> letters;
  store.visit_after(0, [&](DeadLetterRecord each) {
    letters.push_back(std::move(each));
    return true;
  });
  return letters;
}

TEST_F(DeadLetters, AreReadBackAsTheyWere) {
  DeadLetterRecord sent = letter(12, 1000);
  sent.parent = {9, 4};
  sent.sent_at_ns = 5;
  sent.given_up_at_ns = 6;
  {
    DeadLetterStore store = open();
    sent.id = store.add(sent);
    EXPECT_EQ(store.read(sent.id), sent);
  }
  const DeadLetterStore store = open();
  EXPECT_EQ(store.read(sent.id), sent);
  EXPECT_EQ(store.read(sent.id + 1), std::nullopt);
  EXPECT_THAT(read_dead_letters(directory_), ElementsAre(sent));
}

TEST_F(DeadLetters, KeepTheirDirectoryToThemselves) {
  const DeadLetterStore store = open();
  struct stat info {};
  ASSERT_EQ(::stat(directory_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
  try {
    open();
    FAIL() << "two brokers must not share a store";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("in use by another broker"));
  }
}

TEST_F(DeadLetters, PrintTheirEventWithoutItsProgram) {
  const dead_letters_events::Temperature event{"attic", 21.5};
  const EventType& type = event_type<dead_letters_events::Temperature>();
  DeadLetterRecord made = letter(1);
  made.schema = type.schema;
  made.payload.resize(type.encoded_size(&event));
  type.encode(&event, std::as_writable_bytes(std::span(made.payload)));
  EXPECT_EQ(payload_json(made), R"({"sensor":"attic","celsius":21.5})");
  made.payload.pop_back();
  EXPECT_EQ(payload_json(made), "") << "no JSON rather than a wrong one";
}

TEST_F(DeadLetters, AreRemovedForGoodAndTheirNumbersNeverComeBack) {
  {
    DeadLetterStore store = open();
    for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(store.add(letter(i)), i);
    EXPECT_EQ(store.remove(std::array<std::uint64_t, 3>{2, 5, 77}), 2u);
    EXPECT_EQ(store.remove(std::array<std::uint64_t, 1>{2}), 0u);
  }
  DeadLetterStore store = open();
  EXPECT_THAT(numbers(all(store)), ElementsAre(1, 3, 4));
  EXPECT_EQ(store.add(letter(6)), 6u);
  EXPECT_THAT(numbers(read_dead_letters(directory_)), ElementsAre(1, 3, 4, 6));
}

TEST_F(DeadLetters, RememberFurtherAttempts) {
  {
    DeadLetterStore store = open();
    for (std::uint64_t i = 1; i <= 3; ++i) store.add(letter(i));
    store.set_attempts(2, 7);
    store.set_attempts(77, 7);
    store.set_attempts(3, 8);
    store.remove(std::array<std::uint64_t, 1>{3});
    EXPECT_EQ(store.read(2)->attempts, 7u);
  }
  const DeadLetterStore store = open();
  EXPECT_EQ(store.read(1)->attempts, letter(1).attempts);
  EXPECT_EQ(store.read(2)->attempts, 7u);
  const auto read = read_dead_letters(directory_);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].attempts, 7u);
}

TEST_F(DeadLetters, TheOldestMakeRoomAndAreCounted) {
  constexpr std::uint64_t limit = mib;
  std::uint64_t added = 0;
  std::uint64_t given_up = 0;
  {
    DeadLetterStore store = open(limit);
    for (; added < 5000; ++added) {
      store.add(letter(added, 1000));
      ASSERT_LE(store.bytes(), limit);
    }
    EXPECT_GT(store.size(), 700u) << "most of the room is used";
    given_up = store.given_up();
    EXPECT_EQ(store.size() + given_up, added);
  }
  const DeadLetterStore store = open(limit);
  EXPECT_EQ(store.given_up(), given_up);
  const auto left = numbers(all(store));
  EXPECT_EQ(left.front(), given_up) << "the oldest went first";
  EXPECT_EQ(left.back(), added - 1);
}

TEST_F(DeadLetters, OneLargerThanTheStoreIsGivenUpAtOnce) {
  DeadLetterStore store = open(mib);
  store.add(letter(1));
  EXPECT_EQ(store.add(letter(2, mib)), 0u);
  EXPECT_EQ(store.given_up(), 1u);
  EXPECT_THAT(numbers(all(store)), ElementsAre(1));
}

TEST_F(DeadLetters, FilesWithoutALetterAreRemovedAndWhatTheySaidIsNot) {
  {
    DeadLetterStore store = open(mib);
    std::vector<std::uint64_t> ids;
    for (std::uint64_t i = 0; i < 600; ++i) ids.push_back(store.add(letter(i, 1000)));
    ASSERT_GT(files().size(), 3u);
    const std::uint64_t kept = ids[ids.size() / 2];
    std::erase(ids, kept);
    store.remove(ids);
    EXPECT_THAT(all(store), ::testing::SizeIs(1));
  }
  const DeadLetterStore store = open(mib);
  EXPECT_THAT(numbers(all(store)), ElementsAre(300));
}

/// kill -9 at each byte of a write: what was there before it is there after it, and the next letter too.
TEST_F(DeadLetters, ATornTailIsCutWhereverItTears) {
  std::uintmax_t before = 0;
  std::uintmax_t after = 0;
  {
    DeadLetterStore store = open();
    store.add(letter(1));
    before = fs::file_size(files().front());
    store.add(letter(2));
    after = fs::file_size(files().front());
  }
  std::string whole(after, '\0');
  std::ifstream(files().front(), std::ios::binary).read(whole.data(), static_cast<std::streamsize>(after));
  for (std::uintmax_t cut = before; cut < after; ++cut) {
    std::ofstream(files().front(), std::ios::binary | std::ios::trunc)
        .write(whole.data(), static_cast<std::streamsize>(cut));
    EXPECT_THAT(numbers(read_dead_letters(directory_)), ElementsAre(1));
    DeadLetterStore store = open();
    EXPECT_THAT(numbers(all(store)), ElementsAre(1));
    store.add(letter(3));
    EXPECT_THAT(numbers(read_dead_letters(directory_)), ElementsAre(1, 3));
  }
}

TEST_F(DeadLetters, GarbageInTheirFilesHidesNothingThatCameBefore) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  {
    DeadLetterStore store = open();
    for (std::uint64_t i = 0; i < 50; ++i) store.add(letter(i, i * 10));
  }
  const auto size = fs::file_size(files().front());
  std::string whole(size, '\0');
  std::ifstream(files().front(), std::ios::binary).read(whole.data(), static_cast<std::streamsize>(size));
  for (int i = 0; i < 200; ++i) {
    std::string damaged = whole;
    const std::size_t at = random() % size;
    damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1 + random() % 255));
    std::ofstream(files().front(), std::ios::binary | std::ios::trunc)
        .write(damaged.data(), static_cast<std::streamsize>(size));
    const auto read = read_dead_letters(directory_);
    for (std::size_t n = 0; n < read.size(); ++n) EXPECT_EQ(read[n].event.counter, n);
    EXPECT_LT(read.size(), 50u);
    const DeadLetterStore store = open();
    EXPECT_EQ(all(store).size(), read.size());
  }
}

TEST_F(DeadLetters, AreReadWhileTheyAreWritten) {
  std::atomic<bool> done = false;
  DeadLetterStore store = open(mib);
  std::thread reader([&] {
    while (!done) {
      const auto read = numbers(read_dead_letters(directory_));
      for (std::size_t i = 1; i < read.size(); ++i) ASSERT_EQ(read[i], read[i - 1] + 1);
    }
  });
  for (std::uint64_t i = 1; i <= 3000; ++i) store.add(letter(i, 500));
  done = true;
  reader.join();
}

TEST_F(DeadLetters, SayWhyTheyCannotBeKept) {
  fs::create_directories(directory_.parent_path());
  std::ofstream(directory_.string()) << "a file where the directory should be";
  try {
    open();
    FAIL() << "there is no directory";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("store of dead letters"));
    EXPECT_NE(error.sys_errno(), 0);
  }
}

}  // namespace
}  // namespace actor::broker
