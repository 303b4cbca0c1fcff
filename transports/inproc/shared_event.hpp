#pragma once
// One event in flight inside the process: its meta and the event itself in a single allocation, counted by reference.
// The sender writes it before the first push; from then on it is read-only and may be used by any thread.

#include <actor/event.hpp>
#include <actor/id.hpp>
#include <atomic>
#include <cstdint>
#include <utility>

namespace actor::inproc {

struct SharedEvent {
  const EventType* type;
  void* object;  // in the same allocation; null until the event is there
  EventId id;
  EventId parent;
  ActorId sender;
  std::int64_t monotonic_ns;
  std::uint8_t flags;
  std::atomic<std::uint32_t> references;
};

/// Holds one reference. A value; each holder belongs to one thread.
class EventRef {
 public:
  EventRef() = default;
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
    // PAIRS: SharedEvent.references (release by each holder, acquire by the last, which destroys what others have read)
    if (event_ && event_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(event_);
  }

  explicit operator bool() const { return event_ != nullptr; }
  SharedEvent* operator->() const { return event_; }

 private:
  explicit EventRef(SharedEvent* event) : event_(event) {}
  static EventRef allocate(const EventType& type);
  static void destroy(SharedEvent* event) noexcept;

  SharedEvent* event_ = nullptr;
};

}  // namespace actor::inproc
