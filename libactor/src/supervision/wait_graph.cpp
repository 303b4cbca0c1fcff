#include <algorithm>
#include <set>
#include <supervision/wait_graph.hpp>

namespace actor {
namespace {

/// Depth-first along the edges; a node that is met again on its own path closes a circle.
class CircleSearch {
 public:
  explicit CircleSearch(const WaitGraph& graph) : graph_(graph) {}

  std::vector<WaitPath> run() {
    for (const auto& [actor, waits] : graph_) visit(actor);
    return std::move(found_);
  }

 private:
  void visit(ActorId actor) {
    const auto node = graph_.find(actor);
    if (node == graph_.end() || done_.contains(actor)) return;
    for (const Wait& wait : node->second) {
      path_.push_back({actor, wait});
      const auto start =
          std::find_if(path_.begin(), path_.end(), [&](const WaitStep& step) { return step.actor == wait.reader; });
      if (start != path_.end()) {
        found_.emplace_back(start, path_.end());
      } else {
        visit(wait.reader);
      }
      path_.pop_back();
    }
    done_.insert(actor);
  }

  const WaitGraph& graph_;
  WaitPath path_;
  std::set<ActorId> done_;
  std::vector<WaitPath> found_;
};

}  // namespace

std::vector<WaitPath> find_circles(const WaitGraph& graph) {
  return CircleSearch(graph).run();
}

}  // namespace actor
