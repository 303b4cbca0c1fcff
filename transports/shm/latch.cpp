#include <actor/error.hpp>
#include <algorithm>
#include <shm/changing.hpp>
#include <shm/latch.hpp>

namespace actor::shm {
namespace {

/// A publisher that changes its value faster than it can be copied is left alone for a moment.
constexpr unsigned tries = 64;

void copy_cell(Cell& to, const Slot& slot, const Tail& tail) {
  to.slot.sequence.store(0, std::memory_order_relaxed);
  copy_changing(reinterpret_cast<std::byte*>(&to.slot) + sizeof(Word),
                reinterpret_cast<const std::byte*>(&slot) + sizeof(Word), sizeof(Slot) - sizeof(Word));
  copy_changing(to.tail.payload, tail.payload, tail_bytes);
}

enum class Copied { Value, Nothing, NotYet };

/// `cell` is a copy, maybe a torn one: nothing in it is trusted, and what comes of it is checked by the caller.
Copied copy_value(const std::shared_ptr<Publisher>& publisher, const Cell& cell, LatchedValue& out) {
  const Slot& slot = cell.slot;
  out.publisher = publisher;
  out.counter = slot.counter;
  out.stamp_ns = slot.stamp_ns;
  out.topic = slot.topic;
  out.type = slot.type;
  out.flags = static_cast<std::uint8_t>(slot.flags_and_bytes >> 24);
  out.bytes = slot.flags_and_bytes & 0xffffff;
  std::size_t room = slot_inline_bytes;
  if (out.flags & Slot::has_parent) {
    room -= sizeof(EventId);
    std::memcpy(&out.parent, slot.payload + room, sizeof(EventId));
  }
  const std::byte* from = slot.payload;
  if (out.flags & Slot::in_pool) {
    const PoolRef reference = read_pool_ref(slot);
    const auto extent = publisher->extents.find(reference.extent);
    if (extent == publisher->extents.end()) return Copied::NotYet;
    const std::uint64_t offset = std::uint64_t{reference.offset_lines} * cache_line;
    const std::uint64_t size = extent->second->bytes();
    if (reference.bytes > size || offset > size - reference.bytes) return Copied::Nothing;
    from = extent->second->data() + offset;
    out.bytes = reference.bytes;
  } else if (out.flags & Slot::in_tail) {
    if (out.bytes > tail_bytes) return Copied::Nothing;
    from = cell.tail.payload;
  } else if (out.bytes > room) {
    return Copied::Nothing;
  }
  out.memory.resize((out.bytes + sizeof(Tail) - 1) / sizeof(Tail));
  copy_changing(reinterpret_cast<std::byte*>(out.memory.data()), from, out.bytes);
  return Copied::Value;
}

Copied read_one(const Latch& latch, const std::shared_ptr<Publisher>& publisher, LatchedValue& out) {
  for (unsigned i = 0; i < tries; ++i) {
    const std::uint64_t version = latch.version.load(std::memory_order_acquire);
    if (version == 0) return Copied::Nothing;
    const Cell& current = latch.cells[version & 1];
    Cell copy;
    copy_cell(copy, current.slot, current.tail);
    const Copied copied = copy_value(publisher, copy, out);
    // PAIRS: LatchWriter::store (the version is raised before a byte of this cell or of its chunk changes).
    if (latch.version.load(std::memory_order_acquire) == version) return copied;
  }
  return Copied::NotYet;
}

}  // namespace

LatchWriter::Place* LatchWriter::place_of(std::uint16_t topic) {
  const auto known =
      std::find_if(places_.begin(), places_.end(), [topic](const Place& place) { return place.topic == topic; });
  if (known != places_.end()) return &*known;
  if (places_.size() == max_latches) return nullptr;
  status_.latches[places_.size()].topic.store(topic, std::memory_order_release);
  return &places_.emplace_back(Place{topic, Pool::no_chunk});
}

void LatchWriter::refuse(const std::string& name) {
  throw Error(ErrorCode::Refused, "cannot publish latched topic " + name + ": this actor publishes " +
                                      std::to_string(max_latches) +
                                      " latched topics already, as many as there is memory for; latch fewer topics");
}

void LatchWriter::store(const Slot& slot, const Tail& tail, Pool::ChunkId chunk) {
  Place* place = place_of(slot.topic);
  if (!place) {  // of a topic that had no number yet when it was sent
    if (chunk != Pool::no_chunk) pool_.release(chunk);
    return;
  }
  Latch& latch = status_.latches[place - places_.data()];
  const std::uint64_t version = latch.version.load(std::memory_order_relaxed) + 1;
  Cell& cell = latch.cells[version & 1];
  std::memcpy(reinterpret_cast<std::byte*>(&cell.slot) + sizeof(Word),
              reinterpret_cast<const std::byte*>(&slot) + sizeof(Word), sizeof(Slot) - sizeof(Word));
  cell.tail = tail;
  // If the process dies before this store, the value before it is whole. SUBTLE: seq_cst store and load keep what comes
  // later (the next value, other uses of the old chunk) from being seen before it; see OutRoute::invalidate.
  latch.version.store(version, std::memory_order_seq_cst);
  static_cast<void>(latch.version.load(std::memory_order_seq_cst));
  if (const Pool::ChunkId old = std::exchange(place->chunk, chunk); old != Pool::no_chunk) pool_.release(old);
}

bool read_latched(const std::shared_ptr<Publisher>& publisher, std::span<const std::uint16_t> topics, bool dead,
                  std::vector<LatchedValue>& out) {
  const auto wanted = [&](std::uint16_t topic) {
    return std::find(topics.begin(), topics.end(), topic) != topics.end();
  };
  std::vector<LatchedValue> values;
  for (const Latch& latch : publisher->words().latches) {
    const std::uint64_t topic = latch.topic.load(std::memory_order_acquire);
    if (topic == 0) break;
    if (!wanted(static_cast<std::uint16_t>(topic))) continue;
    LatchedValue value;
    const Copied copied = read_one(latch, publisher, value);
    if (copied == Copied::NotYet) return false;
    if (copied == Copied::Value && value.topic == topic) values.push_back(std::move(value));
  }
  const FanoutRecord& record = publisher->words().fanout;
  const bool committed = dead && record.commit.load(std::memory_order_acquire) != 0;
  if (committed && (record.slot.flags_and_bytes >> 24 & Slot::latched) != 0 && wanted(record.slot.topic)) {
    Cell copy;
    copy_cell(copy, record.slot, record.tail);
    LatchedValue value;
    if (copy_value(publisher, copy, value) == Copied::Value) {
      std::erase_if(values, [&](const LatchedValue& older) { return older.topic == value.topic; });
      values.push_back(std::move(value));
    }
  }
  std::move(values.begin(), values.end(), std::back_inserter(out));
  return true;
}

std::vector<std::uint16_t> latched_topics(const Status& status) {
  std::vector<std::uint16_t> topics;
  for (const Latch& latch : status.latches) {
    const std::uint64_t topic = latch.topic.load(std::memory_order_acquire);
    if (topic == 0) break;
    if (latch.version.load(std::memory_order_acquire) != 0) topics.push_back(static_cast<std::uint16_t>(topic));
  }
  // A first value that its publisher died over is in the record only.
  const FanoutRecord& record = status.fanout;
  const bool committed = record.commit.load(std::memory_order_acquire) != 0;
  if (committed && (record.slot.flags_and_bytes >> 24 & Slot::latched) != 0 &&
      std::find(topics.begin(), topics.end(), record.slot.topic) == topics.end())
    topics.push_back(record.slot.topic);
  return topics;
}

}  // namespace actor::shm
