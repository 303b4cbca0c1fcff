#include <event/live_event.hpp>
#include <new>

namespace actor {

std::shared_ptr<const void> make_live(const EventType& type, std::span<const std::byte> bytes) {
  const auto alignment = std::align_val_t(type.align);
  void* memory = ::operator new(type.size, alignment);
  type.construct(memory);
  std::shared_ptr<const void> event(memory, [&type, alignment](void* held) {
    type.destroy(held);
    ::operator delete(held, alignment);
  });
  return type.decode(bytes, memory) ? event : nullptr;
}

}  // namespace actor
