#include "routing/table.hpp"

#include <algorithm>
#include <bit>
#include <shm/layout.hpp>

namespace actor::broker {
namespace {

bool carries(const Route& route, const std::vector<TopicId>& topics) {
  return std::equal(route.topics.begin(), route.topics.end(), topics.begin(), topics.end(),
                    [](const control::RouteTopic& carried, TopicId topic) { return carried.topic == topic; });
}

}  // namespace

ActorIndex RoutingTable::add_actor(const std::string& name, TopicFilter publishes, TopicFilter subscribes) {
  const ActorIndex actor = next_actor_++;
  Member& member = members_[actor];
  member.name = name;
  member.publishes = std::move(publishes);
  member.subscribes = std::move(subscribes);
  return actor;
}

RouteChanges RoutingTable::remove_actor(ActorIndex actor) {
  RouteChanges changes;
  std::vector<RouteId> ended;
  for (const auto& [id, route] : routes_) {
    if (route.publisher == actor || route.reader == actor) ended.push_back(id);
  }
  for (const RouteId id : ended) remove_route(id, changes);
  members_.erase(actor);
  return changes;
}

RouteChanges RoutingTable::set_reading(ActorIndex actor, bool reading) {
  RouteChanges changes;
  members_.at(actor).reading = reading;
  for (const auto& [publisher, member] : members_) update_pair(publisher, actor, Changed::Reader, changes);
  return changes;
}

RouteChanges RoutingTable::set_filters(ActorIndex actor, TopicFilter publishes, TopicFilter subscribes) {
  RouteChanges changes;
  Member& member = members_.at(actor);
  member.publishes = std::move(publishes);
  member.subscribes = std::move(subscribes);
  for (const auto& [other, ignored] : members_) {
    update_pair(actor, other, Changed::Publisher, changes);
    update_pair(other, actor, Changed::Reader, changes);
  }
  return changes;
}

RouteChanges RoutingTable::set_topics(ActorIndex publisher, std::span<const TopicId> topics) {
  RouteChanges changes;
  members_.at(publisher).topics.assign(topics.begin(), topics.end());
  for (const auto& [reader, member] : members_) update_pair(publisher, reader, Changed::Publisher, changes);
  return changes;
}

RouteChanges RoutingTable::open_topic(ActorIndex publisher, TopicId topic) {
  RouteChanges changes;
  Member& member = members_.at(publisher);
  if (std::find(member.topics.begin(), member.topics.end(), topic) != member.topics.end()) return changes;
  if (!member.late.insert(topic).second) return changes;
  for (const auto& [reader, ignored] : members_) update_pair(publisher, reader, Changed::Publisher, changes);
  return changes;
}

void RoutingTable::load(State state) {
  members_ = std::move(state.members);
  routes_ = std::move(state.routes);
  next_actor_ = state.next_actor;
  next_route_ = state.next_route;
  for (const auto& [id, route] : routes_) by_lane_[{route.publisher, route.reader, route.lane}] = id;
}

const Route* RoutingTable::find(RouteId id) const {
  const auto found = routes_.find(id);
  return found == routes_.end() ? nullptr : &found->second;
}

std::vector<const Route*> RoutingTable::from(ActorIndex publisher) const {
  std::vector<const Route*> result;
  for (const auto& [id, route] : routes_) {
    if (route.publisher == publisher) result.push_back(&route);
  }
  return result;
}

std::vector<const Route*> RoutingTable::into(ActorIndex reader) const {
  std::vector<const Route*> result;
  for (const auto& [id, route] : routes_) {
    if (route.reader == reader) result.push_back(&route);
  }
  return result;
}

std::string RoutingTable::name_of(ActorIndex actor) const {
  const auto found = members_.find(actor);
  return found == members_.end() ? std::string() : found->second.name;
}

bool RoutingTable::may_publish(ActorIndex actor, std::string_view topic) const {
  const auto found = members_.find(actor);
  return found != members_.end() && found->second.publishes.contains(topic);
}

RoutingTable::Lanes RoutingTable::lanes(const Member& publisher, const Member& reader) const {
  Lanes result;
  if (!reader.reading) return result;
  const auto add = [&](TopicId id, bool late) {
    const Topic* topic = topics_.at(id);
    if (!topic || !publisher.publishes.contains(topic->name) || !reader.subscribes.contains(topic->name)) return;
    const bool own_lane = late || topic->policy == PolicyKind::DropOldest;
    result[own_lane ? id : 0].push_back(id);
  };
  for (const TopicId id : publisher.topics) {
    if (!publisher.late.contains(id)) add(id, false);
  }
  for (const TopicId id : publisher.late) add(id, true);
  return result;
}

void RoutingTable::update_pair(ActorIndex publisher, ActorIndex reader, Changed who, RouteChanges& changes) {
  if (publisher == reader) return;
  const Lanes wanted = lanes(members_.at(publisher), members_.at(reader));
  std::vector<RouteId> ended;
  const auto first = by_lane_.lower_bound({publisher, reader, 0});
  for (auto it = first; it != by_lane_.end(); ++it) {
    if (std::get<0>(it->first) != publisher || std::get<1>(it->first) != reader) break;
    const auto topics = wanted.find(std::get<2>(it->first));
    const bool is_another =
        who == Changed::Reader && topics != wanted.end() && !carries(routes_.at(it->second), topics->second);
    if (topics == wanted.end() || is_another) ended.push_back(it->second);
  }
  for (const RouteId id : ended) remove_route(id, changes);
  for (const auto& [lane, topics] : wanted) {
    const auto known = by_lane_.find({publisher, reader, lane});
    if (known != by_lane_.end()) {
      fill(routes_.at(known->second), topics);
    } else if (!add_route(publisher, reader, lane, topics, changes)) {
      changes.refused.push_back("no route from '" + members_.at(publisher).name + "' to '" + members_.at(reader).name +
                                "': one of them has " + std::to_string(shm::max_routes) +
                                " routes already, the most there can be; give actors fewer topics to publish or "
                                "subscribe to in the manifest");
    }
  }
}

bool RoutingTable::add_route(ActorIndex publisher, ActorIndex reader, std::uint32_t lane,
                             const std::vector<TopicId>& topics, RouteChanges& changes) {
  Member& from = members_.at(publisher);
  Member& to = members_.at(reader);
  if (from.outgoing >= shm::max_routes || to.cursors.size() >= shm::max_routes) return false;
  std::uint32_t cursor = 0;  // the smallest that is free
  for (const std::uint32_t used : to.cursors) {
    if (used != cursor) break;
    ++cursor;
  }
  Route route;
  route.id = next_route_++;
  route.publisher = publisher;
  route.reader = reader;
  route.lane = lane;
  route.cursor_index = cursor;
  fill(route, topics);
  to.cursors.insert(cursor);
  ++from.outgoing;
  by_lane_[{publisher, reader, lane}] = route.id;
  changes.added.push_back(route.id);
  routes_.emplace(route.id, std::move(route));
  return true;
}

void RoutingTable::fill(Route& route, const std::vector<TopicId>& topics) const {
  route.topics.clear();
  // INVARIANT: the ring holds all its topics' quotas at once: a publisher asks for quota only, never for ring space.
  const std::uint32_t most = shm::max_ring_slots / static_cast<std::uint32_t>(topics.size());
  std::uint32_t events = 0;
  for (const TopicId id : topics) {
    const Topic* topic = topics_.at(id);
    const std::uint32_t capacity = std::clamp(topic->capacity, 1u, most);
    route.topics.push_back({id, capacity});
    events += capacity;
    route.overwriting = topic->policy == PolicyKind::DropOldest;
  }
  route.slots = std::bit_ceil(events);
}

void RoutingTable::remove_route(RouteId id, RouteChanges& changes) {
  const auto found = routes_.find(id);
  const Route& route = found->second;
  by_lane_.erase({route.publisher, route.reader, route.lane});
  members_.at(route.reader).cursors.erase(route.cursor_index);
  --members_.at(route.publisher).outgoing;
  changes.removed.push_back(std::move(found->second));
  routes_.erase(found);
}

}  // namespace actor::broker
