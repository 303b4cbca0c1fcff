#include <actor/error.hpp>
#include <algorithm>
#include <supervision/start_order.hpp>
#include <supervision/tree.hpp>
#include <supervision/tree_parts.hpp>

namespace actor::supervision {

SupervisionTree::SupervisionTree(AutoShutdown of_the_runtime) {
  GroupConfig runtime;
  runtime.auto_shutdown = of_the_runtime;
  groups_.emplace("", std::make_unique<Group>(runtime));
}

SupervisionTree::~SupervisionTree() = default;

// ---- what there is ----

void SupervisionTree::add_group(const GroupConfig& rules) {
  ACTOR_ASSERT(groups_.contains(rules.parent), "a group's parent comes before it");
  groups_[rules.name] = std::make_unique<Group>(rules);
}

void SupervisionTree::add_actor(const ActorRules& rules, std::uint64_t seed) {
  ACTOR_ASSERT(groups_.contains(rules.group), "a group comes before its members");
  auto added = std::make_unique<Actor>(rules, seed, next_position_++);
  order_.insert(added.get());
  for (const auto& [name, what] : rules.depends_on) depended_on_.insert(name);
  const bool is_new = actors_.emplace(rules.name, std::move(added)).second;
  ACTOR_ASSERT(is_new, "two actors of one name");
}

void SupervisionTree::remove_actor(std::string_view name) {
  const auto found = actors_.find(name);
  ACTOR_ASSERT(found != actors_.end() && found->second->is_down(), "only who is down can be removed");
  if (found->second->state.completed && depended_on_.contains(name)) done_.emplace(name);
  order_.erase(found->second.get());
  pending_.erase(found->second.get());
  actors_.erase(found);
}

SupervisionTree::Actor& SupervisionTree::at(std::string_view name) {
  return const_cast<Actor&>(std::as_const(*this).at(name));
}

const SupervisionTree::Actor& SupervisionTree::at(std::string_view name) const {
  const auto found = actors_.find(name);
  ACTOR_ASSERT(found != actors_.end(), "an actor that the supervision tree does not know");
  return *found->second;
}

SupervisionTree::Group& SupervisionTree::group_of(const Actor& actor) {
  return *groups_.find(actor.rules.group)->second;
}

/// Null for the runtime itself.
SupervisionTree::Group* SupervisionTree::parent_of(const Group& group) {
  return group.rules.name.empty() ? nullptr : groups_.find(group.rules.parent)->second.get();
}

/// Gives the actors the places that their dependencies want, and otherwise those of their coming.
void SupervisionTree::arrange() {
  std::vector<Starter> starters;
  for (const Actor* actor : order_) {
    Starter& starter = starters.emplace_back(Starter{actor->rules.name, {}});
    for (const auto& [name, what] : actor->rules.depends_on) starter.after.push_back(name);
  }
  order_.clear();
  const Actors pending = std::exchange(pending_, {});
  next_position_ = 0;
  for (const std::string& name : start_order(starters).names) at(name).position = next_position_++;
  for (const auto& [name, actor] : actors_) order_.insert(actor.get());
  pending_.insert(pending.begin(), pending.end());
}

// ---- what has happened ----

void SupervisionTree::start_all(Time now) {
  arrange();
  for (Actor* actor : order_) {
    if (actor->state.standing != Standing::Ended || actor->state.stays_away) continue;
    actor->state.due = now;
    become(*actor, Standing::Waiting);
  }
  advance(now);
}

void SupervisionTree::launch(std::string_view name, Time now) {
  Actor& actor = at(name);
  actor.state.due = now;
  become(actor, Standing::Waiting);
  advance(now);
}

void SupervisionTree::launch_again(std::string_view name, Time now) {
  Actor& actor = at(name);
  become(actor, Standing::Leaving);
  actor.state.told = true;
  actor.state.unit = "actor " + actor.rules.name;
  actor.state.next = Standing::Waiting;
  actor.state.due = now;
}

void SupervisionTree::adopt(std::string_view name, Time now) {
  become(at(name), Standing::Up);
  advance(now);
}

void SupervisionTree::started(std::string_view name, Time now) {
  at(name).state.started = true;
  advance(now);
}

void SupervisionTree::became_ready(std::string_view name, Time now) {
  Actor& actor = at(name);
  actor.state.started = true;
  actor.state.ready = true;
  actor.policy.became_ready(now);
  advance(now);
}

Outcome SupervisionTree::ended(std::string_view name, const Exit& exit, Time now) {
  Actor& actor = at(name);
  ActorState& state = actor.state;
  const bool was_leaving = state.standing == Standing::Leaving;
  state.started = state.ready = false;
  state.completed = !exit.abnormal();
  Outcome outcome{Outcome::Verdict::AsAsked};
  if (is_stopping_) {
    become(actor, Standing::Ended);
    return outcome;
  }
  if (was_leaving) {
    actor.policy.left(now);
    become(actor, state.next);
  } else if (exit.kind == Exit::Kind::Companion && actor.policy.wants_back(exit)) {  // no failure of its own
    actor.policy.left(now);
    state.due = now;
    become(actor, Standing::Waiting);
    outcome = {Outcome::Verdict::Restarts};
  } else {
    outcome = failed(actor, exit, now);
  }
  for (Group* group = &group_of(actor); group; group = parent_of(*group)) look_whether_down(*group, now);
  advance(now);
  return outcome;
}

void SupervisionTree::pass(Time now) {
  advance(now);
}

// ---- what an operator wants ----

void SupervisionTree::start(std::string_view name, Time now) {
  Actor& wanted = at(name);
  std::vector<Actor*> together{&wanted};
  if (wanted.state.standing == Standing::Quarantined) {
    together.clear();
    for (Actor* other : pending_) {
      if (other->state.standing == Standing::Quarantined && other->state.cause == wanted.state.cause)
        together.push_back(other);
    }
  }
  for (Actor* actor : together) {
    actor->policy.forgive();
    ActorState& state = actor->state;
    state.on_probation = state.stays_away = false;
    state.due = now;
    if (state.standing == Standing::Leaving) state.next = Standing::Waiting;
    if (!actor->is_down()) continue;
    state.at_any_rate = actor == &wanted;
    state.unit.clear();
    become(*actor, Standing::Waiting);
  }
  advance(now);
}

void SupervisionTree::stop(std::string_view name, Time now) {
  Actor& actor = at(name);
  take_down({&actor}, Standing::Ended, Time::max(), "actor " + actor.rules.name);
  if (actor.state.standing == Standing::Quarantined) become(actor, Standing::Ended);
  actor.state.next = Standing::Ended;  // also when its group was about to restart it
  actor.state.stays_away = true;
  advance(now);
}

void SupervisionTree::restart(std::string_view name, Time now) {
  Actor& actor = at(name);
  if (actor.is_down()) return start(name, now);
  actor.policy.forgive();
  actor.state.on_probation = actor.state.stays_away = false;
  actor.state.at_any_rate = true;
  if (actor.state.standing == Standing::Up) take_down({&actor}, Standing::Waiting, now, "actor " + actor.rules.name);
  actor.state.next = Standing::Waiting;
  actor.state.due = now;
  advance(now);
}

void SupervisionTree::restart_group(std::string_view name, Time now) {
  const Group& group = *groups_.find(name)->second;
  const std::vector<Actor*> members = affected(group, nullptr, RestartStrategy::OneForAll);
  for (Actor* actor : members) actor->state.at_any_rate = false;
  take_down(members, Standing::Waiting, now, "group " + group.rules.name);
  advance(now);
}

void SupervisionTree::forgive(std::string_view name) {
  at(name).policy.forgive();
  at(name).state.on_probation = false;
}

// ---- what follows ----

SupervisionTree::Standing SupervisionTree::standing(std::string_view name) const {
  return at(name).state.standing;
}

bool SupervisionTree::leaves_for_good(std::string_view name) const {
  const ActorState& state = at(name).state;
  return state.standing == Standing::Leaving && state.next == Standing::Ended;
}

SupervisionTree::Time SupervisionTree::due(std::string_view name) const {
  return at(name).state.due;
}

bool SupervisionTree::wants_back(std::string_view name, const Exit& exit) const {
  return at(name).policy.wants_back(exit);
}

void SupervisionTree::ask(Step::Kind kind, const std::string& who, bool flag) {
  Step step{kind, who};
  if (kind == Step::Kind::Stop) step.for_good = flag;
  if (kind == Step::Kind::Done) step.clean = flag;
  steps_.push_back(std::move(step));
}

void SupervisionTree::become(Actor& actor, Standing standing) {
  ActorState& state = actor.state;
  const Standing before = std::exchange(state.standing, standing);
  state.told = false;
  if (standing == Standing::Ended || standing == Standing::Up) {
    state.unit.clear();
    pending_.erase(&actor);
  } else {
    pending_.insert(&actor);
  }
  if (standing == Standing::Ended) ask(Step::Kind::StayEnded, actor.rules.name);
  if (standing == Standing::Quarantined && before != Standing::Quarantined)
    ask(Step::Kind::Quarantine, actor.rules.name);
}

bool SupervisionTree::holds(const std::string& name, Dependency what) const {
  const auto found = actors_.find(name);
  if (found == actors_.end()) return what == Dependency::Completed && done_.contains(name);
  const ActorState& state = found->second->state;
  switch (what) {
    case Dependency::Ready:
      return state.standing == Standing::Up && state.ready;
    case Dependency::Started:
      return state.standing == Standing::Up && state.started;
    case Dependency::Completed:
      return state.standing == Standing::Ended && state.completed;
  }
  return true;
}

bool SupervisionTree::may_start(const Actor& actor) const {
  return actor.state.at_any_rate || std::all_of(actor.rules.depends_on.begin(), actor.rules.depends_on.end(),
                                                [this](const auto& item) { return holds(item.first, item.second); });
}

std::vector<std::string> SupervisionTree::unmet(std::string_view name) const {
  const Actor& actor = at(name);
  std::vector<std::string> names;
  if (actor.state.standing != Standing::Waiting || actor.state.at_any_rate) return names;
  for (const auto& [other, what] : actor.rules.depends_on) {
    if (!holds(other, what)) names.push_back(other);
  }
  return names;
}

std::string SupervisionTree::waits_for(std::string_view name) const {
  constexpr std::string_view words[] = {"ready", "started", "completed"};
  std::string text;
  for (const std::string& other : unmet(name)) {
    const Dependency what = at(name).rules.depends_on.at(other);
    text += (text.empty() ? "" : ", ") + other + " (" + std::string(words[static_cast<int>(what)]) + ")";
  }
  return text;
}

/// Asks for all that can be done now. Of those that stop together the last to start stops first, and none of them
/// starts before the last has ended.
void SupervisionTree::advance(Time now) {
  now_ = std::max(now_, now);
  if (is_stopping_ || pending_.empty()) return;
  std::set<std::string, std::less<>> ending;
  for (auto it = pending_.rbegin(); it != pending_.rend(); ++it) {
    Actor& actor = **it;
    if (actor.state.standing != Standing::Leaving) continue;
    const bool is_next = ending.insert(actor.state.unit).second;
    if (!is_next || std::exchange(actor.state.told, true)) continue;
    ask(Step::Kind::Stop, actor.rules.name, actor.state.next == Standing::Ended);
  }
  const std::vector<Actor*> pending(pending_.begin(), pending_.end());
  for (Actor* actor : pending) {
    ActorState& state = actor->state;
    if (state.due > now_ || state.standing == Standing::Leaving) continue;
    if (state.standing == Standing::Quarantined) {
      actor->policy.clear_budget();
      state.on_probation = true;
      become(*actor, Standing::Waiting);
    }
    if (ending.contains(state.unit) || !may_start(*actor)) continue;
    state.at_any_rate = state.completed = state.stays_away = false;
    for (Group* group = &group_of(*actor); group; group = parent_of(*group))
      group->state.has_ended = group->state.is_ending = false;
    become(*actor, Standing::Up);
    ask(Step::Kind::Start, actor->rules.name);
  }
}

SupervisionTree::Time SupervisionTree::next_due() const {
  Time next = Time::max();
  if (is_stopping_) return next;
  for (const Actor* actor : pending_) {
    if (actor->state.standing != Standing::Leaving && actor->state.due > now_) next = std::min(next, actor->state.due);
  }
  return next;
}

std::vector<std::string> SupervisionTree::stop_order() const {
  std::vector<std::string> names;
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) names.push_back((*it)->rules.name);
  return names;
}

SupervisionTree::State SupervisionTree::save() const {
  State state;
  for (const Actor* actor : order_) {
    state.actors.push_back(actor->state);
    state.actors.back().policy = actor->policy.save();
  }
  for (const auto& [name, group] : groups_) {
    state.groups.push_back(group->state);
    state.groups.back().window = group->window.save();
  }
  state.now = now_;
  state.is_stopping = is_stopping_;
  return state;
}

void SupervisionTree::load(const State& state) {
  arrange();
  for (const ActorState& saved : state.actors) {
    const auto found = actors_.find(saved.name);
    if (found == actors_.end()) continue;
    Actor& actor = *found->second;
    actor.state = saved;
    actor.policy.load(saved.policy);
    if (actor.state.standing != Standing::Ended && actor.state.standing != Standing::Up) pending_.insert(&actor);
  }
  for (const GroupState& saved : state.groups) {
    const auto found = groups_.find(saved.name);
    if (found == groups_.end()) continue;
    found->second->state = saved;
    found->second->window.load(saved.window);
  }
  now_ = state.now;
  is_stopping_ = state.is_stopping;
}

}  // namespace actor::supervision
