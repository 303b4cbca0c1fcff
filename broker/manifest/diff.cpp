#include "manifest/diff.hpp"

#include <algorithm>
#include <set>

#include "manifest/names.hpp"
#include "manifest/units.hpp"

namespace actor::broker {
namespace {

/// Groups whose section, or that of a group around them, is not what it was.
std::set<std::string> changed_groups(const Manifest& before, const Manifest& after) {
  std::set<std::string> changed;
  for (const Manifest* manifest : {&before, &after}) {
    for (const GroupSection& group : manifest->groups) {  // each after its parent
      const GroupSection* old = before.find_group(group.name);
      const GroupSection* young = after.find_group(group.name);
      if (!old || !young || *old != *young || changed.contains(group.parent)) changed.insert(group.name);
    }
  }
  return changed;
}

std::set<std::string> changed_topics(const Manifest& before, const Manifest& after) {
  std::set<std::string> changed;
  for (const Manifest* manifest : {&before, &after}) {
    for (const auto& [name, section] : manifest->topics) {
      const auto old = before.topics.find(name);
      const auto young = after.topics.find(name);
      if (old == before.topics.end() || young == after.topics.end() || old->second != young->second)
        changed.insert(name);
    }
  }
  return changed;
}

std::string shown(const std::optional<std::filesystem::path>& path) {
  return path ? in_quotes(path->string()) : "the default";
}

std::string shown(LogFormat format) {
  return format == LogFormat::Json ? "\"json\"" : "\"text\"";
}

void check_broker(const BrokerSection& before, const Manifest& manifest, ManifestDiff& out) {
  const BrokerSection& after = manifest.broker;
  const auto refuse = [&](const std::string& key, const std::string& was, const std::string& is) {
    out.errors.push_back(manifest.error("broker." + key, "cannot be changed while the broker runs: it is " + was +
                                                             ", and would be " + is +
                                                             "; undo that, or restart the broker"));
  };
  if (before.name != after.name) refuse("name", in_quotes(before.name), in_quotes(after.name));
  if (before.runtime_dir != after.runtime_dir)
    refuse("runtime_dir", shown(before.runtime_dir), shown(after.runtime_dir));
  if (before.transport != after.transport) {
    const auto shown_as = [](Transport t) { return t == Transport::Shm ? "\"shm\"" : "\"iceoryx\""; };
    refuse("transport", shown_as(before.transport), shown_as(after.transport));
  }
  if (before.log != after.log) refuse("log", shown(before.log), shown(after.log));
  if (before.brain_watchdog != after.brain_watchdog)
    refuse("brain_watchdog", format_duration(before.brain_watchdog), format_duration(after.brain_watchdog));
  if (before.cgroup != after.cgroup) refuse("cgroup", shown(before.cgroup), shown(after.cgroup));
}

/// The doorbells of its routes are made for processes of one user, and others hold them.
void check_user(const ActorSection& before, const ActorSection& after, const Manifest& manifest, ManifestDiff& out) {
  if (!before.sandbox.user.empty() || after.sandbox.user.empty()) return;
  out.errors.push_back(manifest.error("actors." + after.name + ".user",
                                      "cannot be given to an actor that the broker runs as its own user; undo that, "
                                      "and restart the broker with it, or take the actor out, reload, and put it in "
                                      "again"));
}

}  // namespace

/// A new key restarts an actor unless it is listed here.
bool fits_process(const ActorSection& before, const ActorSection& after) {
  ActorSection as_before = after;
  as_before.restart = before.restart;
  as_before.backoff = before.backoff;
  as_before.budget = before.budget;
  as_before.start_timeout = before.start_timeout;
  as_before.stop_timeout = before.stop_timeout;
  as_before.after_death = before.after_death;
  as_before.standby = before.standby;
  as_before.supervision = before.supervision;
  as_before.watchdog = before.watchdog;
  as_before.abort_grace = before.abort_grace;
  return as_before == before;
}

ManifestDiff diff(const Manifest& before, const Manifest& after) {
  ManifestDiff result;
  check_broker(before.broker, after, result);
  const auto groups = changed_groups(before, after);
  const auto topics = changed_topics(before, after);
  const auto uses_changed_topic = [&](const ActorSection& actor) {
    return std::any_of(topics.begin(), topics.end(), [&](const std::string& topic) {
      return actor.publishes.contains(topic) || actor.subscribes.contains(topic);
    });
  };
  for (const ActorSection& actor : after.actors) {
    const ActorSection* old = before.find_actor(actor.name);
    if (old) check_user(*old, actor, after, result);
    if (!old) {
      result.added.push_back(actor.name);
    } else if (!fits_process(*old, actor) || uses_changed_topic(actor)) {
      result.changed.push_back(actor.name);
    } else if (*old != actor || groups.contains(actor.supervision.member_of)) {
      result.adjusted.push_back(actor.name);
    }
  }
  for (const ActorSection& actor : before.actors) {
    if (!after.find_actor(actor.name)) result.removed.push_back(actor.name);
  }
  return result;
}

}  // namespace actor::broker
