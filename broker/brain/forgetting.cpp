// Actors that are no more: removed by a reload, or started by hand and ended. What is kept of them goes when nothing
// refers to them any more, so that a broker does not fill up with names, however long it runs.

#include <map>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// Of those that were started by hand and have ended so many are remembered, the last ones: for `ps` and `why`, and to
/// go on where they were when they come again.
constexpr std::size_t most_remembered = 64;

}  // namespace

/// At the end of a turn: nobody holds on to an entry then.
void Brain::forget_ended() {
  std::multimap<Loop::Clock::time_point, ActorIndex> remembered;  // by hand, oldest first
  std::vector<ActorIndex> forgotten;
  for (const auto& [index, entry] : entries_) {
    if (entry->section || !entry->is_over() || !exchange_.is_done_with(index)) continue;
    if (entry->removed)
      forgotten.push_back(index);
    else
      remembered.emplace(entry->spawned_at, index);
  }
  for (auto it = remembered.begin(); remembered.size() > most_remembered; it = remembered.erase(it))
    forgotten.push_back(it->second);
  for (const ActorIndex index : forgotten) forget(*entries_.at(index));
}

void Brain::forget(ActorEntry& entry) {
  apply(table_.remove_actor(entry.index));
  exchange_.forget(entry.index);
  if (entry.process.empty()) output_.forget(entry.name);
  watchdog_.forget(entry.index);
  watched_lives_.erase(entry.index);
  for (const bool of_spare : {false, true})  // after what was left in them has been killed
    turn_.when_safe([this, cgroup = cgroup_of(entry, of_spare)] { cgroups_.remove(cgroup); });
  options_.epochs.give_back(entry.epoch_slot);
  // One of the same name may come: as an other actor, whose events are not taken for the events of this one.
  ++state_.forgotten;
  entries_.erase(ActorIndex(entry.index));
}

}  // namespace actor::broker
