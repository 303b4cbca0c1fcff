// What the supervision tree wants, carried out for processes: it decides who is started and stopped, when, and in which
// order.

#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

#include "brain/brain.hpp"

extern char** environ;

namespace actor::broker {
namespace {

using supervision::Outcome;
using supervision::Step;
using supervision::SupervisionTree;

/// The runtime ended because restarting did not help: docs/broker.md.
constexpr int exhausted_exit_code = 3;

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + " ms";
}

RestartRules restart_rules(const ActorSection& section) {
  RestartRules rules;
  rules.restart = section.restart == Restart::Permanent   ? RestartClass::Permanent
                  : section.restart == Restart::Transient ? RestartClass::Transient
                                                          : RestartClass::Temporary;
  rules.base = section.backoff.base;
  rules.max = section.backoff.max;
  rules.reset_after = section.backoff.reset_after;
  rules.restarts = section.budget.restarts;
  rules.within = section.budget.within;
  return rules;
}

supervision::ActorRules rules_of(const ActorSection& section) {
  const ActorSupervision& keys = section.supervision;
  return {.name = section.name,
          .group = keys.member_of,
          .restart = restart_rules(section),
          .on_exhausted = keys.on_exhausted,
          .quarantine_retry = keys.quarantine_retry,
          .significant = keys.significant,
          .depends_on = keys.depends_on};
}

GroupConfig rules_of(const GroupSection& section) {
  return {.name = section.name,
          .parent = section.parent,
          .strategy = section.strategy,
          .restarts = section.budget.restarts,
          .within = section.budget.within,
          .on_exhausted = section.on_exhausted,
          .quarantine_retry = section.quarantine_retry,
          .auto_shutdown = section.auto_shutdown,
          .significant = section.significant};
}

}  // namespace

/// Makes the tree of the manifest, with what the tree before it remembers.
void Brain::plan() {
  auto tree = std::make_unique<SupervisionTree>(manifest_.broker.auto_shutdown);
  for (const GroupSection& group : manifest_.groups) tree->add_group(rules_of(group));
  for (const ActorSection& section : manifest_.actors)
    tree->add_actor(rules_of(section), state_.runtime_id ^ std::hash<std::string>()(section.name));
  if (tree_) tree->load(tree_->save());
  tree_ = std::move(tree);
}

void Brain::carry_out(const Ending* ending) {
  for (auto steps = tree_->take_steps(); !steps.empty(); steps = tree_->take_steps()) {
    for (const Step& step : steps) {
      if (state_.stage == Stage::Running) carry_out(step, ending);  // shutdown.cpp has an order of its own
    }
  }
  hold_waiting();
  arm_policy();
}

/// Nobody knows for how long an actor waits for others: as after a crash, its mailboxes are held for a while, and then
/// nobody waits for room in them until it starts.
void Brain::hold_waiting() {
  if (state_.stage != Stage::Running) return;
  const auto now = Loop::Clock::now().time_since_epoch();
  for (auto& [index, entry] : entries_) {
    // Its time has come, and now it waits for others.
    if ((entry->life == Life::Backoff || entry->life == Life::Quarantined) && tree_->knows(entry->name) &&
        tree_->standing(entry->name) == SupervisionTree::Standing::Waiting && tree_->due(entry->name) <= now)
      entry->life = Life::Waiting;
    if (entry->life == Life::Waiting && entry->reading && !entry->hold_until)
      hold_mailbox(*entry, later(Loop::Clock::now(), manifest_.broker.mailbox_hold));
  }
}

void Brain::carry_out(const Step& step, const Ending* ending) {
  switch (step.kind) {
    case Step::Kind::Done:
      if (!step.clean) state_.exit_code = 1;
      return begin_shutdown("'" + step.who + "' has ended, and auto_shutdown says that all is done then");
    case Step::Kind::Reboot:
      state_.reboots = true;
      [[fallthrough]];
    case Step::Kind::StopRuntime:
      state_.exit_code = exhausted_exit_code;
      log_.error("exhausted", "",
                 "restarting '" + step.who + "' does not help" +
                     (state_.reboots ? ": the machine reboots (on_exhausted)" : " (on_exhausted)"));
      return begin_shutdown("restarting '" + step.who + "' does not help");
    default:
      break;
  }
  ActorEntry* entry = find_entry(step.who);
  if (!entry) return;
  switch (step.kind) {
    case Step::Kind::Start:
      if (entry->incarnation > 0) ++entry->restarts;
      return spawn(*entry);
    case Step::Kind::Stop:
      return step.for_good ? stop_for_good(*entry) : request_stop(*entry);
    case Step::Kind::Quarantine:
      return quarantine(*entry, ending);
    case Step::Kind::StayEnded: {
      const bool of_its_own = ending && entry == &ending->who && ending->outcome.verdict != Outcome::Verdict::AsAsked;
      return stay_ended(*entry, entry->life == Life::Refused ? Life::Refused : Life::Ended,
                        of_its_own && ending->abnormal);
    }
    default:
      break;
  }
}

void Brain::quarantine(ActorEntry& entry, const Ending* ending) {
  const bool is_cause = ending && &entry == &ending->who && ending->outcome.verdict == Outcome::Verdict::Quarantined;
  std::string text = "quarantined, with its group";
  if (is_cause && ending->outcome.group.empty()) {
    text = "quarantined: " + std::to_string(entry.section->budget.restarts) + " restarts within " +
           milliseconds(entry.section->budget.within) + " were not enough. The other actors go on";
  } else if (is_cause) {
    text = "quarantined: restarting group '" + ending->outcome.group + "' does not help. The other actors go on";
  }
  const auto due = tree_->due(entry.name);
  if (due != SupervisionTree::Time::max())
    text += "; it is tried again in " + milliseconds(due - Loop::Clock::now().time_since_epoch());
  log_.error("quarantined", entry.name, text + "; `actorctl start " + entry.name + "` tries again at once");
  stay_ended(entry, Life::Quarantined, true);
}

/// One timer for all that the tree waits for.
void Brain::arm_policy() {
  if (policy_timer_ != 0) loop_.cancel(std::exchange(policy_timer_, 0));
  const auto due = tree_->next_due();
  if (due == SupervisionTree::Time::max()) return;
  policy_timer_ = loop_.after(due - Loop::Clock::now().time_since_epoch(), [this] {
    policy_timer_ = 0;
    pass_time();
  });
}

void Brain::pass_time() {
  tree_->pass(Loop::Clock::now().time_since_epoch());
  carry_out();
}

/// When it starts again by itself; nothing when it does not, runs, or waits for others.
std::optional<std::chrono::nanoseconds> Brain::restarts_in(const ActorEntry& entry) const {
  if (state_.stage != Stage::Running || !tree_->knows(entry.name)) return std::nullopt;
  const auto standing = tree_->standing(entry.name);
  const bool waits =
      standing == SupervisionTree::Standing::Waiting || standing == SupervisionTree::Standing::Quarantined;
  const auto due = tree_->due(entry.name);
  const auto left = due - Loop::Clock::now().time_since_epoch();
  if (!waits || due == SupervisionTree::Time::max() || left.count() <= 0) return std::nullopt;
  return left;
}

/// The service manager does it in good order. Nothing else is tried: a broker that takes the machine down by force
/// would take the other services with it.
void Brain::reboot() {
  log_.warn("reboot", "", "rebooting the machine: systemctl reboot");
  char name[] = "systemctl", verb[] = "reboot";
  char* const arguments[] = {name, verb, nullptr};
  pid_t child = 0;
  int status = 0;
  const int error = posix_spawnp(&child, name, nullptr, nullptr, arguments, environ);
  if (error != 0) {
    log_.error("reboot", "", std::string("cannot reboot: starting systemctl: ") + std::strerror(error));
  } else if (waitpid(child, &status, 0) != child || status != 0) {
    log_.error("reboot", "", "cannot reboot: systemctl reboot has failed");
  }
}

}  // namespace actor::broker
