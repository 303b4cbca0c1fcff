// The shm transport in an actor's process: the control protocol's wiring messages, turned into routes and segments.

#include <actor/error.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <process/carrier.hpp>
#include <process/link.hpp>
#include <set>
#include <shm/port.hpp>

namespace actor {
namespace {

using control::ToBroker;

/// An event that comes over the control socket, and not through anybody's memory.
shm::LatchedValue from_broker(ActorId sender, std::uint64_t sender_key, std::int64_t wall_offset_ns) {
  shm::LatchedValue event;
  event.is_latched = false;
  event.publisher = std::make_shared<shm::Publisher>();
  event.publisher->key = sender_key;
  event.publisher->id = sender;
  event.publisher->wall_offset_ns = wall_offset_ns;
  return event;
}

void fill(shm::LatchedValue& event, std::span<const std::byte> payload) {
  event.bytes = payload.size();
  event.memory.resize((event.bytes + sizeof(shm::Tail) - 1) / sizeof(shm::Tail));
  if (event.bytes != 0) std::memcpy(event.memory.data(), payload.data(), event.bytes);
}

class ShmLink final : public ProcessLink {
 public:
  ShmLink(std::span<const EventType* const> types, EpollLoop& loop, control::Channel& channel)
      : types_(types), loop_(loop), channel_(channel), status_(shm::make_status()) {}

  int status_fd() const override { return port_ ? port_->status_fd() : status_.fd(); }
  Port& port() override { return *port_; }
  const std::atomic<std::uint64_t>& command_epoch() const override {
    return reinterpret_cast<const shm::Word*>(epochs_.data())[epoch_slot_];
  }
  void set_stage(LifeStage stage) override {
    auto& words = port_ ? port_->status() : *reinterpret_cast<shm::Status*>(status_.data());
    words.state.store(static_cast<std::uint64_t>(stage), std::memory_order_release);
  }
  void watch(Monitors& monitors) override { port_->watch(monitors); }

  void welcome(const control::Welcome& welcome, std::vector<Fd>& fds) override;
  bool handle(control::ToActor& message, std::vector<Fd>& fds) override;

 private:
  template <class Message>
  void tell(const Message& message, std::initializer_list<int> fds = {}) {
    channel_.send<ToBroker>(message, std::span(fds.begin(), fds.size()));
  }
  shm::ShmPort::Events port_events();
  void bind(const control::TopicInfo& topic);
  void open_at_carrier(const control::TopicInfo& topic);
  void listen_at_carrier(const control::Attach& route);
  void forget_at_carrier(std::uint32_t route);
  void say_lost(std::uint32_t route);
  std::optional<std::uint16_t> index_of(std::uint64_t type_hash) const;
  std::uint16_t handle_of(const std::string& topic);
  [[noreturn]] void broken(const std::string& what) const;

  void on(const control::AddRoute& message, std::vector<Fd>& fds);
  void on(const control::SwitchReader& message, std::vector<Fd>& fds);
  void on(const control::ReaderGone& message, std::vector<Fd>& fds);
  void on(const control::RemoveRoute& message, std::vector<Fd>& fds);
  void on(const control::Attach& message, std::vector<Fd>& fds);
  void on(const control::PublisherEnded& message, std::vector<Fd>& fds);
  void on(const control::AttachLatched& message, std::vector<Fd>& fds);
  void on(const control::SystemEvent& message, std::vector<Fd>& fds);
  void on(const control::Redeliver& message, std::vector<Fd>& fds);
  void on(const control::Detach& message, std::vector<Fd>& fds);
  void on(const control::PeerExtentAdded& message, std::vector<Fd>& fds);
  void on(const control::PeerExtentDropped& message, std::vector<Fd>& fds);
  void on(const control::TopicOpened& message, std::vector<Fd>& fds);

  std::span<const EventType* const> types_;
  EpollLoop& loop_;
  control::Channel& channel_;
  shm::OwnedSegment status_;
  shm::PeerSegment epochs_;
  std::uint32_t epoch_slot_ = 0;
  std::unique_ptr<shm::ShmPort> port_;
  // Topics that a carrier has
  struct Listening {
    std::uint64_t sender_key;
    std::string sender;
    std::vector<std::uint16_t> topics;
    bool said_lost = false;
  };
  CarrierOptions carrier_;
  std::set<std::uint16_t> carried_;
  std::map<std::uint32_t, Listening> listening_;  // by route
};

void ShmLink::broken(const std::string& what) const {
  throw Error(ErrorCode::Internal, "the broker's wiring cannot be followed: " + what);
}

shm::ShmPort::Events ShmLink::port_events() {
  shm::ShmPort::Events events;
  events.sender.overflowed = [this](std::uint32_t route, std::uint16_t topic) {
    tell(control::Overflowed{route, topic});
  };
  events.sender.extents.added = [this](std::uint32_t extent, std::uint64_t bytes, int fd) {
    tell(control::ExtentAdded{extent, bytes}, {fd});
  };
  events.sender.extents.handed_over = [this] {
    channel_.flush();
    return !channel_.has_queued();
  };
  events.sender.extents.dropped = [this](std::uint32_t extent) { tell(control::ExtentDropped{extent}); };
  events.receiver.drained = [this](std::uint32_t route, std::uint32_t incarnation) {
    tell(control::SegmentDrained{route, incarnation});
  };
  events.receiver.corrupt = [this](std::uint32_t route, const std::string& what) {
    tell(control::PeerCorrupt{route, what});
  };
  events.receiver.redelivered = [this](std::uint64_t letter, bool known) { tell(control::Redelivered{letter, known}); };
  events.receiver.lost = [this](std::uint32_t route) { say_lost(route); };
  events.receiver.unreadable = [this](std::uint16_t topic, std::size_t bytes) {
    std::fprintf(stderr, "from outside, on topic %s: an event of %zu bytes that is of no type of this program's\n",
                 std::string(port_->topic_name(topic)).c_str(), bytes);
  };
  events.receiver.topic_name = [this](std::uint16_t wire) { return port_->sender().name_of_wire(wire); };
  events.topic_opened = [this](std::uint16_t handle) {
    const shm::PortTopic& topic = port_->sender().topic(handle);
    tell(control::OpenTopic{
        {topic.name, static_cast<std::uint8_t>(topic.policy.kind), topic.policy.deadline.count(), topic.latched}});
  };
  return events;
}

void ShmLink::welcome(const control::Welcome& welcome, std::vector<Fd>& fds) {
  std::string error;
  const bool tells_awake = welcome.parked_slot != control::Welcome::no_slot;
  const std::uint64_t last_slot = std::max(welcome.epoch_slot, tells_awake ? welcome.parked_slot : 0);
  auto epochs = shm::PeerSegment::open(fds.at(0).get(), (last_slot + 1) * sizeof(shm::Word), error);
  if (!epochs) broken(error);
  epochs_ = std::move(*epochs);
  epoch_slot_ = welcome.epoch_slot;

  shm::PortOptions options;
  options.self = ActorId(welcome.name);
  options.actor_key = welcome.actor_key;
  options.first_counter = welcome.first_counter;
  options.memory_bytes = welcome.memory_bytes;
  port_ = std::make_unique<shm::ShmPort>(options, types_, std::move(status_), loop_, port_events());
  if (tells_awake) {
    const auto* words = reinterpret_cast<const shm::Word*>(epochs_.data());
    port_->tell_awake(words[welcome.parked_slot], [this] { tell(control::Awake{}); });
  }
  if (welcome.types.size() != types_.size()) broken("it numbered other event types than ours");
  for (std::size_t i = 0; i < types_.size(); ++i) {
    port_->sender().set_wire_type(types_[i], welcome.types[i].id);
    port_->receiver().set_wire_type(welcome.types[i].id, static_cast<std::uint16_t>(i));
  }
  carrier_ = {welcome.carrier_module, welcome.carrier_service, welcome.carrier_runtime, welcome.name,
              welcome.incarnation};
  for (const control::TopicInfo& topic : welcome.topics) bind(topic);
  port_->receiver().set_in_flight({welcome.in_flight_route, welcome.in_flight_sequence, welcome.in_flight_attempt,
                                   welcome.in_flight_first_output, welcome.in_flight_outputs_end});
}

void ShmLink::bind(const control::TopicInfo& topic) {
  OverflowPolicy policy;
  policy.kind = static_cast<OverflowPolicy::Kind>(topic.policy);
  policy.deadline = std::chrono::nanoseconds(topic.deadline_ns);
  if (topic.carried_bytes != 0) open_at_carrier(topic);
  port_->bind_topic({topic.name, policy, topic.id, topic.may_publish, topic.latched, topic.carried_bytes});
}

void ShmLink::open_at_carrier(const control::TopicInfo& topic) {
  if (!port_->carrier()) port_->set_carrier(load_carrier(carrier_));
  port_->carrier()->open({topic.id, topic.name, topic.capacity, topic.carried_bytes,
                          static_cast<OverflowPolicy::Kind>(topic.policy) == OverflowPolicy::Kind::DropOldest,
                          topic.may_publish, topic.subscribed});
  carried_.insert(topic.id);
}

/// Before the publisher hears of our cursor: from then on it counts on us.
void ShmLink::listen_at_carrier(const control::Attach& route) {
  Listening listening{route.publisher_key, route.publisher, {}};
  for (const control::RouteTopic& topic : route.topics) {
    if (!carried_.contains(topic.topic)) continue;
    listening.topics.push_back(topic.topic);
    port_->carrier()->listen(topic.topic, route.publisher_key, route.publisher);
  }
  if (!listening.topics.empty()) listening_.insert_or_assign(route.route, std::move(listening));
}

void ShmLink::forget_at_carrier(std::uint32_t route) {
  const auto found = listening_.find(route);
  if (found == listening_.end()) return;
  for (const std::uint16_t topic : found->second.topics) port_->carrier()->forget(topic, found->second.sender_key);
  listening_.erase(found);
}

void ShmLink::say_lost(std::uint32_t route) {
  const auto found = listening_.find(route);
  if (found == listening_.end() || std::exchange(found->second.said_lost, true)) return;
  std::fprintf(stderr,
               "events that %s had sent, and the life before this one had not read, went with it; they count as "
               "dropped\n",
               found->second.sender.c_str());
}

bool ShmLink::handle(control::ToActor& message, std::vector<Fd>& fds) {
  return std::visit(
      [&](const auto& held) {
        if constexpr (requires { this->on(held, fds); }) {
          on(held, fds);
          return true;
        } else {
          return false;
        }
      },
      message);
}

void ShmLink::on(const control::AddRoute& message, std::vector<Fd>& fds) {
  shm::OutRouteSpec spec{message.route, message.reader, {}, message.slots, message.overwriting, message.base};
  for (const control::RouteTopic& topic : message.topics) spec.topics.push_back({topic.topic, topic.capacity});
  shm::OutRoute& route = port_->add_out_route(std::move(spec), std::move(fds.at(0)), std::move(fds.at(1)));
  if (message.reader_present) {
    std::string error;
    auto status = shm::PeerSegment::open(fds.at(2).get(), sizeof(shm::Status), error);
    if (!status || message.cursor_index >= shm::max_routes) broken("reader " + message.reader + ": " + error);
    route.set_reader(std::move(*status), message.cursor_index);
  }
  tell(control::RouteReady{message.route}, {route.ring_fd()});
}

void ShmLink::on(const control::SwitchReader& message, std::vector<Fd>& fds) {
  std::string error;
  auto status = shm::PeerSegment::open(fds.at(0).get(), sizeof(shm::Status), error);
  if (!status || message.cursor_index >= shm::max_routes ||
      !port_->switch_reader(message.route, std::move(*status), message.cursor_index, std::move(fds.at(1)),
                            std::move(fds.at(2))))
    broken("switch of a route's reader: " + error);
  tell(control::RouteSwitched{message.route});
}

void ShmLink::on(const control::ReaderGone& message, std::vector<Fd>&) {
  port_->reader_gone(message.route);
}

void ShmLink::on(const control::RemoveRoute& message, std::vector<Fd>&) {
  port_->remove_out_route(message.route);
  tell(control::RouteSwitched{message.route});
}

void ShmLink::on(const control::Attach& message, std::vector<Fd>& fds) {
  std::string error;
  auto publisher = port_->receiver().publisher(message.publisher_key, message.incarnation, message.publisher,
                                               fds.at(1).get(), error);
  if (publisher) {
    const shm::RingShape shape{message.slots, message.base, message.first_counter, message.overwriting};
    shm::InSegmentSpec spec{message.route,   std::move(publisher), {},
                            shape,           message.cursor,       message.cursor_index,
                            fds.at(0).get(), std::move(fds.at(2)), std::move(fds.at(3)),
                            message.ended,   message.final_head,   message.from_record};
    spec.smallest_quota = UINT32_MAX;
    for (const control::RouteTopic& topic : message.topics) {
      spec.topics.push_back(topic.topic);
      spec.smallest_quota = std::min(spec.smallest_quota, topic.capacity);
    }
    port_->attach(std::move(spec), error);
    listen_at_carrier(message);
  }
  if (!error.empty()) tell(control::PeerCorrupt{message.route, error});
  tell(control::Attached{message.route, message.incarnation});
}

void ShmLink::on(const control::PublisherEnded& message, std::vector<Fd>&) {
  port_->receiver().end_segment(message.route, message.incarnation, message.final_head, message.from_record);
}

void ShmLink::on(const control::AttachLatched& message, std::vector<Fd>& fds) {
  std::string error;
  auto publisher = port_->receiver().publisher(message.publisher_key, message.incarnation, message.publisher,
                                               fds.at(0).get(), error);
  if (publisher) port_->receiver().offer_latched(message.route, std::move(publisher), message.topics);
}

/// Types are told apart by their hash: who has an event of another kind in mind is not handed it.
std::optional<std::uint16_t> ShmLink::index_of(std::uint64_t type_hash) const {
  const auto known =
      std::find_if(types_.begin(), types_.end(), [&](const auto* type) { return type->hash == type_hash; });
  if (known == types_.end()) return std::nullopt;
  return static_cast<std::uint16_t>(known - types_.begin());
}

std::uint16_t ShmLink::handle_of(const std::string& topic) {
  for (std::uint16_t handle = 0; handle < port_->sender().topic_count(); ++handle) {
    if (port_->sender().topic(handle).name == topic) return handle;
  }
  return port_->bind_topic({topic, OverflowPolicy::drop_oldest(), 0, false});
}

void ShmLink::on(const control::SystemEvent& message, std::vector<Fd>&) {
  const auto type = index_of(message.type_hash);
  if (!type) return;
  shm::LatchedValue event = from_broker(ActorId("$sys"), message.sender_key, message.wall_offset_ns);
  event.counter = message.counter;
  event.stamp_ns = message.stamp_ns;
  event.topic = handle_of(message.topic);
  event.type = *type;
  fill(event, std::as_bytes(std::span(message.payload)));
  port_->receiver().add_system_event(std::move(event));
}

void ShmLink::on(const control::Redeliver& message, std::vector<Fd>& fds) {
  const auto type = index_of(message.type_hash);
  std::string error;
  std::optional<shm::PeerSegment> shared;
  if (message.shared_bytes != 0) shared = shm::PeerSegment::open(fds.at(0).get(), message.shared_bytes, error);
  if (!type || !error.empty()) return tell(control::Redelivered{message.letter, false});
  shm::LatchedValue event = from_broker(ActorId(message.sender), message.id.actor, message.wall_offset_ns);
  event.letter = message.letter;
  event.attempt = message.attempt;
  event.counter = message.id.counter;
  event.parent = message.parent;
  event.stamp_ns = message.stamp_ns;
  event.topic = handle_of(message.topic);
  event.type = *type;
  fill(event, shared ? std::span<const std::byte>(shared->data(), message.shared_bytes)
                     : std::as_bytes(std::span(message.payload)));
  port_->receiver().add_letter(std::move(event));
}

void ShmLink::on(const control::Detach& message, std::vector<Fd>&) {
  port_->detach(message.route);
  forget_at_carrier(message.route);
}

void ShmLink::on(const control::PeerExtentAdded& message, std::vector<Fd>& fds) {
  std::string error;
  if (!port_->receiver().add_extent(message.publisher_key, message.incarnation, message.extent, fds.at(0).get(), error))
    broken("extent " + std::to_string(message.extent) + " of a publisher: " + error);
}

void ShmLink::on(const control::PeerExtentDropped& message, std::vector<Fd>&) {
  port_->receiver().drop_extent(message.publisher_key, message.incarnation, message.extent);
}

void ShmLink::on(const control::TopicOpened& message, std::vector<Fd>&) {
  bind(message.topic);
}

}  // namespace

std::unique_ptr<ProcessLink> make_shm_link(std::span<const EventType* const> types, EpollLoop& loop,
                                           control::Channel& channel) {
  return std::make_unique<ShmLink>(types, loop, channel);
}

}  // namespace actor
