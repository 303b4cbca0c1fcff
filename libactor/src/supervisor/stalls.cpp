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

/// SUBTLE: whoever finds checking_stalls_ false joins this thread with the mutex held, so monitors, which may call the
/// supervisor, are told before that.
void SupervisorCore::report_stalls() {
  std::unique_lock lock(mutex_);
  for (auto looked_at = suspicions_ - 1; looked_at != suspicions_;) {
    looked_at = suspicions_;
    lock.unlock();
    for (const std::string& line : stuck_circles()) report_stall(line);
    lock.lock();
  }
  checking_stalls_ = false;
}

/// Once for each circle.
void SupervisorCore::report_stall(const std::string& line) {
  {
    const std::scoped_lock lock(mutex_);
    if (std::find(stalls_.begin(), stalls_.end(), line) != stalls_.end()) return;
    stalls_.push_back(line);
  }
  const std::string report = "a circle of actors is stuck: " + line +
                             "; give one of these topics a deadline (block_for) or another policy, or a larger "
                             "channel_capacity";
  say(report);
  if (monitors_.active()) monitors_.stalled(report);
}

/// SUBTLE: the waits are noted just before a member falls asleep, and looked at here while it may be awake again, when
/// they are out of date. A circle counts only if its members slept from before that look until after it.
std::vector<std::string> SupervisorCore::stuck_circles() const {
  for (;;) {
    const Members members = living();
    const auto before = sleepers(members);
    WaitGraph noted, certain;
    for (const auto& member : members) {
      if (auto waits = member->waits(); !waits.empty()) noted.emplace(member->id(), std::move(waits));
    }
    if (find_stalls(noted).empty()) return {};
    const auto after = sleepers(members);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto waits = noted.find(members[i]->id());
      if (waits != noted.end() && before[i] && before[i] == after[i]) certain.insert(*waits);
    }
    if (auto circles = find_stalls(certain); !circles.empty()) return circles;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace actor
