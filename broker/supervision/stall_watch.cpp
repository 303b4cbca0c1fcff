#include "supervision/stall_watch.hpp"

#include <algorithm>
#include <supervision/wait_graph.hpp>
#include <utility>

namespace actor::broker {
namespace {

using Doing = Look::Doing;
using ByName = std::map<std::string, const SeenActor*>;

std::string rounded(std::chrono::nanoseconds time) {
  using namespace std::chrono;
  if (time < seconds(10)) return std::to_string(duration_cast<milliseconds>(time).count()) + " ms";
  return std::to_string(duration_cast<seconds>(time).count()) + " s";
}

bool waits(const SeenActor& actor) {
  return actor.look.doing == Doing::WaitsForRoom && !actor.reader.empty();
}

WaitGraph graph_of(const std::vector<SeenActor>& actors) {
  WaitGraph graph;
  for (const SeenActor& actor : actors) {
    if (waits(actor)) graph[ActorId(actor.name)].push_back({ActorId(actor.reader), actor.topic, 0});
  }
  return graph;
}

}  // namespace

void StallWatch::note(const std::vector<SeenActor>& actors, Time now) {
  std::map<std::string, Still> next;
  for (const SeenActor& actor : actors) {
    const Still fresh{.progress = actor.look.progress, .doing = actor.look.doing, .since = now, .told = false};
    const auto found = still_.find(actor.name);
    const bool same =
        found != still_.end() && found->second.progress == fresh.progress && found->second.doing == fresh.doing;
    next.emplace(actor.name, same ? found->second : fresh);
  }
  still_ = std::move(next);
}

Stall StallWatch::describe(const std::vector<const SeenActor*>& chain, bool circle, Time now) const {
  Stall stall;
  stall.circle = circle;
  for (const SeenActor* actor : chain) {
    const Time lasts = now - still_.at(actor->name).since;
    if (!stall.text.empty()) stall.text += "; ";
    stall.text += "'" + actor->name + "' ";
    if (waits(*actor)) {
      stall.text += "waits for room at '" + actor->reader + "' on " + actor->topic;
      stall.longest = std::max(stall.longest, lasts);
    } else {
      stall.text += actor->doing;
    }
    stall.text += " for " + rounded(lasts);
    stall.actors.push_back(actor->name);
  }
  if (circle) stall.text = "a circle, in which nobody can go on: " + stall.text;
  return stall;
}

/// Circles first; then each chain from its beginning: what others wait for as well is told with them.
std::vector<Stall> StallWatch::find(const std::vector<SeenActor>& actors, Time now) const {
  ByName by_name;
  std::set<std::string> waited_for;
  for (const SeenActor& actor : actors) {
    by_name[actor.name] = &actor;
    if (waits(actor)) waited_for.insert(actor.reader);
  }
  std::vector<Stall> stalls;
  std::set<std::string> in_circle;
  for (const WaitPath& path : find_circles(graph_of(actors))) {
    std::vector<const SeenActor*> chain;
    for (const WaitStep& step : path) chain.push_back(by_name.at(std::string(step.actor.name())));
    for (const SeenActor* actor : chain) in_circle.insert(actor->name);
    stalls.push_back(describe(chain, true, now));
  }
  for (const SeenActor& actor : actors) {
    if (!waits(actor) || waited_for.contains(actor.name)) continue;
    std::vector<const SeenActor*> chain{&actor};
    while (waits(*chain.back()) && !in_circle.contains(chain.back()->name)) {
      const auto reader = by_name.find(chain.back()->reader);
      if (reader == by_name.end()) break;
      chain.push_back(reader->second);
    }
    stalls.push_back(describe(chain, false, now));
  }
  return stalls;
}

std::vector<Stall> StallWatch::look(const std::vector<SeenActor>& actors, Time now) {
  note(actors, now);
  waiting_ = find(actors, now);
  std::vector<Stall> news;
  for (const Stall& stall : waiting_) {
    const bool is_waiting_long = stall.longest >= after_;
    if (after_ == Time{} || !is_waiting_long) continue;
    Still& first = still_.at(stall.actors.front());
    if (!std::exchange(first.told, true)) news.push_back(stall);
  }
  return news;
}

}  // namespace actor::broker
