// The paths of a chain, as actors and as events. Walked with a stack of their own and compared while walking: a chain
// may be thousands of events long and have as many leaves.

#include <actor/testing/chain.hpp>
#include <algorithm>
#include <testing/event_tree.hpp>
#include <testing/words.hpp>

namespace actor::testing {
namespace {

using detail::ChainData;

struct Frame {
  std::size_t node;
  std::size_t next_child;
  std::size_t path_size;
};

/// Calls `visit` with each path of actors until it returns true; then returns true.
template <class Visit>
bool any_actor_path(const ChainData& chain, Visit visit) {
  if (chain.members.empty()) return false;
  const auto& nodes = chain.tree->nodes();
  ActorTrace::Path path{nodes[chain.root].sender()};
  std::vector<Frame> stack{{chain.root, 0, 1}};
  const auto visit_leaves = [&](const EventTree::Node& node) {
    for (const ActorId receiver : node.receivers()) {
      const bool went_on = std::any_of(node.children.begin(), node.children.end(),
                                       [&](std::size_t child) { return nodes[child].sender() == receiver; });
      if (went_on) continue;
      path.push_back(receiver);
      if (visit(std::as_const(path))) return true;
      path.pop_back();
    }
    return false;
  };
  while (!stack.empty()) {
    Frame& frame = stack.back();
    const EventTree::Node& node = nodes[frame.node];
    path.resize(frame.path_size);
    if (frame.next_child == 0 && visit_leaves(node)) return true;
    if (frame.next_child == node.children.size()) {
      stack.pop_back();
      continue;
    }
    const std::size_t child = node.children[frame.next_child++];
    // A child that a timer of the same actor sent adds nobody to the path.
    if (path.back() != nodes[child].sender()) path.push_back(nodes[child].sender());
    stack.push_back({child, 0, path.size()});
  }
  return false;
}

/// The same with paths of events.
template <class Visit>
bool any_event_path(const ChainData& chain, Visit visit) {
  if (chain.members.empty()) return false;
  const auto& nodes = chain.tree->nodes();
  std::vector<const EventTree::Node*> path{&nodes[chain.root]};
  std::vector<Frame> stack{{chain.root, 0, 1}};
  while (!stack.empty()) {
    Frame& frame = stack.back();
    const EventTree::Node& node = nodes[frame.node];
    path.resize(frame.path_size);
    if (node.children.empty() && visit(std::as_const(path))) return true;
    if (frame.next_child == node.children.size()) {
      stack.pop_back();
      continue;
    }
    const std::size_t child = node.children[frame.next_child++];
    path.push_back(&nodes[child]);
    stack.push_back({child, 0, path.size()});
  }
  return false;
}

template <class Path, class Wanted, class Equal>
bool is_exactly(const Path& path, const Wanted& wanted, Equal equal) {
  return path.size() == wanted.size() && std::equal(path.begin(), path.end(), wanted.begin(), equal);
}

template <class Path, class Wanted, class Equal>
bool has_segment(const Path& path, const Wanted& wanted, Equal equal) {
  return wanted.empty() || std::search(path.begin(), path.end(), wanted.begin(), wanted.end(), equal) != path.end();
}

template <class Path, class Wanted, class Equal>
bool has_in_order(const Path& path, const Wanted& wanted, Equal equal) {
  auto next = wanted.begin();
  for (const auto& step : path) {
    if (next != wanted.end() && equal(step, *next)) ++next;
  }
  return next == wanted.end();
}

bool same_actor(ActorId actor, ActorName wanted) {
  return actor == wanted.id();
}

bool fits(const EventTree::Node* event, const EventMatcher& wanted) {
  return std::any_of(event->deliveries.begin(), event->deliveries.end(),
                     [&](const EventEntry* entry) { return wanted.matches(*entry); });
}

}  // namespace

std::vector<ActorId> ActorTrace::all() const {
  std::vector<ActorId> actors;
  const auto add = [&](ActorId actor) {
    if (std::find(actors.begin(), actors.end(), actor) == actors.end()) actors.push_back(actor);
  };
  for (const std::size_t at : chain_->members) {
    add(chain_->tree->nodes()[at].sender());  // the root's; of the others those whose timers sent them
    for (const EventEntry* delivery : chain_->tree->nodes()[at].deliveries) add(delivery->receiver());
  }
  return actors;
}

bool ActorTrace::visited(const std::vector<ActorName>& actors) const {
  const std::vector<ActorId> reached = all();
  return std::all_of(actors.begin(), actors.end(), [&](ActorName actor) {
    return std::find(reached.begin(), reached.end(), actor.id()) != reached.end();
  });
}

bool ActorTrace::exact(const std::vector<ActorName>& actors) const {
  if (actors.empty()) return path_count() == 0;
  return any_actor_path(*chain_, [&](const Path& path) { return is_exactly(path, actors, same_actor); });
}

bool ActorTrace::segment(const std::vector<ActorName>& actors) const {
  if (actors.empty()) return true;
  return any_actor_path(*chain_, [&](const Path& path) { return has_segment(path, actors, same_actor); });
}

bool ActorTrace::passes_through(const std::vector<ActorName>& actors) const {
  if (actors.empty()) return true;
  return any_actor_path(*chain_, [&](const Path& path) { return has_in_order(path, actors, same_actor); });
}

std::size_t ActorTrace::path_count() const {
  std::size_t count = 0;
  any_actor_path(*chain_, [&](const Path&) { return ++count, false; });
  return count;
}

std::vector<ActorTrace::Path> ActorTrace::paths() const {
  std::vector<Path> paths;
  any_actor_path(*chain_, [&](const Path& path) { return paths.push_back(path), false; });
  return paths;
}

std::vector<EventEntry> EventTrace::all() const {
  std::vector<EventEntry> events = ordered();
  std::sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.order() < b.order(); });
  return events;
}

std::vector<EventEntry> EventTrace::ordered() const {
  std::vector<EventEntry> events;
  for (const std::size_t at : chain_->members) events.push_back(chain_->tree->nodes()[at].event());
  return events;
}

bool EventTrace::contains(const EventMatcher& matcher) const {
  return std::any_of(chain_->members.begin(), chain_->members.end(),
                     [&](std::size_t at) { return fits(&chain_->tree->nodes()[at], matcher); });
}

bool EventTrace::exact(const std::vector<EventMatcher>& matchers) const {
  if (matchers.empty()) return path_count() == 0;
  return any_event_path(*chain_, [&](const auto& path) { return is_exactly(path, matchers, fits); });
}

bool EventTrace::segment(const std::vector<EventMatcher>& matchers) const {
  if (matchers.empty()) return true;
  return any_event_path(*chain_, [&](const auto& path) { return has_segment(path, matchers, fits); });
}

bool EventTrace::passes_through(const std::vector<EventMatcher>& matchers) const {
  if (matchers.empty()) return true;
  return any_event_path(*chain_, [&](const auto& path) { return has_in_order(path, matchers, fits); });
}

std::size_t EventTrace::path_count() const {
  std::size_t count = 0;
  any_event_path(*chain_, [&](const auto&) { return ++count, false; });
  return count;
}

std::vector<EventTrace::Path> EventTrace::paths() const {
  std::vector<Path> paths;
  any_event_path(*chain_, [&](const auto& nodes) {
    Path path;
    for (const EventTree::Node* node : nodes) path.push_back(node->event());
    paths.push_back(std::move(path));
    return false;
  });
  return paths;
}

}  // namespace actor::testing
