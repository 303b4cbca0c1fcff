#include <algorithm>
#include <testing/event_tree.hpp>
#include <testing/words.hpp>

namespace actor::testing {
namespace {

/// "Ping{n=1} [alice -> bob, carol (failed)]"
std::string line(const EventTree::Node& node) {
  std::vector<std::string> receivers;
  for (const EventEntry* delivery : node.deliveries) {
    std::string receiver(delivery->receiver().name());
    if (delivery->stage() == Stage::Dispatched) receiver += " (waiting)";
    if (delivery->stage() == Stage::Delivered) receiver += " (in hand)";
    if (delivery->stage() == Stage::Failed) receiver += " (failed)";
    receivers.push_back(std::move(receiver));
  }
  std::sort(receivers.begin(), receivers.end());  // the same whatever thread came first
  std::string text = node.event().text() + " [" + std::string(node.sender().name()) + " -> ";
  for (std::size_t i = 0; i < receivers.size(); ++i) text += (i ? ", " : "") + receivers[i];
  return text + "]\n";
}

}  // namespace

std::vector<ActorId> EventTree::Node::receivers() const {
  std::vector<ActorId> actors;
  for (const EventEntry* delivery : deliveries) {
    if (std::find(actors.begin(), actors.end(), delivery->receiver()) == actors.end())
      actors.push_back(delivery->receiver());
  }
  return actors;
}

EventTree::EventTree(RecordsPtr records, const Keep& keep) : records_(std::move(records)) {
  for (const EventEntry& entry : records_->entries) {
    if (!keep(entry)) continue;
    const auto [at, is_new] = index_.try_emplace(entry.id(), nodes_.size());
    if (is_new) nodes_.emplace_back();
    nodes_[at->second].deliveries.push_back(&entry);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::size_t parent = find(nodes_[i].event().parent());
    if (parent == none || parent == i) continue;
    nodes_[parent].children.push_back(i);
    nodes_[i].is_root = false;
  }
  cut_circles();
}

std::size_t EventTree::find(EventId id) const {
  const auto found = index_.find(id);
  return found == index_.end() ? none : found->second;
}

void EventTree::cut_circles() {
  std::vector<bool> reached(nodes_.size());
  const auto reach_from = [&](std::size_t root) {
    for (const std::size_t at : descendants(root)) reached[at] = true;
  };
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].is_root) reach_from(i);
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (reached[i]) continue;
    std::erase(nodes_[find(nodes_[i].event().parent())].children, i);
    nodes_[i].is_root = true;
    reach_from(i);
  }
}

std::vector<std::size_t> EventTree::descendants(std::size_t root) const {
  std::vector<std::size_t> order;
  if (root == none) return order;
  order.push_back(root);
  for (std::size_t next = 0; next < order.size(); ++next) {
    const auto& children = nodes_[order[next]].children;
    order.insert(order.end(), children.begin(), children.end());
  }
  return order;
}

void EventTree::draw(std::size_t root, std::string& out, std::size_t& lines) const {
  struct Branch {
    std::size_t node;
    std::string prefix, below;  // what stands before its line, and before those of its children
  };
  std::vector<Branch> todo{{root, "", ""}};  // a stack, not recursion: a chain may be long
  while (!todo.empty() && lines > 0) {
    const Branch branch = std::move(todo.back());
    todo.pop_back();
    out += branch.prefix + line(nodes_[branch.node]);
    --lines;
    const auto& children = nodes_[branch.node].children;
    for (std::size_t i = children.size(); i-- > 0;) {
      const bool is_last = i + 1 == children.size();
      todo.push_back({children[i], branch.below + (is_last ? "└─ " : "├─ "), branch.below + (is_last ? "   " : "│  ")});
    }
  }
}

}  // namespace actor::testing
