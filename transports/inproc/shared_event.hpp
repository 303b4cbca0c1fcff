#pragma once
// One event in flight inside the process: its meta and the event itself in a single block, counted by reference. The
// sender writes it before the first push; from then on it is read-only and may be used by any thread.

#include <actor/event.hpp>
#include <actor/id.hpp>
#include <atomic>
#include <cstdint>
#include <utility>

#include "inproc/bus_topic.hpp"
#include "inproc/event_memory.hpp"

namespace actor::inproc {

/// One cache line; the event follows. Events may be aligned to 64 bytes at most (see check_event).
struct alignas(64) SharedEvent {
  const EventType* type;
  const BusTopic* topic;
  const BusSender* sender;
  std::uint64_t counter;
  std::int64_t monotonic_ns;
  EventId parent;
  std::atomic<std::uint32_t> references;
  std::uint8_t flags;

  void* object() { return this + 1; }
  EventId id() const { return {sender->key, counter}; }
};
static_assert(sizeof(SharedEvent) == 64);

/// Gives up `count` references.
inline void release(SharedEvent* event, std::uint32_t count = 1) noexcept {
  // PAIRS: SharedEvent.references (release by each holder, acquire by the last, which destroys what others have read).
  // Whoever holds all that is left need not write it: nobody else can.
  if (event->references.load(std::memory_order_acquire) != count &&
      event->references.fetch_sub(count, std::memory_order_acq_rel) != count)
    return;
  const EventType& type = *event->type;
  if (!type.trivially_copyable) type.destroy(event->object());
  memory::give(event, sizeof(SharedEvent) + type.size);
}

/// Holds one reference. A value; each holder belongs to one thread.
class EventRef {
 public:
  EventRef() = default;
  /// Takes over a reference that the caller holds.
  explicit EventRef(SharedEvent* event) noexcept : event_(event) {}
  /// Copies `event`, which is a live event of that type. May throw what its copy constructor throws.
  static EventRef copy_of(const EventType& type, const void* event);
  /// Room for an event of a trivially copyable type, to be filled through object().
  static EventRef uninitialised(const EventType& type);

  EventRef(const EventRef& other) noexcept : event_(other.event_) {
    if (event_) event_->references.fetch_add(1, std::memory_order_relaxed);
  }
  EventRef(EventRef&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  EventRef& operator=(EventRef other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~EventRef() {
    if (event_) release(event_);
  }

  explicit operator bool() const { return event_ != nullptr; }
  SharedEvent* operator->() const { return event_; }
  SharedEvent* get() const { return event_; }
  /// The caller takes over the reference.
  SharedEvent* leave() noexcept { return std::exchange(event_, nullptr); }

 private:
  SharedEvent* event_ = nullptr;
};

inline EventRef EventRef::uninitialised(const EventType& type) {
  void* block = memory::take(sizeof(SharedEvent) + type.size);
  return EventRef(new (block) SharedEvent{&type, nullptr, nullptr, 0, 0, {}, 1, 0});
}

inline EventRef EventRef::copy_of(const EventType& type, const void* event) {
  struct Memory {  // given back when the copy constructor throws: there is no event to destroy then
    void* block;
    std::size_t bytes;
    ~Memory() {
      if (block) memory::give(block, bytes);
    }
  } owned{memory::take(sizeof(SharedEvent) + type.size), sizeof(SharedEvent) + type.size};
  auto* shared = new (owned.block) SharedEvent{&type, nullptr, nullptr, 0, 0, {}, 1, 0};
  type.copy_construct(shared->object(), event);
  owned.block = nullptr;
  return EventRef(shared);
}

}  // namespace actor::inproc
