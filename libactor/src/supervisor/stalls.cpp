#include <algorithm>
#include <chrono>
#include <set>
#include <supervisor/core.hpp>
#include <supervisor/stalls.hpp>

namespace actor {
namespace {

/// Depth-first along the edges; a node that is met again on its own path closes a circle.
class CircleSearch {
 public:
  explicit CircleSearch(const WaitGraph& graph) : graph_(graph) {}

  std::vector<std::string> run() {
    for (const auto& [actor, waits] : graph_) visit(actor);
    return std::move(found_);
  }

 private:
  struct Step {
    ActorId actor;
    const Wait* wait;
  };

  void visit(ActorId actor) {
    const auto node = graph_.find(actor);
    if (node == graph_.end() || done_.contains(actor)) return;
    for (const Wait& wait : node->second) {
      path_.push_back({actor, &wait});
      const auto start =
          std::find_if(path_.begin(), path_.end(), [&](const Step& s) { return s.actor == wait.reader; });
      if (start != path_.end()) {
        report(start);
      } else {
        visit(wait.reader);
      }
      path_.pop_back();
    }
    done_.insert(actor);
  }

  void report(std::vector<Step>::const_iterator start) {
    std::string line;
    for (auto step = start; step != path_.end(); ++step) {
      if (!line.empty()) line += ", ";
      line += std::string(step->actor.name()) + " waits for " + std::string(step->wait->reader.name()) + " on topic " +
              std::string(step->wait->topic) + " (" + std::to_string(step->wait->events) +
              (step->wait->events == 1 ? " event)" : " events)");
    }
    found_.push_back(std::move(line));
  }

  const WaitGraph& graph_;
  std::vector<Step> path_;
  std::set<ActorId> done_;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> find_stalls(const WaitGraph& graph) {
  return CircleSearch(graph).run();
}

/// A member that is held up goes to sleep. Only if everybody whom it waits for is held up as well can that be for good;
/// then it is looked at again when it has fallen asleep, on another thread.
void SupervisorCore::on_blocked(Member& member) {
  if (simulated_) return;  // looked at when everything has settled
  const auto waits = member.waits();
  const bool suspicious = std::any_of(waits.begin(), waits.end(), [this](const Wait& wait) {
    const auto reader = find(wait.reader);
    return reader && !reader->waits().empty();
  });
  if (!suspicious) return;
  const std::scoped_lock lock(mutex_);
  ++suspicions_;
  if (checking_stalls_ || stopping_) return;
  checking_stalls_ = true;
  if (stall_checker_.joinable()) stall_checker_.join();
  stall_checker_ = std::thread([this] { report_stalls(); });
}

/// SUBTLE: the waits are noted just before a member falls asleep, and looked at here while it may be awake again. So a
/// circle counts only if all of its members slept through two looks: then nothing can have moved in between.
void SupervisorCore::report_stalls() {
  std::vector<std::string> news;
  std::unique_lock lock(mutex_);
  for (auto looked_at = suspicions_ - 1; looked_at != suspicions_;) {
    looked_at = suspicions_;
    lock.unlock();
    const auto lines = stuck_circles();
    lock.lock();
    for (const std::string& line : lines) {
      if (std::find(stalls_.begin(), stalls_.end(), line) != stalls_.end()) continue;
      stalls_.push_back(line);
      news.push_back(line);
    }
  }
  checking_stalls_ = false;
  lock.unlock();
  for (const std::string& line : news) {
    const std::string report = "a circle of actors is stuck: " + line +
                               "; give one of these topics a deadline (block_for) or another policy, or a larger "
                               "channel_capacity";
    say(report);
    if (monitors_.active()) monitors_.stalled(report);
  }
}

std::vector<std::string> SupervisorCore::stuck_circles() const {
  for (;;) {
    Members blocked;
    WaitGraph graph;
    for (const auto& member : living()) {
      auto waits = member->waits();
      if (waits.empty()) continue;
      graph.emplace(member->id(), std::move(waits));
      blocked.push_back(member);
    }
    auto circles = find_stalls(graph);
    if (circles.empty() || at_rest(blocked)) return circles;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace actor
