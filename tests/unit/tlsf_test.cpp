#include "shm/tlsf.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace {

using actor::shm::Tlsf;

constexpr std::uint64_t KiB = 1024;
constexpr std::uint64_t MiB = 1024 * KiB;

/// What must hold for every allocator: checks each block against all that are live.
class Model {
 public:
  explicit Model(std::uint64_t capacity_bytes) : tlsf_(capacity_bytes) {}

  /// False when the pool had no room.
  bool allocate(std::uint64_t bytes) {
    const auto block = tlsf_.allocate(bytes);
    if (!block) return false;
    EXPECT_GE(block->bytes, std::max<std::uint64_t>(bytes, 1));
    EXPECT_LT(block->bytes, std::max<std::uint64_t>(bytes, 1) + Tlsf::granule_bytes);
    EXPECT_EQ(block->offset % Tlsf::granule_bytes, 0U);
    EXPECT_EQ(block->bytes % Tlsf::granule_bytes, 0U);
    EXPECT_LE(block->offset + block->bytes, tlsf_.capacity_bytes());
    const auto after = by_offset_.lower_bound(block->offset);
    if (after != by_offset_.end()) {
      EXPECT_LE(block->offset + block->bytes, after->second.offset) << "overlaps the next";
    }
    if (after != by_offset_.begin()) {
      const Tlsf::Block& before = std::prev(after)->second;
      EXPECT_LE(before.offset + before.bytes, block->offset) << "overlaps the one before";
    }
    by_offset_.emplace(block->offset, *block);
    live_.push_back(*block);
    live_bytes_ += block->bytes;
    EXPECT_EQ(tlsf_.used_bytes(), live_bytes_);
    return true;
  }

  void free_at(std::size_t index) {
    const Tlsf::Block block = live_[index];
    live_[index] = live_.back();
    live_.pop_back();
    by_offset_.erase(block.offset);
    live_bytes_ -= block.bytes;
    tlsf_.free(block.id);
    EXPECT_EQ(tlsf_.used_bytes(), live_bytes_);
    EXPECT_EQ(tlsf_.empty(), live_.empty());
  }

  void free_all(std::mt19937_64& random) {
    while (!live_.empty()) free_at(random() % live_.size());
  }

  Tlsf& tlsf() { return tlsf_; }
  std::size_t live_count() const { return live_.size(); }

 private:
  Tlsf tlsf_;
  std::map<std::uint64_t, Tlsf::Block> by_offset_;
  std::vector<Tlsf::Block> live_;
  std::uint64_t live_bytes_ = 0;
};

/// A publisher whose events are freed in the order in which they were sent.
class Flow {
 public:
  explicit Flow(std::uint64_t capacity_bytes) : tlsf_(capacity_bytes) {}

  Tlsf::Block send(std::uint64_t bytes, std::size_t in_flight) {
    while (queue_.size() >= in_flight) {
      tlsf_.free(queue_.front().id);
      queue_.pop_front();
    }
    queue_.push_back(tlsf_.allocate(bytes).value());
    highest_end_ = std::max(highest_end_, queue_.back().offset + queue_.back().bytes);
    return queue_.back();
  }

  std::uint64_t highest_end() const { return highest_end_; }

 private:
  Tlsf tlsf_;
  std::deque<Tlsf::Block> queue_;
  std::uint64_t highest_end_ = 0;
};

/// Sizes of every magnitude are equally likely.
std::uint64_t random_size(std::mt19937_64& random, std::uint64_t largest) {
  const auto magnitudes = static_cast<std::uint64_t>(std::bit_width(largest));
  return random() % (std::uint64_t{1} << (random() % magnitudes + 1)) % (largest + 1);
}

/// ACTOR_TEST_SEED repeats a run.
std::uint64_t seed() {
  const char* given = std::getenv("ACTOR_TEST_SEED");
  const std::uint64_t value = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "seed " << value << '\n';
  return value;
}

}  // namespace

TEST(Tlsf, KeepsBlocksApartAndLosesNoByteUnderRandomUse) {
  std::mt19937_64 random(seed());
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t capacity = (random() % 40000 + 1) * Tlsf::granule_bytes;
    const std::uint64_t largest = random() % capacity + 1;
    Model model(capacity);
    for (int step = 0; step < 3000; ++step) {
      // Phases of growth and of decay, so that the pool is seen full, empty and in between.
      const bool grow = random() % 8 < ((step / 500) % 2 == 0 ? 5U : 3U);
      if (grow || model.live_count() == 0) {
        const std::uint64_t promised = model.tlsf().largest_free_block();
        const std::uint64_t wanted = random_size(random, largest);
        ASSERT_TRUE(model.allocate(wanted) || wanted > promised || promised == 0)
            << wanted << " bytes, promised " << promised;
      } else {
        model.free_at(random() % model.live_count());
      }
      ASSERT_FALSE(::testing::Test::HasFailure());
    }
    // Whatever is not in use can be had: by single granules, to the last one.
    while (model.allocate(1)) ASSERT_FALSE(::testing::Test::HasFailure());
    ASSERT_EQ(model.tlsf().used_bytes(), capacity);
    ASSERT_EQ(model.tlsf().largest_free_block(), 0U);
    model.free_all(random);
    ASSERT_TRUE(model.allocate(capacity)) << "the free blocks were not joined to one";
    ASSERT_FALSE(::testing::Test::HasFailure());
  }
}

TEST(Tlsf, KeepsItsPromiseAboutTheLargestFreeBlock) {
  std::mt19937_64 random(seed());
  Model model(4 * MiB);
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 || model.live_count() == 0) {
      model.allocate(random_size(random, 256 * KiB));
    } else {
      model.free_at(random() % model.live_count());
    }
    const std::uint64_t promised = model.tlsf().largest_free_block();
    if (random() % 16 != 0 || promised == 0) continue;
    ASSERT_TRUE(model.allocate(promised)) << promised;
    model.free_at(model.live_count() - 1);
  }
}

TEST(Tlsf, GivesTheWholeRangeWhateverItsSize) {
  for (const std::uint64_t granules : {1U, 31U, 32U, 33U, 63U, 64U, 65U, 101U, 4095U, 65536U, 65537U, 1000003U}) {
    Tlsf tlsf(granules * Tlsf::granule_bytes);
    EXPECT_EQ(tlsf.largest_free_block(), tlsf.capacity_bytes());
    const auto whole = tlsf.allocate(tlsf.capacity_bytes());
    ASSERT_TRUE(whole) << granules;
    EXPECT_EQ(whole->offset, 0U);
    EXPECT_EQ(whole->bytes, tlsf.capacity_bytes());
    EXPECT_FALSE(tlsf.allocate(1));
    tlsf.free(whole->id);
    EXPECT_TRUE(tlsf.empty());
  }
}

TEST(Tlsf, ManagesTheLargestCapacity) {
  Tlsf tlsf(Tlsf::max_capacity_bytes);
  const auto small = tlsf.allocate(1);
  const auto rest = tlsf.allocate(Tlsf::max_capacity_bytes - Tlsf::granule_bytes);
  ASSERT_TRUE(small && rest);
  EXPECT_FALSE(tlsf.allocate(1));
  tlsf.free(rest->id);
  tlsf.free(small->id);
  EXPECT_TRUE(tlsf.allocate(Tlsf::max_capacity_bytes));
}

TEST(Tlsf, RefusesWhatCannotFitWithoutOverflowing) {
  Tlsf tlsf(MiB);
  EXPECT_FALSE(tlsf.allocate(MiB + 1));
  EXPECT_FALSE(tlsf.allocate(UINT64_MAX));
  EXPECT_TRUE(tlsf.allocate(MiB - 1));
}

TEST(Tlsf, RecoversFromExhaustionOneBlockAtATime) {
  Tlsf tlsf(16 * MiB);
  std::deque<Tlsf::Block> blocks;
  while (const auto block = tlsf.allocate(MiB)) blocks.push_back(*block);
  ASSERT_EQ(blocks.size(), 16U);
  for (int i = 0; i < 100; ++i) {
    tlsf.free(blocks.front().id);
    blocks.pop_front();
    const auto block = tlsf.allocate(MiB);
    ASSERT_TRUE(block);
    blocks.push_back(*block);
    ASSERT_FALSE(tlsf.allocate(1));
  }
}

TEST(Tlsf, JoinsABlockWithBothFreeNeighbours) {
  for (const std::array<std::size_t, 3> order :
       {std::array<std::size_t, 3>{0, 1, 2}, {2, 1, 0}, {0, 2, 1}, {1, 0, 2}}) {
    Tlsf tlsf(3 * KiB);
    std::vector<Tlsf::Block> blocks;
    for (int i = 0; i < 3; ++i) blocks.push_back(*tlsf.allocate(KiB));
    for (const std::size_t i : order) tlsf.free(blocks[i].id);
    EXPECT_TRUE(tlsf.allocate(3 * KiB));
  }
}

// The awkward sizes fall between two classes: plain TLSF would not find the block again.
TEST(Tlsf, HandsOutTheBlockFreedLastFirst) {
  for (const std::uint64_t bytes : {100 * KiB, 100 * KiB + 64, MiB, MiB + 64, MiB + 31 * KiB}) {
    Tlsf tlsf(16 * MiB);
    std::vector<Tlsf::Block> blocks;
    for (int i = 0; i < 3; ++i) {
      blocks.push_back(*tlsf.allocate(bytes));
      ASSERT_TRUE(tlsf.allocate(64));  // stays between them
    }
    for (const std::size_t i : {1U, 2U, 0U}) tlsf.free(blocks[i].id);
    for (const std::size_t i : {0U, 2U, 1U}) EXPECT_EQ(tlsf.allocate(bytes)->offset, blocks[i].offset) << bytes;
  }
}

// 64 and 65 granules share a class.
TEST(Tlsf, FindsTheOnlyBlockThatFitsBehindOneThatIsTooSmall) {
  Tlsf tlsf(131 * Tlsf::granule_bytes);
  const auto fits = tlsf.allocate(65 * Tlsf::granule_bytes);
  ASSERT_TRUE(tlsf.allocate(1));
  const auto too_small = tlsf.allocate(64 * Tlsf::granule_bytes);
  ASSERT_TRUE(tlsf.allocate(1));
  tlsf.free(fits->id);
  tlsf.free(too_small->id);
  const auto block = tlsf.allocate(65 * Tlsf::granule_bytes);
  ASSERT_TRUE(block);
  EXPECT_EQ(block->offset, fits->offset);
}

TEST(Tlsf, UsesNoMoreMemoryThanIsInFlightWhenSizesAreEqual) {
  for (const std::uint64_t bytes : {std::uint64_t{64}, 200 * KiB, MiB, MiB + 64, MiB - 64, MiB + 70 * KiB, 3 * MiB}) {
    for (const std::size_t in_flight : {1U, 2U, 3U, 4U}) {
      Flow flow(16 * MiB);
      std::set<std::uint64_t> offsets;
      for (int i = 0; i < 1000; ++i) offsets.insert(flow.send(bytes, in_flight).offset);
      EXPECT_EQ(offsets.size(), in_flight) << bytes << " bytes, " << in_flight << " in flight";
      const std::uint64_t rounded = (bytes + Tlsf::granule_bytes - 1) / Tlsf::granule_bytes * Tlsf::granule_bytes;
      EXPECT_EQ(flow.highest_end(), in_flight * rounded);
    }
  }
}

TEST(Tlsf, ReturnsToTheFewBlocksThatItNeedsAfterABurst) {
  for (const std::uint64_t bytes : {MiB, MiB + 64}) {
    Flow flow(64 * MiB);
    for (int i = 0; i < 100; ++i) flow.send(bytes, 3);
    for (int i = 0; i < 40; ++i) flow.send(bytes, 40);
    for (int i = 0; i < 10; ++i) flow.send(bytes, 3);
    std::set<std::uint64_t> offsets;
    for (int i = 0; i < 1000; ++i) offsets.insert(flow.send(bytes, 3).offset);
    EXPECT_LE(offsets.size(), 4U);
  }
}

TEST(Tlsf, UsesLittleMoreMemoryThanIsInFlightWhenSizesVary) {
  std::mt19937_64 random(seed());
  Flow flow(64 * MiB);
  for (int i = 0; i < 10000; ++i) flow.send(MiB - 32 * KiB + random() % (64 * KiB), 4);
  EXPECT_LE(flow.highest_end(), 8 * MiB) << "4 are live; the rest of the pool should have stayed untouched";
}

TEST(Tlsf, KeepsLargeBlocksHotAmongManySmallOnes) {
  Tlsf tlsf(64 * MiB);
  std::set<std::uint64_t> offsets;
  for (int i = 0; i < 200; ++i) {
    const auto frame = tlsf.allocate(MiB);
    ASSERT_TRUE(frame);
    offsets.insert(frame->offset);
    std::vector<Tlsf::Block> small;
    for (std::uint64_t n = 0; n < 40; ++n) small.push_back(*tlsf.allocate(64 + n * 100));
    tlsf.free(frame->id);
    for (const auto& block : small) tlsf.free(block.id);
  }
  EXPECT_EQ(offsets.size(), 1U);
}

// Random sizes and lifetimes in a pool that is a third larger than what is live: nothing may be refused for want of a
// large enough block.
TEST(Tlsf, NeedsLittleMoreThanWhatIsLive) {
  std::mt19937_64 random(seed());
  const std::uint64_t live_limit = 12 * MiB;
  Tlsf tlsf(16 * MiB);
  std::vector<Tlsf::Block> live;
  for (int i = 0; i < 200000; ++i) {
    const std::uint64_t bytes = random_size(random, 64 * KiB) + 1;
    while (tlsf.used_bytes() + bytes > live_limit) {
      const std::size_t victim = random() % live.size();
      tlsf.free(live[victim].id);
      live[victim] = live.back();
      live.pop_back();
    }
    const auto block = tlsf.allocate(bytes);
    ASSERT_TRUE(block) << bytes << " bytes with " << tlsf.used_bytes() << " in use after " << i << " allocations";
    live.push_back(*block);
  }
}

TEST(TlsfDeathTest, EndsTheProgramWhenABlockIsFreedTwice) {
  Tlsf tlsf(MiB);
  const auto block = tlsf.allocate(100);
  tlsf.free(block->id);
  EXPECT_DEATH(tlsf.free(block->id), "freed twice");
  EXPECT_DEATH(tlsf.free(12345), "never allocated");
}

TEST(TlsfDeathTest, EndsTheProgramWhenTheCapacityMakesNoSense) {
  EXPECT_DEATH(Tlsf(0), "capacity");
  EXPECT_DEATH(Tlsf(100), "capacity");
  EXPECT_DEATH(Tlsf(Tlsf::max_capacity_bytes + 64), "capacity");
}
