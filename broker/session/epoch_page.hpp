#pragma once
// The control-epoch page: one word for each actor that only the broker writes, and that changes whenever the broker has
// sent that actor something. A busy or waiting actor looks at its word instead of its socket. One more word says
// whether actors that wake shall tell (Awake), because nobody looks at them any more. Made by main before there is a
// brain, since nobody can map it for writing once it is sealed: every brain inherits the mapping. Which words are in
// use is the present brain's affair.

#include <cstdint>
#include <optional>
#include <shm/segment.hpp>
#include <vector>

namespace actor::broker {

class EpochPage {
 public:
  static constexpr std::uint32_t slots = 4096;
  static constexpr std::uint32_t parked_slot = slots;

  /// Throws Error(Io).
  EpochPage();
  /// A word of one's own, or nothing when all are in use.
  std::optional<std::uint32_t> take();
  void give_back(std::uint32_t slot);
  /// After a takeover: this word is in use.
  void reserve(std::uint32_t slot);
  /// After the message was sent. PAIRS: epoch (acquire load in the actor's control poll).
  void bump(std::uint32_t slot);
  /// From now on an actor that wakes says so. Whoever parks looks at all actors once more afterwards: those that woke
  /// just before have not seen it. PAIRS: ShmPort::end_wait.
  void park(bool parked);
  int fd() const { return segment_.fd(); }

 private:
  shm::OwnedSegment segment_;
  std::vector<std::uint32_t> free_;
};

}  // namespace actor::broker
