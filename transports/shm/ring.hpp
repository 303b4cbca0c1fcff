#pragma once
// A ring as its reader (or the broker) sees it: a checked, read-only view of a publisher's ring segment. The header is
// copied and checked once; slots are checked one by one, by whoever reads them. Movable value; one thread.

#include <optional>
#include <shm/layout.hpp>
#include <shm/segment.hpp>
#include <string>

namespace actor::shm {

class RingView {
 public:
  /// nullopt with `error` set when it is not a well-formed, sealed ring.
  static std::optional<RingView> open(int fd, std::string& error);

  std::uint32_t slots() const { return slots_; }
  std::uint64_t base() const { return base_; }
  bool overwriting() const { return overwriting_; }
  bool is_foreign() const { return segment_.is_foreign(); }
  std::uint64_t first_counter() const { return first_counter_; }

  /// PAIRS: ring.head (seq_cst store in OutRoute::flush). seq_cst: half of the sleep handshake.
  std::uint64_t head() const { return header().head.load(std::memory_order_seq_cst); }
  const Slot& slot(std::uint64_t sequence) const { return cells()[sequence & (slots_ - 1)].slot; }
  const Tail& tail(std::uint64_t sequence) const { return cells()[sequence & (slots_ - 1)].tail; }
  /// Is event `sequence` there? PAIRS: slot.sequence (release store in OutRoute::push).
  bool has(std::uint64_t sequence) const {
    return slot(sequence).sequence.load(std::memory_order_acquire) == sequence + 1;
  }

 private:
  const RingHeader& header() const { return *reinterpret_cast<const RingHeader*>(segment_.data()); }
  const Cell* cells() const { return reinterpret_cast<const Cell*>(segment_.data() + sizeof(RingHeader)); }

  PeerSegment segment_;
  std::uint32_t slots_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t first_counter_ = 0;
  bool overwriting_ = false;
};

}  // namespace actor::shm
