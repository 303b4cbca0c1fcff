#include "conformance/shm_world.hpp"

#include <fcntl.h>

#include <actor/error.hpp>
#include <algorithm>
#include <bit>
#include <deque>
#include <mutex>
#include <shm/bell.hpp>
#include <shm/port.hpp>
#include <shm/recovery.hpp>

namespace actor::conformance {
namespace {

constexpr std::uint64_t runtime_id = 0x5eed;

Fd duplicate(int fd) {
  Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw_errno("duplicating a descriptor for a test's peer");
  return copy;
}

shm::PeerSegment open_status(int fd) {
  std::string error;
  auto status = shm::PeerSegment::open(fd, sizeof(shm::Status), error);
  ACTOR_ASSERT(status, "a peer's status segment is what the port has made");
  return std::move(*status);
}

const shm::Status& words_of(const shm::PeerSegment& status) {
  return *reinterpret_cast<const shm::Status*>(status.data());
}

/// One life of a publisher: what outlives its port. The extents change on its thread while it lives.
struct Life {
  std::uint32_t number;
  Fd status;
  std::map<std::uint32_t, Fd> extents;
};

struct Node {
  std::string name;
  std::uint64_t key;
  std::span<const EventType* const> types;
  std::vector<std::string> subscriptions;
  Peer* peer = nullptr;  // null: removed
  std::shared_ptr<Life> life;
  std::vector<std::shared_ptr<Life>> earlier;  // kept for their latched values
  std::uint32_t lives = 0;
  std::uint64_t first_counter = 1;
  shm::InFlight in_flight;
  std::uint32_t cursors = 0;    // used in its status segments, as a reader
  std::vector<Node*> audience;  // who has its extents; changes on its thread

  shm::ShmPort& port() const { return dynamic_cast<shm::ShmPort&>(peer->port()); }
};

struct Segment {
  std::shared_ptr<Life> life;
  Fd ring;
  bool ended = false;
  shm::Ending end = {};
};

struct Route {
  std::uint32_t id;
  Node* from;
  Node* to;
  std::vector<shm::RouteTopicQuota> topics;
  bool overwriting;
  std::uint64_t base;    // where the next segment starts
  std::uint64_t cursor;  // of the reader, when it last died
  std::uint32_t cursor_index;
  Fd data_bell;
  Fd space_bell;
  std::deque<Segment> segments;  // under the world's mutex: readers' threads drop what they have drained
};

class ShmWorld final : public World {
 public:
  explicit ShmWorld(WorldOptions options, Carriage carriage = {})
      : options_(std::move(options)), carriage_(std::move(carriage)) {
    for (const TopicSpec& topic : options_.topics) topics_.emplace(topic.name, PeerTopic{topic.policy, topic.latched});
  }
  ~ShmWorld() override {
    for (const auto& peer : peers_) peer->end();
  }

  Peer& add(std::string_view name, std::span<const EventType* const> types,
            std::vector<std::string> subscriptions) override;
  void remove(Peer& peer) override;
  bool survives_restart() const override { return !carriage_.make; }
  void restart(Peer& peer) override {
    Node& node = node_of(peer);
    end_life(node);
    begin_life(node);
  }
  PortCounters departed() const override { return departed_; }
  std::uint64_t carried() override { return carriage_.make ? carriage_.carried() : UINT64_MAX; }
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
  Node& node_of(const Peer& peer) { return *nodes_.at(peer.name()); }
  std::uint16_t wire_type(const EventType* type) {
    return wire_types_.emplace(type->hash, static_cast<std::uint16_t>(wire_types_.size() + 1)).first->second;
  }
  void make_port(Node& node);
  shm::ShmPort::Events events_of(Node& node);
  void make_routes(Node& from, Node& to);
  void add_route(Node& from, Node& to, std::vector<shm::RouteTopicQuota> topics, bool overwriting);
  void open_route(Route& route);
  void attach_segment(Route& route, const Segment& segment);
  void end_segment(Route& route);
  void make_missing_routes(Node& from, Node& to);
  void connect(Route& route);
  void offer_latched(Node& node);
  void begin_life(Node& node);
  void end_life(Node& node);
  void share_extent(Node& from, std::uint32_t extent, int fd);

  const WorldOptions options_;
  const Carriage carriage_;
  std::map<std::string, PeerTopic> topics_;
  std::map<std::uint64_t, std::uint16_t> wire_types_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Peer>> peers_;
  PortCounters departed_;

  std::mutex mutex_;  // never held while another thread is waited for
  std::map<std::uint32_t, std::unique_ptr<Route>> routes_;
  std::uint32_t next_route_ = 1;
  std::vector<std::pair<std::string, std::string>> overflows_;
};

Peer& ShmWorld::add(std::string_view name, std::span<const EventType* const> types,
                    std::vector<std::string> subscriptions) {
  auto& node = nodes_[std::string(name)];
  if (!node) {
    node = std::make_unique<Node>();
    node->name = name;
    node->key = actor_key(runtime_id, name);
    node->first_counter = std::max<std::uint64_t>(options_.first_sequence, 1);
  }
  ACTOR_ASSERT(!node->peer, "a test's peers have different names");
  node->types = types;
  node->subscriptions = std::move(subscriptions);
  node->peer = peers_.emplace_back(std::make_unique<Peer>(name, topics_)).get();
  begin_life(*node);
  return *node->peer;
}

void ShmWorld::make_port(Node& node) {
  shm::PortOptions options;
  options.self = ActorId(node.name);
  options.actor_key = node.key;
  options.first_counter = node.first_counter;
  options.memory_bytes = options_.memory_bytes;
  auto port =
      std::make_unique<shm::ShmPort>(options, node.types, shm::make_status(), node.peer->loop(), events_of(node));
  node.life = std::make_shared<Life>(Life{++node.lives, duplicate(port->status_fd()), {}});
  if (carriage_.make) port->set_carrier(carriage_.make(node.name, node.lives));
  node.audience.clear();
  for (std::size_t i = 0; i < node.types.size(); ++i) {
    const std::uint16_t wire = wire_type(node.types[i]);
    port->sender().set_wire_type(node.types[i], wire);
    port->receiver().set_wire_type(wire, static_cast<std::uint16_t>(i));
  }
  for (std::size_t i = 0; i < options_.topics.size(); ++i) {
    const TopicSpec& topic = options_.topics[i];
    const auto wire = static_cast<std::uint16_t>(i + 1);
    const std::uint64_t carried_bytes = carriage_.make && carriage_.can_carry(topic) ? carriage_.most_bytes : 0;
    if (carried_bytes != 0)
      port->carrier()->open({wire, topic.name, static_cast<std::uint32_t>(topic.capacity), carried_bytes,
                             topic.policy.kind == OverflowPolicy::Kind::DropOldest, true, false});
    port->bind_topic({topic.name, topic.policy, wire, true, topic.latched, carried_bytes});
  }
  port->receiver().set_in_flight(node.in_flight);
  node.peer->set_port(std::move(port));
}

/// Called on the peer's own thread.
shm::ShmPort::Events ShmWorld::events_of(Node& node) {
  shm::ShmPort::Events events;
  events.sender.overflowed = [this](std::uint32_t route, std::uint16_t topic) {
    const std::scoped_lock lock(mutex_);
    overflows_.emplace_back(routes_.at(route)->to->name, options_.topics[topic - 1u].name);
  };
  events.sender.extents.added = [this, &node](std::uint32_t extent, std::uint64_t, int fd) {
    share_extent(node, extent, fd);
  };
  events.sender.extents.dropped = [&node](std::uint32_t extent) {
    node.life->extents.erase(extent);
    for (Node* reader : node.audience) {
      reader->peer->post([reader, key = node.key, life = node.life->number, extent] {
        reader->port().receiver().drop_extent(key, life, extent);
      });
    }
  };
  events.receiver.drained = [this](std::uint32_t route, std::uint32_t) {
    const std::scoped_lock lock(mutex_);
    routes_.at(route)->segments.pop_front();
  };
  events.receiver.corrupt = [](std::uint32_t, const std::string& what) {
    ACTOR_ASSERT(what.empty(), "nobody here breaks the rules of shared memory");
  };
  return events;
}

void ShmWorld::share_extent(Node& from, std::uint32_t extent, int fd) {
  from.life->extents.insert_or_assign(extent, duplicate(fd));
  for (Node* reader : from.audience) {
    reader->peer->post([reader, key = from.key, life = from.life, extent, copy = std::make_shared<Fd>(duplicate(fd))] {
      std::string error;
      reader->port().receiver().add_extent(key, life->number, extent, copy->get(), error);
      ACTOR_ASSERT(error.empty(), "an extent is sealed memory");
    });
  }
}

void ShmWorld::make_routes(Node& from, Node& to) {
  std::vector<shm::RouteTopicQuota> in_order;
  for (std::size_t i = 0; i < options_.topics.size(); ++i) {
    const TopicSpec& topic = options_.topics[i];
    const auto& wanted = to.subscriptions;
    if (std::find(wanted.begin(), wanted.end(), topic.name) == wanted.end()) continue;
    const shm::RouteTopicQuota quota{static_cast<std::uint16_t>(i + 1), static_cast<std::uint32_t>(topic.capacity)};
    if (topic.policy.kind == OverflowPolicy::Kind::DropOldest) {
      add_route(from, to, {quota}, true);
    } else {
      in_order.push_back(quota);
    }
  }
  if (!in_order.empty()) add_route(from, to, std::move(in_order), false);
}

void ShmWorld::add_route(Node& from, Node& to, std::vector<shm::RouteTopicQuota> topics, bool overwriting) {
  const std::scoped_lock lock(mutex_);
  const std::uint32_t id = next_route_++;
  routes_.emplace(id, std::make_unique<Route>(Route{id,
                                                    &from,
                                                    &to,
                                                    std::move(topics),
                                                    overwriting,
                                                    options_.first_sequence,
                                                    options_.first_sequence,
                                                    to.cursors++,
                                                    shm::make_bell(),
                                                    shm::make_bell(),
                                                    {}}));
}

/// The publisher begins a ring.
void ShmWorld::open_route(Route& route) {
  std::uint32_t slots = 0;
  for (const auto& topic : route.topics) slots += topic.capacity;
  shm::OutRouteSpec spec{route.id, route.to->name, route.topics, std::bit_ceil(slots), route.overwriting, route.base};
  Fd ring;
  route.from->peer->run([&] {
    const shm::OutRoute& opened = route.from->port().add_out_route(std::move(spec), duplicate(route.data_bell.get()),
                                                                   duplicate(route.space_bell.get()));
    ring = duplicate(opened.ring_fd());
  });
  const std::scoped_lock lock(mutex_);
  route.segments.push_back({route.from->life, std::move(ring)});
}

/// The reader takes up one segment of the route; oldest first.
void ShmWorld::attach_segment(Route& route, const Segment& segment) {
  route.to->peer->run([&] {
    std::string error;
    shm::Receiver& receiver = route.to->port().receiver();
    const std::uint32_t life = segment.life->number;
    auto publisher = receiver.publisher(route.from->key, life, route.from->name, segment.life->status.get(), error);
    ACTOR_ASSERT(publisher, "a status segment is what the port has made");
    shm::InSegmentSpec spec{route.id,
                            publisher,
                            {},
                            shm::RingView::open(segment.ring.get(), error)->shape(),
                            route.cursor,
                            route.cursor_index,
                            segment.ring.get(),
                            duplicate(route.data_bell.get()),
                            duplicate(route.space_bell.get()),
                            segment.ended,
                            segment.end.final_head,
                            segment.end.from_record,
                            UINT32_MAX};
    for (const auto& topic : route.topics) {
      spec.topics.push_back(topic.topic);
      spec.smallest_quota = std::min(spec.smallest_quota, topic.capacity);
    }
    route.to->port().attach(std::move(spec), error);
    for (const auto& topic : route.topics) {
      if (Carrier* carrier = route.to->port().carrier())
        carrier->listen(topic.topic, route.from->key, route.from->name);
    }
    if (segment.ended) {  // a live publisher's extents come with connect()
      for (const auto& [extent, fd] : segment.life->extents)
        receiver.add_extent(route.from->key, life, extent, fd.get(), error);
    }
    ACTOR_ASSERT(error.empty(), "rings and extents are what the port has made");
  });
}

/// The publisher learns where the reader's cursor is, the reader where the publisher's payloads are.
void ShmWorld::connect(Route& route) {
  Node& from = *route.from;
  Node& to = *route.to;
  std::map<std::uint32_t, Fd> extents;
  from.peer->run([&] {
    from.port().sender().find_route(route.id)->set_reader(open_status(to.life->status.get()), route.cursor_index);
    if (std::find(from.audience.begin(), from.audience.end(), &to) != from.audience.end()) return;
    from.audience.push_back(&to);  // what comes later is posted to it
    for (const auto& [extent, fd] : from.life->extents) extents.emplace(extent, duplicate(fd.get()));
  });
  to.peer->run([&] {
    std::string error;
    for (const auto& [extent, fd] : extents) {
      to.port().receiver().add_extent(from.key, from.life->number, extent, fd.get(), error);
    }
    ACTOR_ASSERT(error.empty(), "an extent is sealed memory");
  });
}

void ShmWorld::make_missing_routes(Node& from, Node& to) {
  const bool known = std::any_of(routes_.begin(), routes_.end(), [&](const auto& entry) {
    return entry.second->from == &from && entry.second->to == &to;
  });
  if (!known) make_routes(from, to);
}

void ShmWorld::offer_latched(Node& node) {
  std::vector<std::uint16_t> topics;
  for (std::size_t i = 0; i < options_.topics.size(); ++i) {
    const auto& wanted = node.subscriptions;
    if (std::find(wanted.begin(), wanted.end(), options_.topics[i].name) != wanted.end())
      topics.push_back(static_cast<std::uint16_t>(i + 1));
  }
  for (const auto& [name, from] : nodes_) {
    if (from.get() == &node) continue;
    for (const auto& life : from->earlier) {
      std::string error;
      shm::Receiver& receiver = node.port().receiver();
      receiver.offer_latched(0, receiver.publisher(from->key, life->number, name, life->status.get(), error), topics);
      for (const auto& [extent, fd] : life->extents)
        receiver.add_extent(from->key, life->number, extent, fd.get(), error);
      ACTOR_ASSERT(error.empty(), "a dead peer's memory is what its port has made");
    }
  }
}

void ShmWorld::begin_life(Node& node) {
  make_port(node);
  offer_latched(node);
  for (const auto& [name, other] : nodes_) {
    if (!other->peer || other.get() == &node) continue;
    make_missing_routes(*other, node);
    make_missing_routes(node, *other);
  }
  for (const auto& [id, route] : routes_) {
    if (route->from != &node && route->to != &node) continue;
    if (route->to == &node) {
      for (const Segment& segment : route->segments) attach_segment(*route, segment);
    }
    if (!route->from->peer) continue;
    if (route->segments.empty() || route->segments.back().life != route->from->life) {
      open_route(*route);
      attach_segment(*route, route->segments.back());
    }
    connect(*route);
  }
}

/// What a broker does when an actor's process is gone.
void ShmWorld::end_life(Node& node) {
  node.peer->run([] {});  // what was posted to it
  const shm::PeerSegment status = open_status(node.life->status.get());
  const shm::Status& words = words_of(status);
  add_to(departed_, node.port().counters());
  node.first_counter = words.counters.counter_limit.load();
  node.in_flight = {};
  for (const auto& [id, route] : routes_) {
    if (route->to != &node) continue;
    route->cursor = words.cursors[route->cursor_index].done.load();
    if (words.flight.route.load() == id && words.flight.sequence.load() == route->cursor) {
      node.in_flight = {id, words.flight.sequence.load(), static_cast<std::uint32_t>(words.flight.attempt.load()),
                        words.flight.first_output.load(), words.flight.outputs_end.load()};
    }
    Node& from = *route->from;
    if (!from.peer) continue;
    from.peer->run([&, route = route.get()] {
      std::erase(from.audience, &node);
      from.port().sender().find_route(route->id)->clear_reader();
    });
  }
  node.peer->take_port().reset();
  node.earlier.push_back(node.life);
  for (const auto& [id, route] : routes_) {
    if (route->from == &node) end_segment(*route);
  }
}

void ShmWorld::end_segment(Route& route) {
  std::string error;
  Segment& last = route.segments.back();
  const std::uint64_t cursor = route.to->port().status().cursors[route.cursor_index].done.load();
  const auto ring = shm::RingView::open(last.ring.get(), error);
  ACTOR_ASSERT(ring, "a ring is what the port has made");
  const auto end = shm::final_head(*ring, last.life->status.get(), route.id, cursor, error);
  ACTOR_ASSERT(end, "a ring is what the port has made");
  last.end = *end;
  last.ended = true;
  route.base = end->final_head + (end->from_record ? 1 : 0);
  const std::uint32_t life = last.life->number;
  // From here on the reader's thread may drop the segment.
  route.to->peer->run(
      [&] { route.to->port().receiver().end_segment(route.id, life, end->final_head, end->from_record); });
}

void ShmWorld::remove(Peer& peer) {
  Node& node = node_of(peer);
  end_life(node);
  for (auto entry = routes_.begin(); entry != routes_.end();) {
    Route& route = *entry->second;
    if (route.to != &node) {
      ++entry;
      continue;
    }
    std::uint64_t end = route.base;
    if (route.from->peer) {
      route.from->peer->run([&] {
        shm::ShmPort& publisher = route.from->port();
        end = publisher.sender().find_route(route.id)->head();
        publisher.remove_out_route(route.id);
        publisher.reader_gone(route.id);
      });
    }
    departed_.dropped += end - route.cursor;
    const std::scoped_lock lock(mutex_);
    entry = routes_.erase(entry);
  }
  node.peer = nullptr;
  std::erase_if(peers_, [&](const auto& known) { return known.get() == &peer; });
}

}  // namespace

std::unique_ptr<World> make_carried_world(WorldOptions options, Carriage carriage) {
  return std::make_unique<ShmWorld>(std::move(options), std::move(carriage));
}

std::unique_ptr<World> make_shm_world(WorldOptions options) {
  return std::make_unique<ShmWorld>(std::move(options));
}

}  // namespace actor::conformance
