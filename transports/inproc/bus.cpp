#include "inproc/bus.hpp"

#include <actor/error.hpp>
#include <algorithm>
#include <chrono>

#include "inproc/bus_core.hpp"
#include "inproc/bus_port.hpp"

namespace actor::inproc {
namespace {

constexpr std::size_t max_topics = 0xfffe;  // handles 1 to 0xfffe

std::int64_t wall_ns() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::int64_t monotonic_ns() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

BusCore::BusCore(std::uint64_t runtime_id, BusOptions options)
    : runtime_id_(runtime_id),
      options_(std::move(options)),
      wall_offset_ns_(options_.wall_offset_ns.value_or(wall_ns() - options_.clock())) {
  ACTOR_ASSERT(options_.topic_capacity > 0, "a topic without room for one event could never carry any");
}

BusTopic& BusCore::topic_named(std::string_view name) {
  const auto found = topic_ids_.find(name);
  if (found != topic_ids_.end()) return topics_[found->second - 1u];
  if (topics_.size() == max_topics) {
    throw Error(ErrorCode::Refused, "cannot open topic \"" + std::string(name) + "\": this runtime has " +
                                        std::to_string(max_topics) +
                                        " topics already, as many as a handle can tell apart; use fewer topic values");
  }
  const auto id = static_cast<std::uint16_t>(topics_.size() + 1);
  topic_ids_.emplace(name, id);
  return topics_.emplace_back(
      BusTopic{id, std::string(name), {}, {}, false, name.substr(0, 5) == "$sys/", options_.topic_capacity});
}

const BusTopic& BusCore::open_topic(std::string_view name, OverflowPolicy policy, bool latched, ActorId opener) {
  const std::scoped_lock lock(mutex_);
  BusTopic& topic = topic_named(name);
  if (!topic.policy) {
    topic.policy = policy;
    topic.latched = latched;
    topic.opened_by = opener;
  } else if (*topic.policy != policy) {
    throw Error(ErrorCode::Incompatible, "cannot open topic \"" + topic.name + "\": actor \"" +
                                             std::string(opener.name()) + "\" says " + to_string(policy) +
                                             ", actor \"" + std::string(topic.opened_by.name()) + "\" has said " +
                                             to_string(*topic.policy) + "; give both the same overflow policy");
  }
  return topic;
}

const BusTopic& BusCore::topic(std::uint16_t id) const {
  const std::scoped_lock lock(mutex_);
  ACTOR_ASSERT(id >= 1 && id <= topics_.size(), "a topic handle comes from open_topic() or from a delivery");
  return topics_[id - 1u];
}

void BusCore::set_capacity(std::string_view name, std::size_t events) {
  ACTOR_ASSERT(events > 0, "a topic without room for one event could never carry any");
  const std::scoped_lock lock(mutex_);
  topic_named(name).capacity = events;
}

BusSender& BusCore::attach(std::shared_ptr<Mailbox> mailbox, const Subscribe& topics, std::vector<EventRef>& latched) {
  const std::scoped_lock lock(mutex_);
  const ActorId id = mailbox->reader();
  if (readers_.contains(id)) {
    throw Error(ErrorCode::DuplicateActorName, "cannot add actor \"" + std::string(id.name()) +
                                                   "\": this runtime has an actor of that name; names are unique");
  }
  Reader reader{std::move(mailbox), topics.is_all(), {}};
  for (const std::string& name : topics.names()) reader.topics.insert(topic_named(name).id);
  latched = latched_for(id, readers_.emplace(id, std::move(reader)).first->second);
  ++epoch_;
  const BusSender unknown{id, actor_key(runtime_id_, id.name()), options_.first_sequence};
  return senders_.emplace(id, unknown).first->second;
}

const BusSender& BusCore::stranger(ActorId id, std::uint64_t key) {
  const std::scoped_lock lock(mutex_);
  return strangers_.emplace(std::pair(id, key), BusSender{id, key, 0}).first->second;
}

void BusCore::unsubscribe(ActorId id) {
  const std::scoped_lock lock(mutex_);
  const auto reader = readers_.find(id);
  if (reader == readers_.end()) return;
  reader->second.all = false;
  reader->second.topics.clear();
  ++epoch_;
}

std::uint64_t BusCore::keep_latched(const EventRef& event) {
  EventRef replaced = event;  // its last reference may go here: without the lock
  const std::scoped_lock lock(mutex_);
  std::swap(latched_[{event->sender->id, event->topic->id}], replaced);
  return epoch_.load(std::memory_order_relaxed);
}

std::vector<EventRef> BusCore::latched_for(ActorId id) const {
  const std::scoped_lock lock(mutex_);
  const auto reader = readers_.find(id);
  return reader == readers_.end() ? std::vector<EventRef>() : latched_for(id, reader->second);
}

std::vector<EventRef> BusCore::latched_for(ActorId id, const Reader& reader) const {
  std::vector<EventRef> events;
  for (const auto& [from, event] : latched_) {
    if (from.first != id && reader.wants(topics_[from.second - 1u])) events.push_back(event);
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const EventRef& a, const EventRef& b) { return a->monotonic_ns < b->monotonic_ns; });
  return events;
}

void BusCore::note_publisher(const BusTopic& topic, ActorId id) {
  const std::scoped_lock lock(mutex_);
  publishers_.emplace(id, topic.id);
}

std::vector<std::pair<ActorId, std::string>> BusCore::publishers() const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::pair<ActorId, std::string>> known;
  for (const auto& [id, topic] : publishers_) known.emplace_back(id, topics_[topic - 1u].name);
  return known;
}

void BusCore::detach(BusSender& sender, std::uint64_t next_event, const PortCounters& counted) {
  const std::scoped_lock lock(mutex_);
  readers_.erase(sender.id);
  ++epoch_;
  sender.next_event = next_event;
  departed_.published += counted.published;
  departed_.sent += counted.sent;
  departed_.dropped += counted.dropped;
  departed_.dead_lettered += counted.dead_lettered;
  departed_.received += counted.received;
  departed_.handled += counted.handled;
  departed_.skipped += counted.skipped;
}

std::vector<std::shared_ptr<Mailbox>> BusCore::readers_of(const BusTopic& topic) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<Mailbox>> readers;
  for (const auto& [id, reader] : readers_) {
    if (reader.wants(topic)) readers.push_back(reader.mailbox);
  }
  return readers;
}

PortCounters BusCore::departed() const {
  const std::scoped_lock lock(mutex_);
  return departed_;
}

Bus::Bus(std::uint64_t runtime_id, BusOptions options)
    : core_(std::make_shared<BusCore>(runtime_id, std::move(options))) {}

Bus::~Bus() = default;

std::unique_ptr<BusPort> Bus::attach(ActorId id, std::span<const EventType* const> types, const Subscribe& topics,
                                     std::shared_ptr<Signal> signal, std::size_t capacity) {
  return std::make_unique<BusPort>(core_, id, types, topics, std::move(signal), capacity);
}

void Bus::set_capacity(std::string_view topic, std::size_t events) {
  core_->set_capacity(topic, events);
}

std::vector<std::pair<ActorId, std::string>> Bus::publishers() const {
  return core_->publishers();
}

PortCounters Bus::departed() const {
  return core_->departed();
}

}  // namespace actor::inproc
