#pragma once
// What an actor without work does with its core, between answering soon and saving power. A value; any thread.

#include <cstdint>

namespace actor {

enum class Latency : std::uint8_t {
  Low,        ///< looks for events for up to a millisecond before it sleeps
  Balanced,   ///< for up to 20 microseconds, about what being woken costs
  PowerSave,  ///< sleeps at once
};

}  // namespace actor
