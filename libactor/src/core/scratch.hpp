#pragma once
// Where payloads that cannot be read in place are decoded: one live object per event type, kept, so that strings and
// vectors keep their capacity and decoding allocates nothing in steady state. Owned by a runner, one thread.

#include <actor/event.hpp>
#include <new>
#include <span>
#include <vector>

namespace actor {

class Scratch {
 public:
  explicit Scratch(std::span<const EventType* const> types) : types_(types), objects_(types.size(), nullptr) {}
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      if (!objects_[i]) continue;
      types_[i]->destroy(objects_[i]);
      ::operator delete(objects_[i], std::align_val_t(types_[i]->align));
    }
  }

  /// The decoded event, valid until the next call for the same type; null when the payload is malformed.
  const void* decode(std::size_t index, std::span<const std::byte> payload) {
    const EventType& type = *types_[index];
    void*& object = objects_[index];
    if (!object) {
      object = ::operator new(type.size, std::align_val_t(type.align));
      type.construct(object);
    }
    return type.decode(payload, object) ? object : nullptr;
  }

 private:
  std::span<const EventType* const> types_;
  std::vector<void*> objects_;
};

}  // namespace actor
