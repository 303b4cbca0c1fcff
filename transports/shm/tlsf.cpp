#include "shm/tlsf.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>

namespace actor::shm {
namespace {

// How many blocks of the request's own class are tried when every surely large enough class is empty. Bounded, to stay
// O(1).
constexpr unsigned own_class_tries = 16;

[[noreturn]] [[gnu::cold]] void die(const char* what, std::uint64_t value) {
  std::fprintf(stderr, "actor::shm::Tlsf: %s (%llu). This is a bug in the caller.\n", what,
               static_cast<unsigned long long>(value));
  std::abort();
}

}  // namespace

Tlsf::Tlsf(std::uint64_t capacity_bytes) : capacity_bytes_(capacity_bytes) {
  if (capacity_bytes == 0 || capacity_bytes % granule_bytes != 0 || capacity_bytes > max_capacity_bytes) {
    die("the capacity is not a multiple of 64 between 64 and 128 GiB", capacity_bytes);
  }
  for (auto& heads : heads_) heads.fill(none);
  records_.reserve(64);
  provide_record();
  const Id whole = take_record();
  records_[whole] = {0,          static_cast<std::uint32_t>(capacity_bytes / granule_bytes), none, none, none, none,
                     State::Free};
  link(whole);
}

std::optional<Tlsf::Block> Tlsf::allocate(std::uint64_t bytes) {
  if (bytes > capacity_bytes_) return std::nullopt;  // also keeps the rounding below from overflowing
  provide_record();                                  // before anything changes, since it may throw
  const auto granules =
      static_cast<std::uint32_t>(std::max<std::uint64_t>(1, (bytes + granule_bytes - 1) / granule_bytes));
  const Id id = find(granules);
  if (id == none) return std::nullopt;
  unlink(id);
  split(id, granules);
  records_[id].state = State::Used;
  used_bytes_ += granules * granule_bytes;
  return Block{records_[id].begin * granule_bytes, granules * granule_bytes, id};
}

void Tlsf::free(std::uint32_t id) {
  if (id >= records_.size()) die("free() of an id that was never allocated", id);
  if (records_[id].state != State::Used) die("free() of a block that is not allocated: freed twice?", id);
  used_bytes_ -= records_[id].granules * granule_bytes;
  const Id upper = records_[id].upper;
  if (upper != none && records_[upper].state == State::Free) {
    unlink(upper);
    absorb_upper(id);
  }
  const Id lower = records_[id].lower;
  if (lower != none && records_[lower].state == State::Free) {
    unlink(lower);
    absorb_upper(lower);
    id = lower;
  }
  records_[id].state = State::Free;
  link(id);
}

std::uint64_t Tlsf::largest_free_block() const {
  if (first_level_bitmap_ == 0) return 0;
  const auto first = static_cast<unsigned>(std::bit_width(first_level_bitmap_)) - 1;
  const auto second = static_cast<unsigned>(std::bit_width(second_level_bitmaps_[first])) - 1;
  return records_[heads_[first][second]].granules * granule_bytes;
}

Tlsf::Class Tlsf::class_of(std::uint32_t granules) {
  if (granules < second_level_count) return {0, granules};
  const auto exponent = static_cast<unsigned>(std::bit_width(granules)) - 1;
  const unsigned shift = exponent - second_level_bits;
  return {shift + 1, (granules >> shift) - second_level_count};
}

/// The lowest class with no block smaller than this.
Tlsf::Class Tlsf::first_class_that_fits(std::uint32_t granules) {
  if (granules < second_level_count) return {0, granules};
  const auto exponent = static_cast<unsigned>(std::bit_width(granules)) - 1;
  return class_of(granules + (1U << (exponent - second_level_bits)) - 1);  // at most 2^31 + 2^26: no overflow
}

/// First the block freed last that is about as large, then the head of the lowest class in which every block is large
/// enough, then whatever is left.
Tlsf::Id Tlsf::find(std::uint32_t granules) const {
  const auto [own_first, own_second] = class_of(granules);
  const Id own_head = heads_[own_first][own_second];
  if (own_head != none && records_[own_head].granules >= granules) return own_head;
  auto [first, second] = first_class_that_fits(granules);
  std::uint32_t candidates = second_level_bitmaps_[first] & (~0U << second);
  if (candidates == 0) {
    const std::uint32_t above = first_level_bitmap_ & (~0U << first << 1);
    if (above == 0) return find_in_own_class(own_head, granules);
    first = static_cast<unsigned>(std::countr_zero(above));
    candidates = second_level_bitmaps_[first];
  }
  return heads_[first][static_cast<unsigned>(std::countr_zero(candidates))];
}

Tlsf::Id Tlsf::find_in_own_class(Id head, std::uint32_t granules) const {
  Id id = head;
  for (unsigned tries = 0; id != none && tries < own_class_tries; ++tries, id = records_[id].next) {
    if (records_[id].granules >= granules) return id;
  }
  return none;
}

void Tlsf::absorb_upper(Id id) {
  const Id absorbed = records_[id].upper;
  records_[id].granules += records_[absorbed].granules;
  records_[id].upper = records_[absorbed].upper;
  if (records_[id].upper != none) records_[records_[id].upper].lower = id;
  records_[absorbed].state = State::Unused;
  records_[absorbed].next = unused_records_;
  unused_records_ = absorbed;
}

/// Cuts an unlinked block to the given size; what remains above becomes a free block, and needs no joining: two
/// neighbours are never both Free. The low end is used: so live blocks gather at low offsets, whose bytes are warm, and
/// the large untouched range stays above them.
void Tlsf::split(Id id, std::uint32_t granules) {
  if (records_[id].granules == granules) return;
  const Id rest = take_record();
  Record& block = records_[id];
  records_[rest] = {block.begin + granules, block.granules - granules, id, block.upper, none, none, State::Free};
  if (block.upper != none) records_[block.upper].lower = rest;
  block.upper = rest;
  block.granules = granules;
  link(rest);
}

void Tlsf::link(Id id) {
  Record& block = records_[id];
  const auto [first, second] = class_of(block.granules);
  Id& head = heads_[first][second];
  block.previous = none;
  block.next = head;
  if (head != none) records_[head].previous = id;
  head = id;
  first_level_bitmap_ |= 1U << first;
  second_level_bitmaps_[first] |= 1U << second;
}

void Tlsf::unlink(Id id) {
  const Record& block = records_[id];
  if (block.next != none) records_[block.next].previous = block.previous;
  if (block.previous != none) {
    records_[block.previous].next = block.next;
    return;
  }
  const auto [first, second] = class_of(block.granules);
  heads_[first][second] = block.next;
  if (block.next != none) return;
  second_level_bitmaps_[first] &= ~(1U << second);
  if (second_level_bitmaps_[first] == 0) first_level_bitmap_ &= ~(1U << first);
}

/// After this, one take_record() neither throws nor moves the records. An allocation splits one block at most.
void Tlsf::provide_record() {
  if (unused_records_ != none) return;
  records_.push_back({0, 0, none, none, none, none, State::Unused});
  unused_records_ = static_cast<Id>(records_.size() - 1);
}

Tlsf::Id Tlsf::take_record() {
  const Id id = unused_records_;
  unused_records_ = records_[id].next;
  return id;
}

}  // namespace actor::shm
