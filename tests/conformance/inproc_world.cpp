#include "conformance/inproc_world.hpp"

#include <actor/subscribe.hpp>
#include <algorithm>
#include <mutex>
#include <random>

#include "inproc/bus.hpp"
#include "inproc/bus_port.hpp"

namespace actor::conformance {
namespace {

/// In-process a restart means that the actor object is made anew and keeps its port.
class InprocWorld final : public World {
 public:
  explicit InprocWorld(const WorldOptions& options) : bus_(std::random_device()(), bus_options(options)) {
    for (const TopicSpec& topic : options.topics) {
      topics_.emplace(topic.name, PeerTopic{topic.policy, topic.latched});
      bus_.set_capacity(topic.name, topic.capacity);
    }
  }
  ~InprocWorld() override {
    for (const auto& peer : peers_) peer->end();
  }

  Peer& add(std::string_view name, std::span<const EventType* const> types,
            std::vector<std::string> subscriptions) override {
    auto peer = std::make_unique<Peer>(name, topics_);
    peer->set_port(bus_.attach(peer->id(), types, Subscribe::named(subscriptions), peer->signal()));
    return *peers_.emplace_back(std::move(peer));
  }
  void remove(Peer& peer) override {
    std::erase_if(peers_, [&](const auto& known) { return known.get() == &peer; });
  }

  bool survives_restart() const override { return true; }
  void restart(Peer& peer) override { dynamic_cast<inproc::BusPort&>(peer.port()).restart(); }

  PortCounters departed() const override { return bus_.departed(); }
  std::vector<std::pair<std::string, std::string>> overflows() override {
    const std::scoped_lock lock(mutex_);
    return overflows_;
  }
  std::vector<Peer*> peers() override {
    std::vector<Peer*> all;
    for (const auto& peer : peers_) all.push_back(peer.get());
    return all;
  }

 private:
  inproc::BusOptions bus_options(const WorldOptions& options) {
    return {.outbox_limit = options.outbox_limit,
            .first_sequence = options.first_sequence,
            .on_overflow = [this](ActorId reader, std::string_view topic) {
              const std::scoped_lock lock(mutex_);
              overflows_.emplace_back(reader.name(), topic);
            }};
  }

  std::mutex mutex_;
  std::vector<std::pair<std::string, std::string>> overflows_;
  std::map<std::string, PeerTopic> topics_;
  inproc::Bus bus_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

}  // namespace

std::unique_ptr<World> make_inproc_world(WorldOptions options) {
  return std::make_unique<InprocWorld>(options);
}

}  // namespace actor::conformance
