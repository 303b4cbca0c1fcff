#pragma once
// Decides who starts, who stops and in which order, for a whole runtime: actors in nested groups, each group with a
// strategy and a budget. Its owner (the broker for processes, the supervisor for objects) tells it what has happened
// and at what time, and then carries out the steps that it asks for. It reads no clock, starts nothing and owns no
// thread; all that it remembers can be saved and loaded. One thread, or the owner's lock.
//
// An actor's way through it:
//
//     Ended ──► Waiting ──► Up ──► Leaving ──► Ended, Waiting or Quarantined     told to stop, as a part of its group
//       ▲          ▲         │
//       │          └─────────┤ fails: waits for its backoff, its group, its dependencies
//       └────────────────────┴─► Quarantined ──► Waiting                         fails too often; tried again later

#include <actor/group.hpp>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <supervision/restart_policy.hpp>
#include <utility>
#include <vector>

namespace actor::supervision {

struct ActorRules {
  std::string name;
  std::string group = {};  ///< empty: the runtime itself, which restarts one for one and has no budget
  RestartRules restart = {};
  OnExhausted on_exhausted = OnExhausted::Quarantine;
  std::chrono::nanoseconds quarantine_retry{};  ///< zero: never by itself
  bool significant = false;
  std::map<std::string, Dependency> depends_on = {};
};

/// What the owner has to do now. In the order in which it is asked for.
struct Step {
  enum class Kind : std::uint8_t {
    Start,
    Stop,         ///< then ended() is waited for
    StayEnded,    ///< it has no process and gets none by itself
    Quarantine,   ///< the same, as restarting does not help
    Done,         ///< the significant actors have ended for good: the whole runtime ends, in good order
    StopRuntime,  ///< restarting does not help: the same
    Reboot,
  };
  Kind kind = Kind::Start;
  std::string who;        ///< an actor; for the last three whoever caused it: an actor or a group
  bool for_good = false;  ///< of Stop: it does not come back, so what is queued for it is handled first
  bool clean = false;     ///< of Done: they have ended cleanly
  bool operator==(const Step&) const = default;
};

/// What an actor's end leads to, for the log.
struct Outcome {
  enum class Verdict : std::uint8_t { Restarts, StaysEnded, Quarantined, StopsRuntime, Reboots, AsAsked };
  Verdict verdict = Verdict::StaysEnded;
  std::chrono::nanoseconds delay{};  ///< until it is tried again; of Quarantined zero means never by itself
  std::string group = {};            ///< not empty: all that is said concerns this group, not the actor alone
};

class SupervisionTree {
 public:
  using Time = std::chrono::nanoseconds;
  enum class Standing : std::uint8_t { Ended, Waiting, Up, Leaving, Quarantined };

  /// What is remembered of one actor and of one group. Plain values.
  struct ActorState {
    std::string name;
    Standing standing = Standing::Ended;
    Standing next = Standing::Ended;  ///< what a Leaving actor becomes
    bool told = false;                ///< Leaving, and Stop was asked for
    bool started = false;             ///< its process runs
    bool ready = false;
    bool completed = false;     ///< its last end was clean
    bool stays_away = false;    ///< stopped by an operator, or refused: no group brings it back
    bool at_any_rate = false;   ///< an operator starts it: its dependencies do not matter
    Time due{};                 ///< of Waiting and Quarantined: not before; Time::max(): not by itself
    std::string unit = {};      ///< what stops and starts together with it at the moment
    std::string cause = {};     ///< whose exhaustion has quarantined it
    bool on_probation = false;  ///< tried again after a quarantine: the next failure is one too many
    RestartPolicy::State policy = {};
    bool operator==(const ActorState&) const = default;
  };
  struct GroupState {
    std::string name;
    std::vector<Time> window;
    bool is_ending = false;  ///< its auto_shutdown has come about
    bool has_ended = false;  ///< and all its members are down
    bool was_clean = true;   ///< its significant members have ended cleanly
    bool operator==(const GroupState&) const = default;
  };
  struct State {
    std::vector<ActorState> actors;
    std::vector<GroupState> groups;
    Time now{};  ///< the latest that it was told
    bool is_stopping = false;
    bool operator==(const State&) const = default;
  };

  explicit SupervisionTree(AutoShutdown of_the_runtime = AutoShutdown::Never);
  ~SupervisionTree();

  // What there is. Groups, and parents of groups, come before their members; names are the owner's to check. An actor
  // that comes later starts after, and stops before, those that came earlier, unless dependencies want it otherwise.
  void add_group(const GroupConfig& rules);
  void add_actor(const ActorRules& rules, std::uint64_t seed);
  /// REQUIRES: it is neither Up nor Leaving.
  void remove_actor(std::string_view name);
  bool knows(std::string_view name) const { return actors_.contains(name); }

  // What has happened.
  /// Everybody starts.
  void start_all(Time now);
  /// The same for one that has been added since.
  void launch(std::string_view name, Time now);
  /// The same once it has ended: it is on its way out.
  void launch_again(std::string_view name, Time now);
  /// It has been added since, and runs already: nobody here has started it.
  void adopt(std::string_view name, Time now);
  /// Its process runs: what depends on `Dependency::Started` may go on.
  void started(std::string_view name, Time now);
  void became_ready(std::string_view name, Time now);
  /// It has ended: by itself, or because Stop was asked for.
  Outcome ended(std::string_view name, const Exit& exit, Time now);
  /// Time has passed; needed when next_due() has come.
  void pass(Time now);
  /// From now on nobody is started any more, whatever ends. The owner stops everybody in stop_order().
  void begin_shutdown() { is_stopping_ = true; }

  // What an operator wants. Budgets and backoffs begin anew and nothing is counted.
  void start(std::string_view name, Time now);
  void stop(std::string_view name, Time now);
  void restart(std::string_view name, Time now);
  /// All who are up in the group, and in its groups, stop together, and start anew as they did at first.
  void restart_group(std::string_view name, Time now);
  /// Only that: budget and backoff begin anew.
  void forgive(std::string_view name);

  // What follows.
  /// What is to be done now; each step once.
  std::vector<Step> take_steps() { return std::exchange(steps_, {}); }
  /// When pass() is to be called; Time::max(): nothing waits for time to pass.
  Time next_due() const;
  Standing standing(std::string_view name) const;
  /// It was told to stop and does not come back.
  bool leaves_for_good(std::string_view name) const;
  /// When a Waiting or Quarantined actor is tried; Time::max(): not by itself.
  Time due(std::string_view name) const;
  /// The dependencies that a Waiting actor waits for.
  std::vector<std::string> unmet(std::string_view name) const;
  /// The same as a text: "store (ready)"; empty when it waits for nobody.
  std::string waits_for(std::string_view name) const;
  /// Does its class want it back after this end?
  bool wants_back(std::string_view name, const Exit& exit) const;
  /// Everybody, the last to start first; dependents before what they depend on.
  std::vector<std::string> stop_order() const;

  State save() const;
  /// Goes on where another left off. Of what that one knew and this one does not nothing is taken; who is new here
  /// is as if it had just been added.
  void load(const State& state);

 private:
  struct Actor;
  struct Group;
  struct ByPosition {
    bool operator()(const Actor* a, const Actor* b) const;
  };
  using Actors = std::set<Actor*, ByPosition>;

  Actor& at(std::string_view name);
  const Actor& at(std::string_view name) const;
  Group& group_of(const Actor& actor);
  Group* parent_of(const Group& group);
  const void* child_towards(const Group& group, const Actor& actor) const;
  std::vector<Actor*> affected(const Group& group, const void* failed_child, RestartStrategy strategy) const;
  void arrange();

  Outcome failed(Actor& actor, const Exit& exit, Time now);
  Outcome restart_in(Group& group, const void* failed_child, Actor& actor, Time delay, Time now);
  Outcome exhausted(Actor& actor, Time now);
  Outcome exhausted(Group& group, Actor& actor, Time delay, Time now);
  Outcome end_runtime(Actor& actor, const std::string& who, OnExhausted how);
  void quarantine(const std::vector<Actor*>& whom, Actor& failed, const std::string& cause, Time retry, Time now);
  void take_down(const std::vector<Actor*>& whom, Standing next, Time due, const std::string& unit);
  void become(Actor& actor, Standing standing);
  void ended_for_good(Actor& actor, Time now);
  void significant_ended(Group& group, bool clean, const std::string& who, Time now);
  bool has_significant_left(const Group& group) const;
  void look_whether_down(Group& group, Time now);
  bool may_start(const Actor& actor) const;
  bool holds(const std::string& name, Dependency what) const;
  void advance(Time now);
  void ask(Step::Kind kind, const std::string& who, bool flag = false);

  std::map<std::string, std::unique_ptr<Group>, std::less<>> groups_;  // "" is the runtime itself
  std::map<std::string, std::unique_ptr<Actor>, std::less<>> actors_;
  Actors order_;
  Actors pending_;  // Waiting, Leaving or Quarantined: all that advance() has to look at
  std::set<std::string, std::less<>> depended_on_;
  std::set<std::string, std::less<>> done_;  // who others depend on, has completed, and was removed
  std::uint64_t next_position_ = 0;
  Time now_{};
  bool is_stopping_ = false;
  std::vector<Step> steps_;
};

}  // namespace actor::supervision
