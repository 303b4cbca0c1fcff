#pragma once
// What the tree keeps of each actor and each group. Internal to tree*.cpp.

#include <supervision/tree.hpp>

namespace actor::supervision {

struct SupervisionTree::Actor {
  Actor(const ActorRules& actor_rules, std::uint64_t seed, std::uint64_t place)
      : rules(actor_rules), policy(actor_rules.restart, seed), position(place) {
    state.name = rules.name;
  }

  bool is_down() const { return state.standing != Standing::Up && state.standing != Standing::Leaving; }

  ActorRules rules;
  ActorState state;  // but for its policy's part, which save() and load() move
  RestartPolicy policy;
  std::uint64_t position;
};

struct SupervisionTree::Group {
  explicit Group(const GroupConfig& config) : rules(config), window(config.restarts, config.within) {
    state.name = rules.name;
  }

  GroupConfig rules;
  GroupState state;  // but for its window's part
  RestartWindow window;
};

inline bool SupervisionTree::ByPosition::operator()(const Actor* a, const Actor* b) const {
  return a->position < b->position;
}

}  // namespace actor::supervision
