#include "inproc/lane.hpp"

#include <actor/error.hpp>
#include <algorithm>

namespace actor::inproc {

SharedEvent* LatestQueue::push(SharedEvent* event) {
  const std::scoped_lock lock(mutex_);
  SharedEvent* oldest = nullptr;
  std::size_t size = size_.load(std::memory_order_relaxed);
  if (size == capacity_) {
    oldest = ring_[first_];
    first_ = (first_ + 1) % ring_.size();
    --size;
  } else if (size == ring_.size()) {
    grow();
  }
  ring_[(first_ + size) % ring_.size()] = event;
  size_.store(size + 1, std::memory_order_release);
  return oldest;
}

SharedEvent* LatestQueue::pop() {
  const std::scoped_lock lock(mutex_);
  const std::size_t size = size_.load(std::memory_order_relaxed);
  if (size == 0) return nullptr;
  SharedEvent* event = ring_[first_];
  first_ = (first_ + 1) % ring_.size();
  size_.store(size - 1, std::memory_order_release);
  return event;
}

void LatestQueue::grow() {
  std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(first_), ring_.end());
  first_ = 0;
  ring_.resize(std::min(capacity_, std::max<std::size_t>(8, 2 * ring_.size())));
}

Lane::Lane(ActorId sender, std::uint32_t number, std::uint64_t first_sequence)
    : sender_(sender),
      bit_(Signal::Bits{1} << number % Signal::lane_bits),
      next_sequence_(first_sequence),
      number_(number) {
  // Both sides stand at the end of a chunk: the first push goes on to the next one.
  tail_ = new LaneChunk;
  tail_->next = tail_;
  head_ = tail_;
  front_.store(head_, std::memory_order_relaxed);
}

Lane::~Lane() {
  std::vector<EventRef> unread;
  drain(unread);
  for (LaneChunk* chunk = std::exchange(head_->next, nullptr); chunk;) delete std::exchange(chunk, chunk->next);
  for (LatestQueue* queue = latest_.load(std::memory_order_relaxed); queue;) {
    LatestQueue* next = queue->next();
    delete queue;
    queue = next;
  }
}

LaneWriter Lane::writer() {
  return {*this, tail_, published_.load(std::memory_order_relaxed)};
}

void Lane::keep(const LaneWriter& writer) {
  ACTOR_ASSERT(writer.pushed_ == published_.load(std::memory_order_relaxed), "a sender publishes before it leaves");
  tail_ = writer.chunk_;
}

Quota& Lane::quota(const BusTopic& topic, std::size_t capacity) {
  const auto found = std::find_if(quotas_.begin(), quotas_.end(), [&](const auto& q) { return q->topic == &topic; });
  if (found != quotas_.end()) return **found;
  return *quotas_.emplace_back(std::make_unique<Quota>(topic, capacity));
}

LatestQueue& Lane::latest(const BusTopic& topic, std::size_t capacity) {
  LatestQueue* first = latest_.load(std::memory_order_relaxed);
  for (LatestQueue* queue = first; queue; queue = queue->next()) {
    if (&queue->topic() == &topic) return *queue;
  }
  auto* queue = new LatestQueue(topic, capacity, first);
  latest_.store(queue,
                std::memory_order_release);  // PAIRS: Lane.latest (acquire in look(), has_latest() and pop_latest())
  return *queue;
}

void LaneWriter::next_chunk() {
  LaneChunk* next = chunk_->next;
  if (next == lane_->front_.load(std::memory_order_acquire)) {  // the reader is there still: it must not be overtaken
    next = new LaneChunk;
    next->next = chunk_->next;
    chunk_->next = next;
  }
  chunk_ = next;
}

bool Lane::has_latest() const {
  for (const LatestQueue* queue = latest_.load(std::memory_order_acquire); queue; queue = queue->next()) {
    if (queue->size() != 0) return true;
  }
  return false;
}

/// One queue after the other: none starves another.
Lane::Taken Lane::pop_latest() {
  latest_is_next_ = false;
  LatestQueue* const first = latest_.load(std::memory_order_acquire);
  LatestQueue* const start = last_latest_ && last_latest_->next() ? last_latest_->next() : first;
  LatestQueue* queue = start;
  do {
    if (SharedEvent* event = queue->size() != 0 ? queue->pop() : nullptr) {
      last_latest_ = queue;
      return {event, nullptr, next_sequence_++};
    }
    queue = queue->next() ? queue->next() : first;
  } while (queue != start);
  return {};
}

void Lane::drain(std::vector<EventRef>& out) {
  seen_ = published_.load(std::memory_order_acquire);
  while (taken_ != seen_) out.emplace_back(pop_slot().event);
  for (LatestQueue* queue = latest_.load(std::memory_order_acquire); queue; queue = queue->next()) {
    while (SharedEvent* event = queue->pop()) out.emplace_back(event);
  }
}

std::size_t Lane::unread() const {
  std::size_t count = static_cast<std::size_t>(published_.load(std::memory_order_relaxed) - taken_);
  for (const LatestQueue* queue = latest_.load(std::memory_order_acquire); queue; queue = queue->next())
    count += queue->size();
  return count;
}

}  // namespace actor::inproc
