// Whether groups, dependencies and significant members fit together.

#include <algorithm>
#include <supervision/start_order.hpp>

#include "manifest/cross_checks.hpp"
#include "manifest/names.hpp"
#include "manifest/suggestion.hpp"

namespace actor::broker {
namespace {

using supervision::start_order;

class SupervisionChecks {
 public:
  SupervisionChecks(const Manifest& manifest, const SoundSections& sound, Findings& findings)
      : manifest_(manifest), sound_(sound), findings_(findings) {
    for (const GroupSection& group : manifest.groups) groups_.push_back(group.name);
    for (const ActorSection& actor : manifest.actors) actors_.push_back(actor.name);
  }

  void run() {
    for (const GroupSection& group : manifest_.groups) check(group);
    for (const ActorSection& actor : manifest_.actors) check(actor);
    check_parents();
    check_dependencies();
  }

 private:
  /// `concluded_from`: the sections whose silence is the error.
  void error(const std::string& section, std::string_view key, std::string message,
             const std::vector<std::string>& concluded_from) {
    if (!std::all_of(concluded_from.begin(), concluded_from.end(), [&](const auto& path) { return sound_.has(path); }))
      return;
    const std::string path = key_path(section, key);
    auto at = findings_.position(path);
    if (at == SourcePosition{}) at = findings_.position(section);
    findings_.error(at, path, std::move(message));
  }

  void check(const GroupSection& group) {
    const std::string section = key_path("groups", group.name);
    if (!group.parent.empty()) check_group_exists(section, "parent", group.parent);
    check_exhaustion(section, group.on_exhausted);
    if (group.on_exhausted == OnExhausted::Escalate && group.parent.empty())
      error(section, "on_exhausted",
            "\"escalate\" makes it a failure of the parent, and this group has none; set parent, or choose "
            "\"quarantine\" or \"stop_runtime\"",
            {section});
    if (group.significant) check_significance(section, group.parent);
    if (sound_.all() && !has_members(group.name))
      findings_.warn(findings_.position(section), section,
                     "has no effect: no actor has member_of = " + in_quotes(group.name));
  }

  void check(const ActorSection& actor) {
    const std::string section = key_path("actors", actor.name);
    const ActorSupervision& rules = actor.supervision;
    if (!rules.member_of.empty()) check_group_exists(section, "member_of", rules.member_of);
    check_exhaustion(section, rules.on_exhausted);
    if (rules.on_exhausted == OnExhausted::RestartGroup && rules.member_of.empty())
      error(section, "on_exhausted", "\"restart_group\" restarts its group, and it is in none; set member_of",
            {section});
    if (rules.significant && actor.restart == Restart::Permanent)
      error(section, "significant",
            "a permanent actor never ends for good, so that nothing can follow from it; set restart = \"transient\" "
            "or \"temporary\"",
            {section});
    if (rules.significant) check_significance(section, rules.member_of);
    for (const auto& [name, what] : rules.depends_on) check_dependency(actor, name, what);
    if (manifest_.find_group(actor.sandbox.group))
      findings_.warn(findings_.position(section + ".group"), section + ".group",
                     "is a group of the system's users; to put the actor into [" +
                         key_path("groups", actor.sandbox.group) +
                         "], write member_of = " + in_quotes(actor.sandbox.group));
  }

  void check_group_exists(const std::string& section, std::string_view key, const std::string& group) {
    if (manifest_.find_group(group)) return;
    error(section, key,
          "there is no section [" + key_path("groups", group) + "]" +
              (groups_.empty() ? "; add it" : did_you_mean(group, groups_)),
          {key_path("groups", group)});
  }

  void check_exhaustion(const std::string& section, OnExhausted what) {
    if (what != OnExhausted::Reboot || manifest_.broker.allow_reboot) return;
    error(section, "on_exhausted", "\"reboot\" has to be allowed: set allow_reboot = true in [broker]", {"broker"});
  }

  /// As in OTP: what has no consequences is a mistake.
  void check_significance(const std::string& section, const std::string& group) {
    const GroupSection* around = manifest_.find_group(group);
    if (!group.empty() && !around) return;
    if ((around ? around->auto_shutdown : manifest_.broker.auto_shutdown) != AutoShutdown::Never) return;
    const std::string path_around = around ? key_path("groups", group) : "broker";
    error(section, "significant", "has no effect: set auto_shutdown = \"any\" or \"all\" in [" + path_around + "]",
          {section, path_around});
  }

  void check_dependency(const ActorSection& actor, const std::string& name, Dependency what) {
    const std::string path = key_path("actors", actor.name) + ".depends_on";
    const std::string others = key_path("actors", name);
    const ActorSection* other = manifest_.find_actor(name);
    if (!other) {
      error(path, name, "there is no actor " + in_quotes(name) + did_you_mean(name, actors_), {others});
    } else if (what == Dependency::Completed && other->restart == Restart::Permanent) {
      error(path, name,
            in_quotes(name) +
                " is permanent: it is started again whenever it ends, and is never completed; give it restart = "
                "\"transient\", or wait for \"ready\"",
            {others});
    }
  }

  bool has_members(const std::string& group) const {
    return std::any_of(manifest_.actors.begin(), manifest_.actors.end(),
                       [&](const ActorSection& actor) { return actor.supervision.member_of == group; }) ||
           std::any_of(manifest_.groups.begin(), manifest_.groups.end(),
                       [&](const GroupSection& inner) { return inner.parent == group; });
  }

  void check_parents() {
    std::vector<supervision::Starter> starters;
    for (const GroupSection& group : manifest_.groups) starters.push_back({group.name, {group.parent}});
    const auto circle = start_order(starters).circle;
    if (circle.empty()) return;
    error(key_path("groups", circle.front()), "parent",
          "is a circle: " + chain(circle, "is in") + "; remove one parent", {});
  }

  void check_dependencies() {
    std::vector<supervision::Starter> starters;
    for (const ActorSection& actor : manifest_.actors) {
      auto& starter = starters.emplace_back(supervision::Starter{actor.name, {}});
      for (const auto& [name, what] : actor.supervision.depends_on) starter.after.push_back(name);
    }
    const auto circle = start_order(starters).circle;
    if (circle.empty()) return;
    error(key_path("actors", circle.front()), "depends_on",
          "is a circle, so that none of these can ever start: " + chain(circle, "waits for") + "; remove one of them",
          {});
  }

  /// "a waits for b, which waits for a"
  static std::string chain(const std::vector<std::string>& names, const std::string& does) {
    std::string text = names.front();
    for (std::size_t i = 1; i < names.size(); ++i) text += (i > 1 ? ", which " : " ") + does + ' ' + names[i];
    return text;
  }

  const Manifest& manifest_;
  const SoundSections& sound_;
  Findings& findings_;
  std::vector<std::string> groups_;
  std::vector<std::string> actors_;
};

}  // namespace

void check_supervision(Manifest& manifest, const SoundSections& sound, Findings& findings) {
  SupervisionChecks(manifest, sound, findings).run();
  std::vector<supervision::Starter> starters;
  for (const GroupSection& group : manifest.groups) starters.push_back({group.name, {group.parent}});
  std::vector<GroupSection> sorted;
  for (const std::string& name : start_order(starters).names) sorted.push_back(*manifest.find_group(name));
  manifest.groups = std::move(sorted);
}

}  // namespace actor::broker
