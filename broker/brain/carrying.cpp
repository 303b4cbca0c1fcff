// Topics that travel by iceoryx: who is told so, and where its module is.

#include <cstdlib>

#include "brain/brain.hpp"
#include "iceoryx/module_place.hpp"
#include "manifest/iceoryx.hpp"

namespace actor::broker {
namespace {

std::string find_module(const Manifest& manifest) {
  const char* const path = std::getenv("PATH");
  const ActorSection* const roudi = manifest.find_actor(roudi_actor);
  const auto program = roudi ? find_executable(manifest, *roudi, path ? path : "") : std::nullopt;
  return iceoryx::find_module(program.value_or(""));
}

}  // namespace

/// The largest payload of the topic that travels by iceoryx; 0: all go through shared memory.
std::uint64_t Brain::carried_bytes(const Topic& topic) const {
  if (!manifest_.find_actor(roudi_actor) || !travels_by_iceoryx(manifest_, topic.name)) return 0;
  const OverflowPolicy policy{.kind = topic.policy, .deadline = std::chrono::nanoseconds(topic.deadline_ns)};
  if (!iceoryx_cannot(policy, topic.capacity, topic.latched, topic.name).empty()) return 0;
  const auto section = manifest_.topics.find(topic.name);
  return (section == manifest_.topics.end() ? TopicSection{} : section->second).payload_bytes;
}

/// What the programs declare, where the manifest left it open, may be what iceoryx cannot do.
void Brain::tell_of_carrier(ActorEntry& entry, control::Welcome& welcome) {
  bool any = false;
  for (const control::TopicInfo& info : welcome.topics) {
    any |= info.carried_bytes != 0;
    const Topic& topic = *topics_.at(info.id);
    if (info.carried_bytes != 0 || !info.may_publish || !manifest_.find_actor(roudi_actor) ||
        !travels_by_iceoryx(manifest_, topic.name))
      continue;
    const OverflowPolicy policy{.kind = topic.policy, .deadline = std::chrono::nanoseconds(topic.deadline_ns)};
    log_.warn("not_by_iceoryx", entry.name,
              "topic " + topic.name +
                  " goes through shared memory: " + iceoryx_cannot(policy, topic.capacity, topic.latched, topic.name));
  }
  if (!any && !manifest_.find_actor(roudi_actor)) return;
  welcome.carrier_module = find_module(manifest_);
  welcome.carrier_service = "actor." + manifest_.broker.name;
  // RouDi clears up after a dead process when one of its name comes.
  welcome.carrier_runtime = manifest_.broker.name + "." + entry.process_name();
}

/// Who uses RouDi cannot go on with another one.
void Brain::restart(const ActorEntry& entry) {
  const auto now = Loop::Clock::now().time_since_epoch();
  const bool takes_users_along =
      entry.name == roudi_actor && entry.has_process() && manifest_.find_group(iceoryx_group);
  takes_users_along ? tree_->restart_group(iceoryx_group, now) : tree_->restart(entry.name, now);
}

/// Does it use iceoryx while there is no RouDi?
bool Brain::has_lost_roudi(const ActorEntry& entry) const {
  if (!entry.section || !manifest_.find_group(iceoryx_group)) return false;
  if (!entry.section->supervision.depends_on.contains(roudi_actor)) return false;
  return std::none_of(entries_.begin(), entries_.end(), [](const auto& other) {
    return other.second->name == roudi_actor && other.second->has_process();
  });
}

/// RouDi has ended, and so do those who use it and are none of the group's. What they went on sending would be lost.
void Brain::end_guests_of_roudi() {
  for (auto& [index, entry] : entries_) {
    if (!entry->by_hand || !entry->memory || entry->has_exited || !is_carried_to_or_from(*entry)) continue;
    log_.warn("roudi_ended", entry->name,
              "is stopped: it was started by hand and uses iceoryx's RouDi, which has ended; start it again");
    stop_for_good(*entry);
  }
}

bool Brain::is_carried_to_or_from(const ActorEntry& entry) const {
  return std::any_of(entry.told_topics.begin(), entry.told_topics.end(), [&](TopicId id) {
    const Topic* topic = topics_.at(id);
    return topic && carried_bytes(*topic) != 0;
  });
}

/// Can events be lost on their way to it without having been overwritten?
bool Brain::reads_carried(const ActorEntry& entry) const {
  return std::any_of(entry.told_topics.begin(), entry.told_topics.end(), [&](TopicId id) {
    const Topic* topic = topics_.at(id);
    return topic && entry.subscribes.contains(topic->name) && carried_bytes(*topic) != 0;
  });
}

}  // namespace actor::broker
