#pragma once
// A ring as its reader (or the broker) sees it: a checked, read-only view of a publisher's ring segment. The header is
// copied and checked once, by the broker; slots are checked one by one, by whoever reads them. A value, whose copies
// share the mapping; one thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <shm/layout.hpp>
#include <shm/segment.hpp>
#include <string>

namespace actor::shm {

/// What a ring's header says of it. The publisher can still write there: all who look at the ring, whenever they do, go
/// by what the broker has read once and checked.
struct RingShape {
  std::uint32_t slots = 0;
  std::uint64_t base = 0;           // the first sequence number in it
  std::uint64_t first_counter = 0;  // events below this number were sent before the ring was made
  bool overwriting = false;
};

class RingView {
 public:
  /// The first look. nullopt with `error` set when it is not a well-formed, sealed ring.
  static std::optional<RingView> open(int fd, std::string& error);
  /// With the shape that was read before; nullopt with `error` set when the memory does not hold such a one.
  static std::optional<RingView> open(int fd, const RingShape& shape, std::string& error);

  const RingShape& shape() const { return shape_; }
  std::uint32_t slots() const { return shape_.slots; }
  std::uint64_t base() const { return shape_.base; }
  bool overwriting() const { return shape_.overwriting; }
  bool is_foreign() const { return segment_->is_foreign(); }
  std::uint64_t first_counter() const { return shape_.first_counter; }

  /// PAIRS: ring.head (seq_cst store in OutRoute::flush). seq_cst: half of the sleep handshake.
  std::uint64_t head() const { return header().head.load(std::memory_order_seq_cst); }
  const Slot& slot(std::uint64_t sequence) const { return cells_[sequence & (shape_.slots - 1)].slot; }
  const Tail& tail(std::uint64_t sequence) const { return cells_[sequence & (shape_.slots - 1)].tail; }
  /// Is event `sequence` there? PAIRS: slot.sequence (release store in OutRoute::push).
  bool has(std::uint64_t sequence) const {
    return slot(sequence).sequence.load(std::memory_order_acquire) == sequence + 1;
  }

 private:
  const RingHeader& header() const { return *reinterpret_cast<const RingHeader*>(segment_->data()); }

  std::shared_ptr<const PeerSegment> segment_;
  const Cell* cells_ = nullptr;
  RingShape shape_;
};

}  // namespace actor::shm
