#include <bit>
#include <shm/ring.hpp>

namespace actor::shm {

std::optional<RingView> RingView::open(int fd, std::string& error) {
  auto segment = PeerSegment::open(fd, sizeof(RingHeader), error);
  if (!segment) return std::nullopt;
  RingView view;
  view.segment_ = std::move(*segment);
  const RingHeader& header = view.header();
  const std::uint32_t slots = header.slots;
  if (header.magic != ring_magic || header.version != layout_version) {
    error = "the peer's memory is not a ring of layout version " + std::to_string(layout_version);
    return std::nullopt;
  }
  if (!std::has_single_bit(slots) || slots > max_ring_slots || view.segment_.bytes() < ring_bytes(slots)) {
    error = "the peer's ring claims " + std::to_string(slots) + " slots, which its memory does not hold";
    return std::nullopt;
  }
  view.slots_ = slots;
  view.base_ = header.base;
  view.first_counter_ = header.first_counter;
  view.overwriting_ = header.overwriting != 0;
  return view;
}

}  // namespace actor::shm
