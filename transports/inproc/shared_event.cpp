#include "inproc/shared_event.hpp"

#include <algorithm>
#include <cstddef>
#include <new>

namespace actor::inproc {
namespace {

std::size_t alignment_of(const EventType& type) {
  return std::max<std::size_t>(alignof(SharedEvent), type.align);
}

/// Where the event starts behind the meta.
std::size_t object_offset(const EventType& type) {
  const std::size_t mask = alignment_of(type) - 1;
  return (sizeof(SharedEvent) + mask) & ~mask;
}

}  // namespace

EventRef EventRef::allocate(const EventType& type) {
  void* memory = ::operator new(object_offset(type) + type.size, std::align_val_t(alignment_of(type)));
  return EventRef(new (memory) SharedEvent{&type, nullptr, {}, {}, {}, 0, 0, 1});
}

EventRef EventRef::copy_of(const EventType& type, const void* event) {
  EventRef copy = allocate(type);
  void* place = reinterpret_cast<std::byte*>(copy.event_) + object_offset(type);
  type.copy_construct(place, event);
  copy->object = place;  // not before: when the copy constructor throws there is nothing to destroy
  return copy;
}

EventRef EventRef::uninitialised(const EventType& type) {
  EventRef room = allocate(type);
  room->object = reinterpret_cast<std::byte*>(room.event_) + object_offset(type);
  return room;
}

void EventRef::destroy(SharedEvent* event) noexcept {
  const EventType& type = *event->type;
  if (event->object) type.destroy(event->object);
  event->~SharedEvent();
  ::operator delete(event, std::align_val_t(alignment_of(type)));
}

}  // namespace actor::inproc
