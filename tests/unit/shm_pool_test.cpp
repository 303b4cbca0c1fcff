// The payload pool: extents within a budget, hot chunks, references.

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>
#include <shm/pool.hpp>

namespace actor::shm {
namespace {

constexpr std::uint64_t mib = 1u << 20;

struct Extents {
  std::map<std::uint32_t, std::uint64_t> live;
  unsigned added = 0;

  ExtentEvents events() {
    return {[this](std::uint32_t extent, std::uint64_t bytes, int) {
              EXPECT_TRUE(live.emplace(extent, bytes).second) << "an extent's number is used once";
              ++added;
            },
            [this](std::uint32_t extent) { EXPECT_EQ(live.erase(extent), 1u); }};
  }
  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [extent, size] : live) sum += size;
    return sum;
  }
};

TEST(Pool, NothingIsMappedBeforeTheFirstPayload) {
  Extents extents;
  Pool pool(16 * mib, extents.events());
  EXPECT_EQ(extents.added, 0u);
  EXPECT_NE(pool.allocate(100), Pool::no_chunk);
  EXPECT_EQ(extents.live.size(), 1u);
  EXPECT_EQ(extents.bytes(), Pool::extent_bytes);
}

TEST(Pool, ExtentsGrowWithinTheBudgetAndNotBeyond) {
  Extents extents;
  Pool pool(10 * mib, extents.events());
  unsigned chunks = 0;
  while (pool.allocate(mib / 2) != Pool::no_chunk) ++chunks;
  EXPECT_EQ(extents.bytes(), 10 * mib) << "the last extent takes what is left of the budget";
  EXPECT_GE(chunks, 18u);
  EXPECT_LE(chunks, 20u);
  EXPECT_EQ(pool.allocate(mib / 2), Pool::no_chunk);
}

TEST(Pool, ABudgetBelowAnExtentIsUsedWhole) {
  Extents extents;
  Pool pool(mib, extents.events());
  EXPECT_NE(pool.allocate(mib / 2), Pool::no_chunk);
  EXPECT_EQ(extents.bytes(), mib);
}

TEST(Pool, SpareExtentsAreDroppedButOne) {
  Extents extents;
  Pool pool(16 * mib, extents.events());
  std::vector<Pool::ChunkId> chunks;
  for (int i = 0; i < 12; ++i) chunks.push_back(pool.allocate(mib));
  ASSERT_GE(extents.live.size(), 3u);
  EXPECT_FALSE(pool.has_spare_extents());
  for (const auto chunk : chunks) pool.release(chunk);
  EXPECT_TRUE(pool.has_spare_extents());
  pool.drop_spare_extents();
  EXPECT_FALSE(pool.has_spare_extents());
  EXPECT_EQ(extents.live.size(), 1u);
  EXPECT_EQ(pool.used_bytes(), 0u);
  EXPECT_NE(pool.allocate(mib), Pool::no_chunk);
}

TEST(Pool, AnExtentThatHoldsSomethingIsNeverDropped) {
  Extents extents;
  Pool pool(16 * mib, extents.events());
  std::vector<Pool::ChunkId> chunks;
  for (int i = 0; i < 12; ++i) chunks.push_back(pool.allocate(mib));
  const auto kept = chunks[5];
  std::memset(pool.data(kept), 0x5a, mib);
  for (const auto chunk : chunks) {
    if (chunk != kept) pool.release(chunk);
  }
  pool.drop_spare_extents();
  EXPECT_EQ(extents.live.count(pool.reference(kept, mib).extent), 1u);
  EXPECT_EQ(pool.data(kept)[mib - 1], std::byte{0x5a});
}

TEST(Pool, FreedChunksAreHandedOutInTurns) {
  Extents extents;
  Pool pool(16 * mib, extents.events());
  std::vector<Pool::ChunkId> chunks;
  std::vector<std::byte*> freed;
  for (int i = 0; i < 8; ++i) chunks.push_back(pool.allocate(4096));
  for (const int i : {3, 1, 6}) {
    freed.push_back(pool.data(chunks[i]));
    pool.release(chunks[i]);
  }
  // For longer than the list of them is: it goes round.
  for (int i = 0; i < 1000; ++i) {
    const Pool::ChunkId chunk = pool.allocate(4096);
    ASSERT_EQ(pool.data(chunk), freed[i % freed.size()]) << i;
    pool.release(chunk);
  }
  EXPECT_EQ(pool.used_bytes(), 5u * 4096);
}

TEST(Pool, MoreChunksThanAreKeptHotAreFreedAllTheSame) {
  Extents extents;
  Pool pool(16 * mib, extents.events());
  for (int round = 0; round < 3; ++round) {
    std::vector<Pool::ChunkId> chunks;
    std::set<std::byte*> places;
    for (int i = 0; i < 2000; ++i) {
      chunks.push_back(pool.allocate(1024));
      places.insert(pool.data(chunks.back()));
    }
    EXPECT_EQ(places.size(), chunks.size()) << "one chunk was handed out twice";
    for (const Pool::ChunkId chunk : chunks) pool.release(chunk);
    EXPECT_EQ(pool.used_bytes(), 0u);
  }
  EXPECT_EQ(extents.added, 1u);
}

TEST(Pool, WhatIsKeptHotIsNoneTheLessFree) {
  Extents extents;
  Pool pool(mib, extents.events());
  std::vector<Pool::ChunkId> small;
  for (Pool::ChunkId chunk; (chunk = pool.allocate(1024)) != Pool::no_chunk;) small.push_back(chunk);
  for (const Pool::ChunkId chunk : small) pool.release(chunk);
  EXPECT_EQ(pool.used_bytes(), 0u);
  const Pool::ChunkId large = pool.allocate(mib);
  EXPECT_NE(large, Pool::no_chunk) << "the hot chunks are merged when their memory is needed";
  EXPECT_EQ(pool.used_bytes(), mib);
  pool.release(large);
  EXPECT_NE(pool.allocate(1024), Pool::no_chunk);
}

TEST(Pool, AStreamOfLargePayloadsReusesAFewHotChunks) {
  Extents extents;
  Pool pool(64 * mib, extents.events());
  std::map<std::byte*, int> places;
  for (int i = 0; i < 100; ++i) {
    const auto chunk = pool.allocate(mib);
    ++places[pool.data(chunk)];
    pool.release(chunk);
  }
  EXPECT_EQ(places.size(), 1u);
  EXPECT_EQ(extents.added, 1u);
}

TEST(Pool, APayloadLargerThanAnExtentGetsOneOfItsOwn) {
  for (const std::uint64_t bytes : {Pool::extent_bytes + 1, Pool::extent_bytes + 64, 5 * mib, 5 * mib + 4097}) {
    Extents extents;
    Pool pool(16 * mib, extents.events());
    const auto chunk = pool.allocate(bytes);
    ASSERT_NE(chunk, Pool::no_chunk) << bytes;
    std::memset(pool.data(chunk), 1, bytes);
    EXPECT_GE(extents.bytes(), bytes);
    pool.release(chunk);
  }
}

TEST(Pool, APayloadOfTheWholeBudgetFits) {
  for (const std::uint64_t budget : {mib, 3 * mib + 64, 4 * mib, 7 * mib, 16 * mib}) {
    Extents extents;
    Pool pool(budget, extents.events());
    EXPECT_NE(pool.allocate(budget), Pool::no_chunk) << budget;
  }
}

TEST(Pool, EmptySmallExtentsMakeWayForALargePayload) {
  Extents extents;
  Pool pool(16 * mib, extents.events());
  std::vector<Pool::ChunkId> chunks;
  for (int i = 0; i < 16; ++i) {
    const auto chunk = pool.allocate(mib - 4096);
    if (chunk != Pool::no_chunk) chunks.push_back(chunk);
  }
  EXPECT_EQ(pool.allocate(12 * mib), Pool::no_chunk);
  for (const auto chunk : chunks) pool.release(chunk);
  EXPECT_NE(pool.allocate(12 * mib), Pool::no_chunk);
  EXPECT_LE(extents.bytes(), 16 * mib);
}

TEST(Pool, AChunkIsFreedWithItsLastReference) {
  Extents extents;
  Pool pool(mib, extents.events());
  const auto chunk = pool.allocate(mib / 2);
  pool.add_references(chunk, 2);
  pool.release(chunk);
  pool.release(chunk);
  EXPECT_GE(pool.used_bytes(), mib / 2);
  pool.release(chunk);
  EXPECT_EQ(pool.used_bytes(), 0u);
}

TEST(Pool, RandomPayloadsNeverOverlap) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  Extents extents;
  Pool pool(24 * mib, extents.events());
  struct Held {
    Pool::ChunkId chunk;
    std::uint64_t bytes;
    std::byte mark;
  };
  std::vector<Held> held;
  for (int i = 0; i < 4000; ++i) {
    if (held.empty() || random() % 5 < 3) {
      const std::uint64_t bytes = 1 + random() % (random() % 20 == 0 ? 6 * mib : 60000);
      const auto chunk = pool.allocate(bytes);
      if (chunk == Pool::no_chunk) continue;
      const auto mark = static_cast<std::byte>(random());
      const PoolRef reference = pool.reference(chunk, bytes);
      ASSERT_EQ(extents.live.count(reference.extent), 1u);
      ASSERT_LE(std::uint64_t{reference.offset_lines} * cache_line + bytes, extents.live[reference.extent]);
      std::memset(pool.data(chunk), static_cast<int>(mark), bytes);
      held.push_back({chunk, bytes, mark});
    } else {
      std::swap(held[random() % held.size()], held.back());
      const Held& last = held.back();
      ASSERT_EQ(pool.data(last.chunk)[0], last.mark);
      ASSERT_EQ(pool.data(last.chunk)[last.bytes - 1], last.mark);
      pool.release(last.chunk);
      held.pop_back();
      if (random() % 100 == 0) pool.drop_spare_extents();
    }
    ASSERT_LE(extents.bytes(), 24 * mib);
    ASSERT_LE(extents.live.size(), Pool::most_extents(24 * mib));
  }
}

TEST(Pool, NothingIsPutIntoAnExtentThatNobodyCouldFindYet) {
  Extents extents;
  bool out = false;
  ExtentEvents events = extents.events();
  events.handed_over = [&out] { return out; };
  Pool pool(16 * mib, std::move(events));
  EXPECT_EQ(pool.allocate(100), Pool::no_chunk);
  EXPECT_EQ(pool.allocate(100), Pool::no_chunk);
  EXPECT_EQ(extents.added, 1u) << "one at a time";
  out = true;
  EXPECT_NE(pool.allocate(100), Pool::no_chunk);
  EXPECT_EQ(extents.added, 1u);
}

}  // namespace
}  // namespace actor::shm
