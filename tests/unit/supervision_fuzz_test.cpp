// Random trees, and random stories of what happens to them: whatever comes, the steps can be carried out, a successor
// goes on as its predecessor would have, and in the end nobody who should run is forgotten. A failure prints its seed;
// ACTOR_FUZZ_SEED repeats it.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <supervision/tree.hpp>

namespace actor::supervision {
namespace {

using namespace std::chrono_literals;
using Standing = SupervisionTree::Standing;

class Story {
 public:
  explicit Story(std::uint64_t seed) : random_(seed), seed_(seed) {
    const std::size_t groups = below(5);
    for (std::size_t i = 0; i < groups; ++i) {
      GroupConfig group{.name = "g" + std::to_string(i),
                        .parent = below(2) && i > 0 ? "g" + std::to_string(below(i)) : ""};
      group.strategy = static_cast<RestartStrategy>(below(3));
      group.restarts = static_cast<std::uint32_t>(below(4));
      group.on_exhausted = group.parent.empty() ? OnExhausted::Quarantine : OnExhausted::Escalate;
      group.quarantine_retry = below(2) ? 5s : 0s;
      groups_.push_back(group);
    }
    const std::size_t actors = 1 + below(10);
    for (std::size_t i = 0; i < actors; ++i) {
      ActorRules actor{.name = "a" + std::to_string(i)};
      if (groups > 0 && below(4) != 0) actor.group = "g" + std::to_string(below(groups));
      actor.restart.restart = below(3) ? RestartClass::Permanent : static_cast<RestartClass>(below(3));
      actor.restart.restarts = static_cast<std::uint32_t>(below(4));
      actor.on_exhausted = below(2) && !actor.group.empty() ? OnExhausted::RestartGroup : OnExhausted::Quarantine;
      actor.quarantine_retry = below(2) ? 5s : 0s;
      if (i > 0 && below(3) == 0)  // on an earlier one, so that there is no circle
        actor.depends_on["a" + std::to_string(below(i))] = below(2) ? Dependency::Ready : Dependency::Started;
      actors_.push_back(actor);
    }
    tree_ = made();
    tree_->start_all(now_);
    carry_out();
  }

  void go_on() {
    const std::string& who = actors_[below(actors_.size())].name;
    Process& process = processes_[who];
    switch (below(8)) {
      case 0:
      case 1:
        if (process.runs) end(who, below(3) ? crash_ : Exit{});
        break;
      case 2:
        if (process.is_told) end(who, Exit{});
        break;
      case 3:
        if (process.runs) tree_->became_ready(who, now_);
        break;
      case 4:
        now_ += std::chrono::milliseconds(below(3000));
        tree_->pass(now_);
        break;
      case 5:
        operate(who);
        break;
      case 6:
        replace();
        break;
      case 7:
        now_ = std::max(now_, tree_->next_due() == SupervisionTree::Time::max() ? now_ : tree_->next_due());
        tree_->pass(now_);
        break;
    }
    carry_out();
  }

  /// Nothing fails any more, and whoever is away is started: everybody has to come to run.
  void come_to_rest() {
    settle();
    for (const ActorRules& actor : actors_) {
      if (!processes_[actor.name].runs) tree_->start(actor.name, now_);
      carry_out();
    }
    settle();
    for (const ActorRules& actor : actors_) {
      const auto standing = tree_->standing(actor.name);
      ASSERT_EQ(standing == Standing::Up, processes_[actor.name].runs) << actor.name << ", seed " << seed_;
      if (actor.restart.restart == RestartClass::Permanent) {
        ASSERT_EQ(standing, Standing::Up)
            << actor.name << " waits for " << tree_->waits_for(actor.name) << ", seed " << seed_;
      }
    }
  }

 private:
  struct Process {
    bool runs = false;
    bool is_told = false;  // to stop
  };

  void settle() {
    for (int i = 0; i < 100; ++i) {
      for (const ActorRules& actor : actors_) {
        if (processes_[actor.name].is_told) end(actor.name, Exit{});
        if (processes_[actor.name].runs) tree_->became_ready(actor.name, now_);
        carry_out();
      }
      if (tree_->next_due() != SupervisionTree::Time::max()) tree_->pass(now_ = tree_->next_due());
      carry_out();
    }
  }

  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::unique_ptr<SupervisionTree> made() const {
    auto tree = std::make_unique<SupervisionTree>();
    for (const GroupConfig& group : groups_) tree->add_group(group);
    for (const ActorRules& actor : actors_) tree->add_actor(actor, seed_);
    return tree;
  }

  void replace() {
    auto successor = made();
    successor->load(tree_->save());
    ASSERT_EQ(successor->save(), tree_->save()) << "seed " << seed_;
    ASSERT_EQ(successor->next_due(), tree_->next_due()) << "seed " << seed_;
    tree_ = std::move(successor);
  }

  void operate(const std::string& who) {
    const bool runs = processes_[who].runs;
    switch (below(3)) {
      case 0:
        if (!runs) tree_->start(who, now_);
        break;
      case 1:
        tree_->stop(who, now_);
        break;
      case 2:
        tree_->restart(who, now_);
        break;
    }
  }

  void end(const std::string& who, const Exit& exit) {
    processes_[who] = {};
    tree_->ended(who, exit, now_);
    carry_out();
  }

  void carry_out() {
    for (auto steps = tree_->take_steps(); !steps.empty() && !testing::Test::HasFatalFailure();
         steps = tree_->take_steps()) {
      carry_out(steps);
    }
  }

  void carry_out(const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      Process& process = processes_[step.who];
      switch (step.kind) {
        case Step::Kind::Start:
          ASSERT_FALSE(process.runs) << step.who << " is started twice, seed " << seed_;
          process.runs = true;
          if (below(4) != 0) tree_->started(step.who, now_);
          break;
        case Step::Kind::Stop:
          ASSERT_TRUE(process.runs) << step.who << " is stopped and does not run, seed " << seed_;
          process.is_told = true;
          break;
        case Step::Kind::StayEnded:
        case Step::Kind::Quarantine:
          ASSERT_FALSE(process.runs) << step.who << " runs and is given up, seed " << seed_;
          break;
        default:
          FAIL() << "nobody may end the runtime, seed " << seed_;
      }
    }
  }

  const Exit crash_{Exit::Kind::Signal, SIGSEGV};
  std::mt19937_64 random_;
  const std::uint64_t seed_;
  std::vector<GroupConfig> groups_;
  std::vector<ActorRules> actors_;
  std::unique_ptr<SupervisionTree> tree_;
  std::map<std::string, Process> processes_;
  std::chrono::nanoseconds now_ = 1s;
};

TEST(SupervisionTree, CanBeCarriedOutWhateverHappensAndForgetsNobody) {
  const char* given = std::getenv("ACTOR_FUZZ_SEED");
  const std::uint64_t first = given ? std::strtoull(given, nullptr, 10) : 1;
  const std::uint64_t seeds = given ? 1 : 2000;
  for (std::uint64_t seed = first; seed < first + seeds && !HasFatalFailure(); ++seed) {
    Story story(seed);
    for (int i = 0; i < 200 && !HasFatalFailure(); ++i) story.go_on();
    if (!HasFatalFailure()) story.come_to_rest();
  }
}

}  // namespace
}  // namespace actor::supervision
