#pragma once
// What a supervisor needs of an in-process transport: a port for each of its actors. Implemented by transports/inproc.

#include <actor/signal.hpp>
#include <actor/subscribe.hpp>
#include <actor/transport.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

namespace actor {

class Hub {
 public:
  virtual ~Hub() = default;
  /// A port that is sent the events of `topics` from now on, until it is destroyed, and that is woken through
  /// `signal`. Any thread.
  virtual std::unique_ptr<Port> attach(ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
                                       std::shared_ptr<Signal> signal) = 0;
};

/// `on_overflow` is called on the sender's thread when a reader of a Fail topic was too slow.
std::unique_ptr<Hub> make_inproc_hub(std::uint64_t runtime_id,
                                     std::function<void(ActorId reader, std::string_view topic)> on_overflow);

}  // namespace actor
