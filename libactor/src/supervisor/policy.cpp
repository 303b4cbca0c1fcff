// What the supervision tree wants of the members, carried out: it decides who lives when, and in which order.

#include <algorithm>
#include <supervision/start_order.hpp>
#include <supervisor/core.hpp>

namespace actor {

using supervision::Outcome;
using supervision::Step;
using supervision::SupervisionTree;
using Standing = SupervisionTree::Standing;

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::Refused, what);
}

}  // namespace

/// Parents first.
void SupervisorCore::plan_groups() {
  std::vector<supervision::Starter> starters;
  std::map<std::string, const GroupConfig*> known;
  for (const GroupConfig& group : config_.groups) {
    if (group.name.empty()) refuse("a group of SupervisorConfig::groups has no name");
    if (!known.emplace(group.name, &group).second) refuse("there are two groups named \"" + group.name + "\"");
    starters.push_back({group.name, {group.parent}});
    if (group.on_exhausted == OnExhausted::Reboot) refuse("group \"" + group.name + "\": only a broker can reboot");
    if (group.on_exhausted == OnExhausted::Escalate && group.parent.empty())
      refuse("group \"" + group.name + "\" has no parent to escalate to; set parent, or choose another on_exhausted");
  }
  const auto order = supervision::start_order(starters);
  if (!order.circle.empty()) refuse("group \"" + order.circle.front() + "\" is inside itself");
  for (const std::string& name : order.names) {
    const GroupConfig& group = *known[name];
    if (!group.parent.empty() && !known.contains(group.parent))
      refuse("group \"" + name + "\" names a parent \"" + group.parent + "\" that is not there");
    tree_.add_group(group);
  }
}

/// REQUIRES: mutex_ is held.
void SupervisorCore::plan(const std::string& name, const ActorConfig& config, std::uint64_t seed) {
  const auto is_group = [&](const GroupConfig& group) { return group.name == config.member_of; };
  if (!config.member_of.empty() && std::none_of(config_.groups.begin(), config_.groups.end(), is_group))
    refuse("actor \"" + name + "\" is to be a member of group \"" + config.member_of +
           "\", which is not in SupervisorConfig::groups");
  if (config.on_exhausted == OnExhausted::RestartGroup && config.member_of.empty())
    refuse("actor \"" + name + "\" cannot restart its group: it is in none; set member_of");
  if (config.on_exhausted == OnExhausted::Reboot) refuse("actor \"" + name + "\": only a broker can reboot");
  tree_.add_actor({.name = name,
                   .group = config.member_of,
                   .restart = config.restart.value_or(config_.default_restart),
                   .on_exhausted = config.on_exhausted,
                   .quarantine_retry = config.quarantine_retry,
                   .significant = config.significant,
                   .depends_on = config.depends_on},
                  seed);
}

/// Before everybody starts: does everybody whom somebody waits for exist, and can all of them start?
/// REQUIRES: mutex_ is held.
void SupervisorCore::check_plan() const {
  std::vector<supervision::Starter> starters;
  for (const auto& member : members_) {
    auto& starter = starters.emplace_back(supervision::Starter{member->spec().name, {}});
    for (const auto& [name, what] : member->spec().config.depends_on) {
      if (!by_name_.contains(name))
        throw Error(ErrorCode::NoSuchActor, "actor \"" + starter.name + "\" depends on actor \"" + name +
                                                "\", and there is none of that name; add it before start()");
      starter.after.push_back(name);
    }
  }
  const auto circle = supervision::start_order(starters).circle;
  if (circle.empty()) return;
  std::string text = circle.front();
  for (std::size_t i = 1; i < circle.size(); ++i)
    text += " waits for " + circle[i] + (i + 1 < circle.size() ? ", which" : "");
  refuse("these actors can never start: " + text);
}

/// REQUIRES: mutex_ is held.
void SupervisorCore::serve_system_topics(const Subscribe& topics) {
  const auto& names = topics.names();
  if (sys_ || std::find(names.begin(), names.end(), sys::topic) == names.end()) return;
  sys_ = std::make_unique<SysPublisher>(*hub_);
  sys_now_.store(sys_.get(), std::memory_order_release);
}

std::uint32_t SupervisorCore::begin_life(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  Lives& lives = lives_[name];
  lives.is_up = true;
  return ++lives.count;
}

void SupervisorCore::tell_down(Member& member, const supervision::Exit& exit, const std::optional<Error>& why,
                               bool comes_back) {
  const std::string& name = member.spec().name;
  std::uint32_t incarnation = 0;
  {
    const std::scoped_lock lock(mutex_);
    Lives& lives = lives_[name];
    if (!std::exchange(lives.is_up, false)) return;
    incarnation = lives.count;
  }
  tell(sys::Down{name, incarnation, to_string(exit), exit.code, member.last_event(), comes_back,
                 why ? why->what() : std::string()});
}

void SupervisorCore::on_ready(Member& member) {
  std::unique_lock counting(mutex_);
  const auto lives = lives_.find(member.spec().name);
  const std::uint32_t incarnation = lives == lives_.end() ? 0 : lives->second.count;
  counting.unlock();
  if (incarnation != 0) tell(sys::Ready{member.spec().name, incarnation});
  const std::scoped_lock lock(mutex_);
  if (!tree_.knows(member.spec().name)) return;
  tree_.became_ready(member.spec().name, time());
  carry_out();
}

void SupervisorCore::on_life_over(Member& member, const supervision::Exit& exit, const std::optional<Error>& why) {
  const std::string& name = member.spec().name;
  Outcome outcome;
  bool comes_back = false;
  {
    const std::scoped_lock lock(mutex_);
    outcome = tree_.ended(name, exit, time());
    comes_back = tree_.standing(name) == Standing::Waiting || tree_.standing(name) == Standing::Up;
  }
  tell_down(member, exit, why, comes_back);  // before the next life can begin
  {
    const std::scoped_lock lock(mutex_);
    carry_out();
  }
  if (comes_back) tell_restart(member, outcome, why);
}

void SupervisorCore::tell_restart(Member& member, const Outcome& outcome, const std::optional<Error>& why) {
  const std::string who = "actor " + std::string(member.id().name());
  const std::string reason = outcome.verdict == Outcome::Verdict::AsAsked
                                 ? " was stopped because another of its group has failed"
                                 : " has stopped by itself";
  const Error error = why.value_or(Error(ErrorCode::External, who + reason));
  if (monitors_.active()) monitors_.restarting(member.id(), error, outcome.delay);
  const std::string whom = outcome.group.empty() ? "" : ", with group " + outcome.group;
  say((why ? who + " failed: " + why->what() : who + reason) + "; restarted in " +
      std::to_string(outcome.delay.count() / 1'000'000) + " ms" + whom);
}

void SupervisorCore::on_leaving(Member& member) {
  const std::string& name = member.spec().name;
  tell_down(member, {}, {}, false);
  const std::scoped_lock lock(mutex_);
  by_name_.erase(name);
  if (!tree_.knows(name)) return;
  const auto is_down = [&] {
    return tree_.standing(name) != Standing::Up && tree_.standing(name) != Standing::Leaving;
  };
  if (!is_down()) {
    tree_.stop(name, time());
    tree_.ended(name, {}, time());
  }
  tree_.remove_actor(name);
  carry_out();
}

/// REQUIRES: mutex_ is held, and something has happened to the tree.
void SupervisorCore::carry_out() {
  for (auto steps = tree_.take_steps(); !steps.empty(); steps = tree_.take_steps()) {
    for (const Step& step : steps) carry_out(step);
  }
  const auto due = tree_.next_due();
  if (due >= clock_due_) return;
  clock_due_ = due;
  scheduler().call_at(Scheduler::Time(due), clock_);
}

void SupervisorCore::carry_out(const Step& step) {
  if (step.kind == Step::Kind::StopRuntime || step.kind == Step::Kind::Done) {
    if (started_) begin_stop();
    return;
  }
  const auto found = by_name_.find(step.who);
  if (found == by_name_.end()) return;  // it has left
  Member& member = *found->second;
  switch (step.kind) {
    case Step::Kind::Start:
      member.run();
      tree_.started(step.who, time());
      break;
    case Step::Kind::Stop:
      if (step.for_good) {
        member.order(Member::Order::Leave);
      } else {
        member.suspend();
      }
      break;
    case Step::Kind::Quarantine:
      tell(sys::Quarantined{step.who, lives_[step.who].count});
      if (tree_.due(step.who) == SupervisionTree::Time::max()) {
        member.give_up();
      } else {
        member.quarantine();
      }
      break;
    case Step::Kind::StayEnded:
      member.give_up();
      break;
    case Step::Kind::Done:
    case Step::Kind::StopRuntime:
    case Step::Kind::Reboot:
      break;
  }
}

void SupervisorCore::pass_time() {
  const std::scoped_lock lock(mutex_);
  clock_due_ = SupervisionTree::Time::max();
  tree_.pass(time());
  carry_out();
}

}  // namespace actor
