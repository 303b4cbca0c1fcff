// What one actor's failure leads to: for itself, for its group, for the groups around that.

#include <algorithm>
#include <supervision/tree.hpp>
#include <supervision/tree_parts.hpp>

namespace actor::supervision {

using Verdict = Outcome::Verdict;

/// Which member of `group` the actor is or belongs to. Only its identity counts; null: it is not under that group.
const void* SupervisionTree::child_towards(const Group& group, const Actor& actor) const {
  const void* child = &actor;
  for (const Group* around = groups_.find(actor.rules.group)->second.get(); around != &group;) {
    if (around->rules.name.empty()) return nullptr;
    child = around;
    around = groups_.find(around->rules.parent)->second.get();
  }
  return child;
}

/// Who stops and starts when this member of the group has failed, in the order of starting.
std::vector<SupervisionTree::Actor*> SupervisionTree::affected(const Group& group, const void* failed_child,
                                                               RestartStrategy strategy) const {
  std::vector<Actor*> found;
  std::set<const void*> earlier;
  bool is_rest = false;
  for (Actor* actor : order_) {
    const void* child = child_towards(group, *actor);
    if (!child) continue;
    is_rest |= child == failed_child;
    if (!is_rest) earlier.insert(child);
    if (child == failed_child || strategy == RestartStrategy::OneForAll ||
        (strategy == RestartStrategy::RestForOne && is_rest && !earlier.contains(child)))
      found.push_back(actor);
  }
  return found;
}

Outcome SupervisionTree::failed(Actor& actor, const Exit& exit, Time now) {
  ActorState& state = actor.state;
  if (actor.policy.is_proven(now)) state.on_probation = false;
  if (state.on_probation && actor.policy.wants_back(exit)) {
    actor.policy.left(now);
    for (auto& [name, group] : groups_) {
      if (state.cause == "group " + name) return exhausted(*group, actor, Time::zero(), now);
    }
    return exhausted(actor, now);
  }
  const Decision decision = actor.policy.ended(exit, now);
  switch (decision.action) {
    case Decision::Action::LeaveEnded:
      state.stays_away = exit.kind == Exit::Kind::Incompatible;
      become(actor, Standing::Ended);
      ended_for_good(actor, now);
      return {Verdict::StaysEnded};
    case Decision::Action::Quarantine:
      return exhausted(actor, now);
    case Decision::Action::Restart:
      break;
  }
  return restart_in(group_of(actor), &actor, actor, decision.delay, now);
}

/// A member of the group has failed: counts it, and restarts whom the group's strategy says.
Outcome SupervisionTree::restart_in(Group& group, const void* failed_child, Actor& actor, Time delay, Time now) {
  const bool is_runtime = group.rules.name.empty();
  if (!is_runtime && !group.window.charge(now)) return exhausted(group, actor, delay, now);
  Outcome outcome{Verdict::Restarts, delay};
  actor.state.due = now + delay;
  become(actor, Standing::Waiting);
  if (failed_child == &actor && group.rules.strategy == RestartStrategy::OneForOne) return outcome;
  outcome.group = group.rules.name;
  if (failed_child != &actor && group.rules.strategy == RestartStrategy::OneForOne)
    outcome.group = static_cast<const Group*>(failed_child)->rules.name;
  take_down(affected(group, failed_child, group.rules.strategy), Standing::Waiting, now + delay,
            "group " + outcome.group);
  return outcome;
}

/// The actor's own budget is used up.
Outcome SupervisionTree::exhausted(Actor& actor, Time now) {
  Group& group = group_of(actor);
  switch (actor.rules.on_exhausted) {
    case OnExhausted::RestartGroup:
    case OnExhausted::Escalate: {
      if (group.rules.name.empty()) break;
      actor.policy.clear_budget();
      const Time delay = actor.policy.next_delay();
      if (!group.window.charge(now)) return exhausted(group, actor, delay, now);
      actor.state.due = now + delay;
      become(actor, Standing::Waiting);
      take_down(affected(group, &actor, RestartStrategy::OneForAll), Standing::Waiting, now + delay,
                "group " + group.rules.name);
      return {Verdict::Restarts, delay, group.rules.name};
    }
    case OnExhausted::StopRuntime:
    case OnExhausted::Reboot:
      return end_runtime(actor, actor.rules.name, actor.rules.on_exhausted);
    case OnExhausted::Quarantine:
      break;
  }
  const auto whom = affected(group, &actor, group.rules.strategy);
  quarantine(whom, actor, "actor " + actor.rules.name, actor.rules.quarantine_retry, now);
  return {Verdict::Quarantined, actor.rules.quarantine_retry, whom.size() > 1 ? group.rules.name : ""};
}

/// The group's budget is used up, by this actor's failure.
Outcome SupervisionTree::exhausted(Group& group, Actor& actor, Time delay, Time now) {
  group.window.clear();  // whoever brings it back begins anew
  switch (group.rules.on_exhausted) {
    case OnExhausted::Escalate:
    case OnExhausted::RestartGroup:
      return restart_in(*parent_of(group), &group, actor, delay, now);
    case OnExhausted::StopRuntime:
    case OnExhausted::Reboot:
      return end_runtime(actor, group.rules.name, group.rules.on_exhausted);
    case OnExhausted::Quarantine:
      break;
  }
  quarantine(affected(group, nullptr, RestartStrategy::OneForAll), actor, "group " + group.rules.name,
             group.rules.quarantine_retry, now);
  return {Verdict::Quarantined, group.rules.quarantine_retry, group.rules.name};
}

Outcome SupervisionTree::end_runtime(Actor& actor, const std::string& who, OnExhausted how) {
  become(actor, Standing::Ended);
  const bool reboots = how == OnExhausted::Reboot;
  ask(reboots ? Step::Kind::Reboot : Step::Kind::StopRuntime, who);
  return {reboots ? Verdict::Reboots : Verdict::StopsRuntime};
}

void SupervisionTree::quarantine(const std::vector<Actor*>& whom, Actor& failed, const std::string& cause, Time retry,
                                 Time now) {
  const Time due = retry == Time::zero() ? Time::max() : now + retry;
  failed.state.standing = Standing::Waiting;  // down, and a part of what is taken down
  pending_.insert(&failed);
  take_down(whom, Standing::Quarantined, due, cause);
  for (Actor* actor : whom) {
    if (actor->state.standing == Standing::Quarantined || actor->state.next == Standing::Quarantined)
      actor->state.cause = cause;
  }
  if (due == Time::max()) ended_for_good(failed, now);
}

/// Sends these actors the way to `next`: at once those that are down, the others when they have ended.
void SupervisionTree::take_down(const std::vector<Actor*>& whom, Standing next, Time due, const std::string& unit) {
  const bool comes_back = next == Standing::Waiting;
  for (Actor* actor : whom) {
    ActorState& state = actor->state;
    const bool temporary = actor->rules.restart.restart == RestartClass::Temporary;
    if (state.standing == Standing::Up) {
      state.standing = Standing::Leaving;
      state.told = false;
      // As in OTP: who is temporary is stopped with the others, and not started with them again.
      state.next = temporary ? Standing::Ended : next;
      pending_.insert(actor);
    } else if (state.standing == Standing::Leaving && state.next != Standing::Ended) {
      state.next = next;
    } else if (state.standing == Standing::Waiting) {
      if (!comes_back) become(*actor, next);
      if (comes_back && state.due > due) {  // still backing off
        state.unit = unit;
        continue;
      }
    } else if (state.standing == Standing::Ended && comes_back && !state.stays_away && !temporary) {
      become(*actor, Standing::Waiting);  // as in OTP: a group that starts again starts those too that were done
    } else {
      continue;  // leaves for good anyway, was stopped by an operator, or is quarantined and has a time of its own
    }
    state.due = due;
    state.unit = unit;
  }
}

// ---- significant members ----

/// Neither its class nor its budget brings it back by itself.
void SupervisionTree::ended_for_good(Actor& actor, Time now) {
  if (!actor.rules.significant) return;
  significant_ended(group_of(actor), actor.state.completed, actor.rules.name, now);
}

bool SupervisionTree::has_significant_left(const Group& group) const {
  const auto is_left = [&](const Actor* actor) {
    if (!actor->rules.significant || actor->rules.group != group.rules.name) return false;
    const ActorState& state = actor->state;
    return state.standing != Standing::Ended && (state.standing != Standing::Quarantined || state.due != Time::max());
  };
  if (std::any_of(order_.begin(), order_.end(), is_left)) return true;
  return std::any_of(groups_.begin(), groups_.end(), [&](const auto& item) {
    const Group& inner = *item.second;
    return !inner.rules.name.empty() && inner.rules.significant && inner.rules.parent == group.rules.name &&
           !inner.state.has_ended;
  });
}

void SupervisionTree::significant_ended(Group& group, bool clean, const std::string& who, Time now) {
  if (group.rules.auto_shutdown == AutoShutdown::Never || group.state.is_ending) return;
  group.state.was_clean &= clean;
  if (group.rules.auto_shutdown == AutoShutdown::All && has_significant_left(group)) return;
  if (group.rules.name.empty()) return ask(Step::Kind::Done, who, group.state.was_clean);
  group.state.is_ending = true;
  for (Actor* actor : affected(group, nullptr, RestartStrategy::OneForAll)) {
    if (actor->state.standing == Standing::Quarantined) become(*actor, Standing::Ended);
    if (actor->state.standing != Standing::Ended)
      take_down({actor}, Standing::Ended, Time::max(), "group " + group.rules.name);
  }
  look_whether_down(group, now);
}

/// A group that ends by itself has ended when its last member has; then it may be significant for its parent.
void SupervisionTree::look_whether_down(Group& group, Time now) {
  if (!group.state.is_ending) return;
  const auto members = affected(group, nullptr, RestartStrategy::OneForAll);
  const bool all_down = std::all_of(members.begin(), members.end(),
                                    [](const Actor* actor) { return actor->state.standing == Standing::Ended; });
  if (!all_down) return;
  group.state.is_ending = false;
  group.state.has_ended = true;
  const bool clean = std::exchange(group.state.was_clean, true);
  if (group.rules.significant) significant_ended(*parent_of(group), clean, group.rules.name, now);
}

}  // namespace actor::supervision
