#include "session/epoch_page.hpp"

#include <sys/mman.h>

#include <actor/error.hpp>
#include <algorithm>
#include <shm/layout.hpp>

namespace actor::broker {

EpochPage::EpochPage() : segment_(shm::OwnedSegment::create("actor-control-epochs", (slots + 1) * sizeof(shm::Word))) {
  // Every brain is a fork that must have it.
  if (::madvise(segment_.data(), segment_.bytes(), MADV_DOFORK) != 0) throw_errno("sharing the control-epoch page");
  for (std::uint32_t slot = slots; slot > 0; --slot) free_.push_back(slot - 1);
}

std::optional<std::uint32_t> EpochPage::take() {
  if (free_.empty()) return std::nullopt;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void EpochPage::reserve(std::uint32_t slot) {
  std::erase(free_, slot);
}

void EpochPage::give_back(std::uint32_t slot) {
  free_.push_back(slot);
}

void EpochPage::bump(std::uint32_t slot) {
  ACTOR_ASSERT(slot < slots, "an actor's word lies inside the page");
  reinterpret_cast<shm::Word*>(segment_.data())[slot].fetch_add(1, std::memory_order_seq_cst);
}

void EpochPage::park(bool parked) {
  reinterpret_cast<shm::Word*>(segment_.data())[parked_slot].store(parked ? 1 : 0, std::memory_order_seq_cst);
}

}  // namespace actor::broker
