#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace actor::shm {

/// Hands out blocks of a publisher's payload pool: a two-level segregated fit allocator over the abstract range
/// [0, capacity_bytes). It never touches the managed bytes: they are shared memory that other processes map read-only,
/// while all of this lives in the publisher's private memory, so that no peer can corrupt it and a death leaves nothing
/// to repair. Owned by the publisher; one thread only.
///
/// Algorithm: M. Masmano, I. Ripoll, A. Crespo, J. Real, "TLSF: a New Dynamic Memory Allocator for Real-Time Systems",
/// ECRTS 2004. One thing is added, so that a publisher keeps writing to the few blocks that are warm in its cache: the
/// block freed last in the request's own class is tried first. The original skips that class, since some of its blocks
/// may be too small; a publisher of 1 MiB + 64 bytes then never gets back what it has just freed.
///
/// Why not keep the blocks freed last in lists of their own, not coalesced? Measured, that takes 7 instead of 10 to 19
/// ns when all sizes are equal. When they are mixed, the lists keep memory apart (a load touched up to nine times what
/// it used; here it is 1.1 to 1.7 times), or emptying them at each miss takes 65 to 70 ns instead of 35 to 45.
///
/// Cost: O(1). The heap is used only when there are more blocks than ever before.
class Tlsf {
 public:
  static constexpr std::uint64_t granule_bytes = 64;  // every block is a multiple of, and aligned to, a cache line
  static constexpr std::uint64_t max_capacity_bytes = (std::uint64_t{1} << 31) * granule_bytes;

  struct Block {
    std::uint64_t offset;
    std::uint64_t bytes;  // what was reserved: at least what was asked for
    std::uint32_t id;     // names the block until it is freed; ids are reused
  };

  /// REQUIRES: a multiple of granule_bytes, not 0, at most max_capacity_bytes.
  explicit Tlsf(std::uint64_t capacity_bytes);

  /// A block less than a granule larger than asked for (0 bytes count as 1). nullopt when no free block is large
  /// enough, or when the only ones are in the request's own class behind 16 that are not: they differ by at most 1/32.
  std::optional<Block> allocate(std::uint64_t bytes);

  /// REQUIRES: an id from allocate() that has not been freed since. Asserted, in release too.
  void free(std::uint32_t id);

  std::uint64_t capacity_bytes() const { return capacity_bytes_; }
  /// The sum of Block::bytes over the blocks handed out.
  std::uint64_t used_bytes() const { return used_bytes_; }
  bool empty() const { return used_bytes_ == 0; }
  /// allocate() succeeds for this many bytes (0: for none). The true largest may be 1/32 larger: compared by class.
  std::uint64_t largest_free_block() const;

 private:
  using Id = std::uint32_t;
  static constexpr Id none = UINT32_MAX;

  // The second level splits each power of two into 32 classes. First level 0 has one for each size below 32 granules.
  static constexpr unsigned second_level_bits = 5;
  static constexpr unsigned second_level_count = 1U << second_level_bits;
  static constexpr unsigned first_level_count = 32 - second_level_bits + 1;  // 2^31 granules are in the last

  enum class State : std::uint32_t { Unused, Free, Used };

  /// A block. INVARIANT: the blocks, chained by lower and upper, tile the range; no two neighbours are both Free.
  struct alignas(32) Record {
    std::uint32_t begin;     // in granules, like all lengths here
    std::uint32_t granules;  // > 0
    Id lower;                // the neighbour that ends where this one begins
    Id upper;                // the neighbour that begins where this one ends
    Id previous;             // in the free list of its class; only while Free
    Id next;                 // likewise; for an Unused record, the next unused one
    State state;
  };

  struct Class {
    unsigned first;
    unsigned second;
  };

  static Class class_of(std::uint32_t granules);
  static Class first_class_that_fits(std::uint32_t granules);
  Id find(std::uint32_t granules) const;
  Id find_in_own_class(Id head, std::uint32_t granules) const;
  void absorb_upper(Id id);
  void split(Id id, std::uint32_t granules);
  void link(Id id);
  void unlink(Id id);
  void provide_record();
  Id take_record();

  std::uint64_t capacity_bytes_;
  std::uint64_t used_bytes_ = 0;
  std::vector<Record> records_;
  Id unused_records_ = none;
  // Free lists, the block freed last at the head. Bit f: second_level_bitmaps_[f] is not 0. Bit s of that: heads_[f][s]
  // is not none.
  std::uint32_t first_level_bitmap_ = 0;
  std::array<std::uint32_t, first_level_count> second_level_bitmaps_{};
  std::array<std::array<Id, second_level_count>, first_level_count> heads_;
};

}  // namespace actor::shm
