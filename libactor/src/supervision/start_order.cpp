#include <algorithm>
#include <map>
#include <queue>
#include <supervision/start_order.hpp>

namespace actor::supervision {
namespace {

using Index = std::size_t;

struct Graph {
  std::vector<std::vector<Index>> before;  // whom each waits for
  std::vector<std::vector<Index>> behind;  // who waits for each
};

Graph graph_of(const std::vector<Starter>& starters) {
  std::map<std::string, Index> known;
  for (Index i = 0; i < starters.size(); ++i) known.emplace(starters[i].name, i);
  Graph graph{std::vector<std::vector<Index>>(starters.size()), std::vector<std::vector<Index>>(starters.size())};
  for (Index i = 0; i < starters.size(); ++i) {
    for (const std::string& name : starters[i].after) {
      const auto found = known.find(name);
      if (found == known.end()) continue;
      graph.before[i].push_back(found->second);
      graph.behind[found->second].push_back(i);
    }
  }
  return graph;
}

/// From any of those that are left over, whom it waits for, and on: sooner or later somebody comes twice.
std::vector<Index> circle_in(const Graph& graph, const std::vector<Index>& missing) {
  Index at = static_cast<Index>(std::find_if(missing.begin(), missing.end(), [](Index count) { return count > 0; }) -
                                missing.begin());
  std::vector<Index> path;
  for (;;) {
    const bool seen = std::find(path.begin(), path.end(), at) != path.end();
    path.push_back(at);
    if (seen) {
      path.erase(path.begin(), std::find(path.begin(), path.end(), at));
      return path;
    }
    const auto& before = graph.before[at];
    at = *std::find_if(before.begin(), before.end(), [&](Index i) { return missing[i] > 0; });
  }
}

}  // namespace

StartOrder start_order(const std::vector<Starter>& starters) {
  const Graph graph = graph_of(starters);
  std::vector<Index> missing;
  std::priority_queue<Index, std::vector<Index>, std::greater<>> free;  // the first of the list first
  for (Index i = 0; i < starters.size(); ++i) {
    missing.push_back(graph.before[i].size());
    if (missing.back() == 0) free.push(i);
  }
  StartOrder result;
  while (!free.empty()) {
    const Index next = free.top();
    free.pop();
    result.names.push_back(starters[next].name);
    for (const Index waiting : graph.behind[next]) {
      if (--missing[waiting] == 0) free.push(waiting);
    }
  }
  if (result.names.size() == starters.size()) return result;
  for (const Index i : circle_in(graph, missing)) result.circle.push_back(starters[i].name);
  result.names.clear();
  for (const Starter& starter : starters) result.names.push_back(starter.name);
  return result;
}

}  // namespace actor::supervision
