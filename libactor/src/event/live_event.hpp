#pragma once
// An event of a type that is known at run time only, made live from its wire form. Functions only: any thread.

#include <actor/event.hpp>
#include <cstddef>
#include <memory>
#include <span>

namespace actor {

/// On the heap, with the alignment that its type asks for. Null when the bytes are no such event.
std::shared_ptr<const void> make_live(const EventType& type, std::span<const std::byte> bytes);

}  // namespace actor
