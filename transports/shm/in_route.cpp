#include <actor/error.hpp>
#include <algorithm>
#include <cstring>
#include <shm/changing.hpp>
#include <shm/in_route.hpp>
#include <shm/poison.hpp>

namespace actor::shm {
InRoute::InRoute(std::uint32_t route, std::uint32_t smallest_quota, bool overwriting, Cursor& words,
                 std::uint64_t cursor, Fd data_bell, Fd space_bell)
    : id_(route),
      overwriting_(overwriting),
      words_(words),
      cursor_(cursor),
      began_(cursor),
      released_(cursor),
      data_bell_(std::move(data_bell)),
      space_bell_(std::move(space_bell)) {
  set_smallest_quota(smallest_quota);
  words_.done.store(cursor, std::memory_order_relaxed);
  words_.released.store(cursor, std::memory_order_relaxed);
}

void InRoute::set_smallest_quota(std::uint32_t events) {
  batch_ = std::clamp<std::uint64_t>(events / 4, 1, largest_batch);
}

Take InRoute::take_slowly(Found& found, std::string& error) {
  if (segments_.empty()) return Take::Nothing;
  InSegment& segment = segments_.front();
  if (cursor_ < segment.ring.base()) skip_to(segment.ring.base());
  if (corrupt_) {
    if (!segment.ended) return Take::Nothing;
    corrupt_ = false;
    skip_to(segment.final_head + (segment.from_record ? 1 : 0));
  }
  if (segment.ended && cursor_ >= segment.final_head) {
    // The publisher died between its commit and this push: the event is in its record.
    if (segment.from_record && cursor_ == segment.final_head) return take_from_record(segment, found, error);
    return Take::Drained;
  }
  if (overwriting_) return take_overwritten(segment, found, error);
  if (segment.ring.has(cursor_)) {
    found.slot = &segment.ring.slot(cursor_);
    return take_here(segment, *found.slot, segment.ring.tail(cursor_), found, error);
  }
  if (!segment.ended) return Take::Nothing;
  return corrupt("event " + std::to_string(cursor_) + " of a dead publisher's ring is missing before its end at " +
                     std::to_string(segment.final_head),
                 error);
}

void InRoute::skip_to(std::uint64_t sequence) {
  if (sequence <= cursor_) return;
  gaps_ += sequence - cursor_;
  cursor_ = sequence;
  words_.done.store(cursor_, std::memory_order_release);
}

Take InRoute::take_from_record(const InSegment& segment, Found& found, std::string& error) {
  const FanoutRecord& record = segment.publisher->words().fanout;
  found.slot = &record.slot;
  return take_here(segment, record.slot, record.tail, found, error);
}

Take InRoute::take_here(const InSegment& segment, const Slot& slot, const Tail& tail, Found& found,
                        std::string& error) {
  const Take checked = check(segment, slot, tail, found, error);
  if (checked == Take::Event && segment.ring.is_foreign()) [[unlikely]]
    found.payload = copy_of(found.payload);
  return checked;
}

std::span<const std::byte> InRoute::copy_of(std::span<const std::byte> payload) {
  copy_.resize((payload.size() + sizeof(Tail) - 1) / sizeof(Tail));
  std::byte* const copy = reinterpret_cast<std::byte*>(copy_.data());
  copy_changing(copy, payload.data(), payload.size());
  return {copy, payload.size()};
}

/// A ring that overwrites: copy, then look whether the copy was still whole. What was missed is counted.
Take InRoute::take_overwritten(InSegment& segment, Found& found, std::string& error) {
  const RingView& ring = segment.ring;
  const std::uint64_t end = segment.ended ? segment.final_head : ring.head();
  for (;;) {
    const Slot& slot = ring.slot(cursor_);
    const std::uint64_t sequence = slot.sequence.load(std::memory_order_acquire);
    if (sequence == cursor_ + 1) {
      copy_changing(reinterpret_cast<std::byte*>(&copy_slot_) + sizeof(Word),
                    reinterpret_cast<const std::byte*>(&slot) + sizeof(Word), sizeof(Slot) - sizeof(Word));
      Tail tail;
      copy_changing(tail.payload, ring.tail(cursor_).payload, tail_bytes);
      found.slot = &copy_slot_;
      // Checked against bounds first: the copy may be torn, its offsets garbage.
      const Take checked = check(segment, copy_slot_, tail, found, error);
      if (checked == Take::Event) found.payload = copy_of(found.payload);
      // PAIRS: OutRoute::invalidate (stored before any byte of the slot or of its chunk changes).
      if (slot.sequence.load(std::memory_order_acquire) == cursor_ + 1) return checked;
      corrupt_ = false;
      error.clear();
    } else if (sequence <= cursor_ && cursor_ >= end) {
      return Take::Nothing;
    }
    // Overwritten: go on at the oldest that is surely there, with some distance to the writer.
    const std::uint64_t slots = ring.slots();
    const std::uint64_t head = std::max(segment.ended ? segment.final_head : ring.head(), sequence);
    if (head <= cursor_) return Take::Nothing;
    const std::uint64_t margin = segment.ended ? 0 : slots / 8;
    const std::uint64_t oldest = head > slots ? head - slots + margin : 0;
    const std::uint64_t next = std::max(cursor_ + 1, oldest);
    if (next > head) return Take::Nothing;
    skip_to(next);
    if (cursor_ >= end && segment.ended) return take_slowly(found, error);
  }
}

Take InRoute::check(const InSegment& segment, const Slot& slot, const Tail& tail, Found& found, std::string& error) {
  const std::uint32_t word = read_once(slot.flags_and_bytes);
  const auto flags = static_cast<std::uint8_t>(word >> 24);
  const std::uint32_t bytes = word & 0xffffff;
  found.sequence = cursor_;
  found.topic = read_once(slot.topic);
  found.type = read_once(slot.type);
  found.flags = flags;
  if (std::find(segment.topics.begin(), segment.topics.end(), found.topic) == segment.topics.end())
    return corrupt("it sends topic number " + std::to_string(found.topic) + ", which this route does not carry", error);
  unpoison(slot.payload);
  std::size_t room = slot_inline_bytes;
  found.parent = {};
  if (flags & Slot::has_parent) {
    room -= sizeof(EventId);
    std::memcpy(&found.parent, slot.payload + room, sizeof(EventId));
  }
  if (flags & Slot::carried) [[unlikely]] {
    std::memcpy(&found.ticket, slot.payload, sizeof found.ticket);
    found.payload = {};
    return Take::Event;
  }
  if (flags & Slot::in_pool) {
    const PoolRef reference = read_pool_ref(slot);
    const auto extent = segment.publisher->extents.find(reference.extent);
    if (extent == segment.publisher->extents.end()) {
      found.slot = nullptr;
      // Its descriptor is on its way over the control channel, unless the publisher died before it could send it: what
      // the broker still found came to us before the news of that death.
      if (!segment.ended) {
        awaits_extent_at_ = cursor_;
        return Take::Nothing;
      }
      return corrupt("its extent " + std::to_string(reference.extent) + " was never announced", error);
    }
    const std::uint64_t offset = std::uint64_t{reference.offset_lines} * cache_line;
    const PeerSegment& memory = *extent->second;
    const std::uint64_t size = memory.bytes();
    if (reference.bytes > size || offset > size - reference.bytes)
      return corrupt("it points outside its extent " + std::to_string(reference.extent), error);
    found.payload = {memory.data() + offset, reference.bytes};
    unpoison(found.payload);
    return Take::Event;
  }
  const bool in_tail = (flags & Slot::in_tail) != 0;
  if (bytes > (in_tail ? tail_bytes : room))
    return corrupt("it claims an inline payload of " + std::to_string(bytes) + " bytes", error);
  found.payload = {in_tail ? tail.payload : slot.payload, bytes};
  unpoison(found.payload);
  return Take::Event;
}

void InRoute::remember(const Found& found, const Delivery& out) {
  // What else a slot may say needs a look of its own each time.
  const bool in_pool = found.flags == Slot::in_pool;
  if ((found.flags != 0 && found.flags != Slot::in_tail && !in_pool) || copies()) return;
  KnownEvent known;
  known.bytes = found.payload.size();
  known.in_tail = found.flags == Slot::in_tail;
  known.in_place = out.object != nullptr;
  known.type_and_topic = std::uint64_t{found.type} << 16 | found.topic;
  known.topic = out.topic;
  known.type = out.type;
  if (in_pool) {
    for (const auto& [number, memory] : publisher().extents) {
      if (found.payload.data() < memory->data() || found.payload.data() >= memory->data() + memory->bytes()) continue;
      known.extent = number;
      known.memory = memory.get();
    }
    if (!known.memory) return;
  }
  // Made of what was checked, not read again: the publisher may have changed it meanwhile.
  Slot slot{};
  slot.topic = found.topic;
  slot.type = found.type;
  slot.flags_and_bytes = std::uint32_t{found.flags} << 24 | (in_pool ? 0 : static_cast<std::uint32_t>(known.bytes));
  known.header = read_header(slot);
  known_ = known;
}

Take InRoute::corrupt(std::string what, std::string& error) {
  corrupt_ = true;
  error = std::move(what);
  return Take::Corrupt;
}

std::uint32_t InRoute::drop_front() {
  const std::uint32_t incarnation = segments_.front().publisher->incarnation;
  publish_released();
  segments_.pop_front();
  corrupt_ = false;
  forget_known();
  pins_.clear();
  return incarnation;
}

void InRoute::publish_released_now() {
  std::uint64_t released = cursor_;
  for (const std::uint64_t pinned : pins_) released = std::min(released, pinned);
  if (released == released_) return;
  released_ = released;
  // seq_cst store, then seq_cst load: with the publisher's (space odd, then released) one of the two sees the other.
  // PAIRS: Sender::prepare_wait, OutRoute::can_reclaim.
  words_.released.store(released, std::memory_order_seq_cst);
  if (segments_.empty()) return;
  const std::uint64_t space = segments_.back().publisher->words().space.load(std::memory_order_seq_cst);
  if ((space & 1) == 0 || space == space_signalled_) return;
  space_signalled_ = space;
  space_bell_.ring();
}

bool InRoute::has_news() const {
  if (segments_.empty()) return false;
  const InSegment& segment = segments_.front();
  if (segment.ended) return true;  // there is an end to come to, also in a corrupt one
  if (corrupt_) return false;
  // PAIRS: OutRoute::flush_now.
  if (segment.ring.head() <= cursor_) return false;
  // Its extent comes over the control channel, which wakes us. A hostile publisher's never does.
  if (awaits_extent_at_ == cursor_) return false;
  // A head that runs ahead of its slots is a hostile publisher's: it does not keep us awake.
  return overwriting_ || segment.ring.has(cursor_);
}

bool InRoute::pin() {
  if (copies() || pins_.size() >= max_pins) return false;
  pins_.push_back(cursor_);
  return true;
}

void InRoute::unpin(std::uint64_t sequence) {
  const auto found = std::find(pins_.begin(), pins_.end(), sequence);
  if (found == pins_.end()) return;
  pins_.erase(found);
  publish_released_now();
}

}  // namespace actor::shm
