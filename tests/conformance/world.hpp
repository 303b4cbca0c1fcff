#pragma once
// What the conformance suite asks of a transport: a world to which actors' ports are added, taken away and restarted,
// the way a broker or a supervisor would. One implementation per transport; the tests see nothing else of it. The
// test's main thread owns the world and calls it; a peer's port is used by the peer's thread while that runs.

#include <actor/topic.hpp>
#include <actor/transport.hpp>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conformance/peer.hpp"

namespace actor::conformance {

struct TopicSpec {
  std::string name;
  OverflowPolicy policy;
  std::size_t capacity = 8;  ///< events per sender and reader; a power of two
  bool latched = false;
};

struct WorldOptions {
  std::vector<TopicSpec> topics;           ///< all the topics of the test; every peer may publish each of them
  std::size_t outbox_limit = 64;           ///< events one sender may stage; a transport may count bytes instead
  std::uint64_t first_sequence = 1;        ///< where each queue's numbering starts
  std::uint64_t memory_bytes = 64u << 20;  ///< of payloads per peer, where the transport has a budget
};

class World {
 public:
  virtual ~World() = default;

  /// A new actor that knows `types` and reads the named topics. When it returns, what any peer sends from then on
  /// reaches it. Peers whose threads run are told on their threads.
  virtual Peer& add(std::string_view name, std::span<const EventType* const> types,
                    std::vector<std::string> subscriptions) = 0;
  /// An ordered end. What is still queued for the peer counts as dropped; what it has sent stays queued at its readers.
  /// REQUIRES: the peer's thread does not run.
  virtual void remove(Peer& peer) = 0;

  /// Does a dead actor's successor find what was queued for it, and the event in hand?
  virtual bool survives_restart() const = 0;
  /// The actor dies here and now and its successor takes over: same peer, maybe another port object. Without
  /// survives_restart() some of what was queued for it is lost, and counts as dropped.
  /// REQUIRES: the peer's thread does not run.
  virtual void restart(Peer& peer) = 0;

  /// The counters of removed peers.
  virtual PortCounters departed() const = 0;
  /// (reader, topic) of each overflow of a Fail topic so far.
  virtual std::vector<std::pair<std::string, std::string>> overflows() = 0;
  /// How many events have travelled by the transport's own means so far; all of them, unless it says otherwise.
  virtual std::uint64_t carried() { return UINT64_MAX; }
  /// Every peer, in the order of its coming.
  virtual std::vector<Peer*> peers() = 0;
};

/// Adds all but `staged`: what a dead actor had staged died with it.
void add_to(PortCounters& sum, const PortCounters& counters);

struct Transport {
  const char* name;
  std::unique_ptr<World> (*make)(WorldOptions options);

  friend void PrintTo(const Transport& transport, std::ostream* out) { *out << transport.name; }  // for GoogleTest
};

/// Every transport of this build; the suite runs once for each.
std::vector<Transport> transports();

}  // namespace actor::conformance
