#pragma once
// The events that the puppets exchange, and how they are routed. Shared by the programs of this folder.

#include <actor/overflow_policy.hpp>
#include <string>
#include <variant>

namespace puppets {

struct Number {
  int value;
};
struct Word {
  std::string text;
};
enum class Topic { Numbers, Words };

using Events = std::variant<Number, Word>;

constexpr Topic topic_of(const Number&) {
  return Topic::Numbers;
}
constexpr Topic topic_of(const Word&) {
  return Topic::Words;
}
constexpr actor::OverflowPolicy overflow_policy(Topic) {
  return actor::OverflowPolicy::block();
}

/// Topics that come into being when they are first sent to.
struct Room {
  std::string house;
  int floor;
};
struct Knock {
  Room room;
  int times;
};
using Knocks = std::variant<Knock>;
inline Room topic_of(const Knock& knock) {
  return knock.room;
}
constexpr actor::OverflowPolicy overflow_policy(const Room&) {
  return actor::OverflowPolicy::block();
}

}  // namespace puppets
