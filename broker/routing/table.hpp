#pragma once
// Which routes there are: (publisher, reader, lane), over what topics, how long their rings are. Lane 0 carries all the
// topics that the reader subscribes to and the publisher knows and may publish; a DropOldest topic, and a topic opened
// after hello, has a lane of its own (the topic's number). Route numbers are never used again. Pure data: it says what
// should be; the brain makes it so. Owned by the brain, one thread.

#include <control/messages.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "routing/topics.hpp"

namespace actor::broker {

using control::RouteId;
/// An actor's place in the table; never used again. Incarnations share it.
using ActorIndex = std::uint32_t;

struct Route {
  RouteId id = 0;
  ActorIndex publisher = 0;
  ActorIndex reader = 0;
  std::uint32_t lane = 0;
  std::vector<control::RouteTopic> topics;
  std::uint32_t slots = 0;
  bool overwriting = false;
  std::uint32_t cursor_index = 0;  // the route's place among the reader's cursors
};

/// What a change of the actors did to the routes.
struct RouteChanges {
  std::vector<RouteId> added;
  std::vector<Route> removed;
  /// Routes that are wanted but would exceed an actor's max_routes: texts for the log.
  std::vector<std::string> refused;
};

class RoutingTable {
 public:
  explicit RoutingTable(const TopicTable& topics) : topics_(topics) {}

  ActorIndex add_actor(const std::string& name, TopicFilter publishes, TopicFilter subscribes);
  /// Its routes end, in both directions.
  RouteChanges remove_actor(ActorIndex actor);
  /// An actor begins another life and wants other topics than in the last one. A route into it whose topics change is
  /// replaced: its publisher, which lives on, has a ring for the old ones.
  RouteChanges set_filters(ActorIndex actor, TopicFilter publishes, TopicFilter subscribes);
  /// Does the actor have mailboxes? False while it is stopped: then there are no routes into it.
  RouteChanges set_reading(ActorIndex actor, bool reading);
  /// A publisher said hello with these topics. Its routes keep their numbers; their topics and sizes may change.
  RouteChanges set_topics(ActorIndex publisher, std::span<const TopicId> topics);
  /// A publisher met a topic after its hello.
  RouteChanges open_topic(ActorIndex publisher, TopicId topic);

  /// How many topics it has opened, in all its lives.
  std::size_t opened(ActorIndex publisher) const { return members_.at(publisher).late.size(); }

  const Route* find(RouteId id) const;
  /// In the order in which the routes came into being.
  std::vector<const Route*> from(ActorIndex publisher) const;
  std::vector<const Route*> into(ActorIndex reader) const;
  const std::map<RouteId, Route>& routes() const { return routes_; }
  /// Empty for an actor that was removed.
  std::string name_of(ActorIndex actor) const;
  bool may_publish(ActorIndex actor, std::string_view topic) const;

  // All of it as plain values, for the brain's ledger.
  struct Member {
    std::string name;
    TopicFilter publishes;
    TopicFilter subscribes;
    std::vector<TopicId> topics;  // known since its hello
    std::set<TopicId> late;       // opened after it
    bool reading = true;
    std::set<std::uint32_t> cursors;  // in use
    std::uint32_t outgoing = 0;
  };
  struct State {
    std::map<ActorIndex, Member> members;
    std::map<RouteId, Route> routes;
    ActorIndex next_actor = 1;
    RouteId next_route = 1;
  };
  State save() const { return {members_, routes_, next_actor_, next_route_}; }
  void load(State state);

 private:
  using Lanes = std::map<std::uint32_t, std::vector<TopicId>>;

  Lanes lanes(const Member& publisher, const Member& reader) const;
  enum class Changed : std::uint8_t { Publisher, Reader };
  void update_pair(ActorIndex publisher, ActorIndex reader, Changed who, RouteChanges& changes);
  bool add_route(ActorIndex publisher, ActorIndex reader, std::uint32_t lane, const std::vector<TopicId>& topics,
                 RouteChanges& changes);
  void fill(Route& route, const std::vector<TopicId>& topics) const;
  void remove_route(RouteId id, RouteChanges& changes);

  const TopicTable& topics_;
  std::map<ActorIndex, Member> members_;
  std::map<RouteId, Route> routes_;
  std::map<std::tuple<ActorIndex, ActorIndex, std::uint32_t>, RouteId> by_lane_;
  ActorIndex next_actor_ = 1;
  RouteId next_route_ = 1;
};

}  // namespace actor::broker
