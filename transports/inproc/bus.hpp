#pragma once
// The in-process transport's meeting place: topics and readers. One per runtime, owned by whoever runs its actors; any
// thread may call. Ports may outlive it: they share what is behind it.

#include <actor/signal.hpp>
#include <actor/subscribe.hpp>
#include <actor/transport.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <supervisor/hub.hpp>
#include <utility>
#include <vector>

namespace actor::inproc {

class BusCore;
class BusPort;

/// CLOCK_MONOTONIC in ns.
std::int64_t monotonic_ns();

struct BusOptions {
  std::size_t topic_capacity = 256;  ///< events that wait per topic, sender and reader, unless said otherwise
  std::size_t outbox_limit = 1024;   ///< events that one sender may have staged
  std::uint64_t first_sequence = 1;  ///< of every sender's event numbers, and of every queue's; for tests of large ones
  std::optional<std::int64_t> wall_offset_ns = {};     ///< what to add to `clock` for the system clock; none: measured
  std::function<std::int64_t()> clock = monotonic_ns;  ///< stamps and deadlines; called from every actor's thread
  /// A Fail topic overflowed: `reader` was too slow, its copy is dropped. Called on the sender's thread with no lock
  /// held, once for each such event, for the owner to stop that reader. May call the bus, but not the sender's port.
  std::function<void(ActorId reader, std::string_view topic)> on_overflow = {};
  /// An event is given up on: it was queued for a reader that ends, or is not to be handed out again. Called on the
  /// reader's thread, or the sender's, with no lock held. Empty: such events count as dropped.
  std::function<void(DeadLetter)> on_dead_letter = {};
  Monitors* monitors = nullptr;  ///< told of each copy that is dispatched or finds no room
  /// For tests, when one thread runs all actors: what happens to each copy on its way. A delayed one has its room from
  /// the start and is pushed by what `later` is given, maybe after copies that were sent after it.
  std::function<Disturbance(const Observation&)> disturb = {};
  std::function<void(std::chrono::nanoseconds delay, std::function<void()> work)> later = {};
};

class Bus {
 public:
  /// `runtime_id` makes the ids of this runtime's events differ from those of all others: a random number.
  explicit Bus(std::uint64_t runtime_id, BusOptions options = {});
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// The port of one actor. From the return on it is sent the events of `topics`; destroying the port detaches it.
  /// `types` is the reader's event set: Delivery::type is an index into it. `capacity` overrides every topic's capacity
  /// at this reader; 0 does not. `signal` is raised when there is something for the port: its lane bits and
  /// Signal::room are the port's. Peers share it, and it must keep its Waker alive. Throws Error(DuplicateActorName)
  /// while another port has that name.
  std::unique_ptr<BusPort> attach(ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
                                  std::shared_ptr<Signal> signal, std::size_t capacity = 0);

  /// How many events of `topic` wait for each reader from each sender. REQUIRES: called before the topic's first event.
  void set_capacity(std::string_view topic, std::size_t events);

  /// Who has sent to which topic so far: (actor, topic), each once.
  std::vector<std::pair<ActorId, std::string>> publishers() const;
  /// What the ports that are gone had counted. Events that were still queued for them count as dropped.
  PortCounters departed() const;

 private:
  std::shared_ptr<BusCore> core_;
};

}  // namespace actor::inproc
