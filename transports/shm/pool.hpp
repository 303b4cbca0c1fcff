#pragma once
// A publisher's payload memory: extents (sealed memfds) that grow and shrink in whole, with allocator and reference
// counts in private memory. Owned by the publisher's port, one thread. Readers see only the extents, read-only.

#include <actor/error.hpp>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <shm/layout.hpp>
#include <shm/segment.hpp>
#include <shm/tlsf.hpp>
#include <vector>

namespace actor::shm {

/// Told when extents come and go, so that the broker can hand them to the readers.
struct ExtentEvents {
  std::function<void(std::uint32_t extent, std::uint64_t bytes, int fd)> added = [](auto, auto, auto) {};
  std::function<void(std::uint32_t extent)> dropped = [](auto) {};
  /// Has what `added` told left this process? Until then nothing is put into the extent: if the process died, nobody
  /// would ever find it.
  std::function<bool()> handed_over = [] { return true; };
};

class Pool {
 public:
  using ChunkId = std::uint32_t;
  static constexpr ChunkId no_chunk = UINT32_MAX;
  /// How large an extent is, unless one payload needs more or the budget has less.
  static constexpr std::uint64_t extent_bytes = 4u << 20;

  /// Extents that a pool has at the same time, so that nobody who maps them runs out of descriptors or mappings. The
  /// budget holds as many large ones; a small one is made of what the others leave over.
  static constexpr std::size_t most_extents(std::uint64_t budget_bytes) {
    return 2 * (budget_bytes / extent_bytes) + 8;
  }

  Pool(std::uint64_t budget_bytes, ExtentEvents events);

  /// A chunk of at least `bytes` with one reference, 64-byte aligned; no_chunk when the budget has no room for it now,
  /// or the system none for another extent. Hands out chunks whose lines are still in the cache, in turns. Adds an
  /// extent when the budget allows.
  ChunkId allocate(std::uint64_t bytes);
  /// Why the extent that was wanted last could not be made (Error(Io)); nothing when the budget alone was at fault.
  const std::optional<Error>& shortage() const { return shortage_; }
  void add_references(ChunkId chunk, std::uint32_t count) { chunks_[chunk].references += count; }
  void release(ChunkId chunk) {
    if (--chunks_[chunk].references == 0) free(chunk);
  }

  std::byte* data(ChunkId chunk) const { return chunks_[chunk].data; }
  PoolRef reference(ChunkId chunk, std::uint64_t bytes) const {
    return {chunks_[chunk].extent, chunks_[chunk].offset_lines, bytes};
  }
  std::uint64_t chunk_bytes(ChunkId chunk) const { return chunks_[chunk].block.bytes; }
  std::uint64_t budget_bytes() const { return budget_bytes_; }
  std::uint64_t used_bytes() const;

  bool has_spare_extents();
  /// Gives back the extents that hold nothing, all but one.
  void drop_spare_extents();

 private:
  struct Extent {
    std::uint32_t id;
    OwnedSegment segment;
    Tlsf allocator;
    bool handed_over = false;
  };
  struct Chunk {
    std::byte* data;
    std::uint32_t references;
    std::uint32_t extent;
    std::uint32_t offset_lines;
    Tlsf::Block block;
  };

  /// Chunks of one size that were freed and are still in the cache, which the allocator counts as used: most actors
  /// send few sizes, and taking such a chunk again is ten times cheaper than the allocator's merging and splitting.
  ///
  /// Why is the one freed first taken first? The one freed last has its lines still with its reader, on another core:
  /// to write them they have to be fetched from there, while the next are being read. In turns, over what the
  /// processor's second cache holds, 1 KiB events go twice as fast (`tests/bench/run --only throughput/spin/1-1/1024`);
  /// with 32 chunks instead of 128 nothing is gained.
  static constexpr unsigned hot_sizes_log2 = 3;
  static constexpr std::uint32_t most_hot_chunks = 128;  // of each size
  /// Of all sizes: what each holds for itself the others cannot use, and have to touch more memory instead.
  static constexpr std::uint64_t most_hot_bytes = 512 * 1024;

  struct HotChunks {
    std::uint64_t bytes = 0;  // of each
    std::uint32_t first = 0;  // where the one that was freed first is, modulo most_hot_chunks
    std::uint32_t count = 0;
    std::array<ChunkId, most_hot_chunks> chunks{};

    ChunkId take() {
      --count;
      return chunks[first++ % most_hot_chunks];
    }
    void put(ChunkId chunk) { chunks[(first + count++) % most_hot_chunks] = chunk; }
  };

  HotChunks& hot_chunks(std::uint64_t bytes) {
    constexpr std::uint32_t golden_ratio = 0x9e3779b1;
    return hot_[static_cast<std::uint32_t>(bytes / Tlsf::granule_bytes) * golden_ratio >> (32 - hot_sizes_log2)];
  }
  /// Gives all of them back to the allocator. Before it is said to be full, and before extents are said to be in use.
  bool cool();
  void cool(HotChunks& hot);
  ChunkId allocate_in_extents(std::uint64_t bytes);
  bool usable(Extent& extent) const {
    if (!extent.handed_over) [[unlikely]]
      extent.handed_over = events_.handed_over();
    return extent.handed_over;
  }
  ChunkId allocate_in(Extent& extent, std::uint64_t bytes);
  Extent* add_extent(std::uint64_t bytes);
  Extent* make_extent(std::uint64_t bytes);
  Extent& extent_of(const Chunk& chunk);
  void free(ChunkId chunk);
  void give_back(ChunkId chunk);

  std::uint64_t budget_bytes_;
  std::uint64_t extents_bytes_ = 0;
  std::uint32_t next_extent_ = 1;
  ExtentEvents events_;
  std::optional<Error> shortage_;
  std::vector<std::unique_ptr<Extent>> extents_;  // front: the one that was freed into last
  std::vector<Chunk> chunks_;
  std::vector<ChunkId> unused_;
  std::array<HotChunks, 1u << hot_sizes_log2> hot_;
  std::uint64_t hot_bytes_ = 0;
};

}  // namespace actor::shm
