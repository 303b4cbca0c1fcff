#include <algorithm>
#include <chrono>
#include <supervisor/core.hpp>
#include <supervisor/stalls.hpp>

namespace actor {
namespace {

std::string text_of(const WaitPath& circle) {
  std::string line;
  for (const WaitStep& step : circle) {
    if (!line.empty()) line += ", ";
    line += std::string(step.actor.name()) + " waits for " + std::string(step.wait.reader.name()) + " on topic " +
            std::string(step.wait.topic) + " (" + std::to_string(step.wait.events) +
            (step.wait.events == 1 ? " event)" : " events)");
  }
  return line;
}

}  // namespace

std::vector<std::string> find_stalls(const WaitGraph& graph) {
  std::vector<std::string> lines;
  for (const WaitPath& circle : find_circles(graph)) lines.push_back(text_of(circle));
  return lines;
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
