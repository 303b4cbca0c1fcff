#include <bit>
#include <shm/ring.hpp>

namespace actor::shm {

std::optional<RingView> RingView::open(int fd, std::string& error) {
  const auto segment = PeerSegment::open(fd, sizeof(RingHeader), error);
  if (!segment) return std::nullopt;
  const auto& header = *reinterpret_cast<const RingHeader*>(segment->data());
  if (header.magic != ring_magic || header.version != layout_version) {
    error = "the peer's memory is not a ring of layout version " + std::to_string(layout_version);
    return std::nullopt;
  }
  return open(fd, {header.slots, header.base, header.first_counter, header.overwriting != 0}, error);
}

std::optional<RingView> RingView::open(int fd, const RingShape& shape, std::string& error) {
  auto segment = PeerSegment::open(fd, sizeof(RingHeader), error);
  if (!segment) return std::nullopt;
  if (!std::has_single_bit(shape.slots) || shape.slots > max_ring_slots || segment->bytes() < ring_bytes(shape.slots)) {
    error = "the peer's ring claims " + std::to_string(shape.slots) + " slots, which its memory does not hold";
    return std::nullopt;
  }
  RingView view;
  view.segment_ = std::make_shared<const PeerSegment>(std::move(*segment));
  view.cells_ = reinterpret_cast<const Cell*>(view.segment_->data() + sizeof(RingHeader));
  view.shape_ = shape;
  return view;
}

}  // namespace actor::shm
