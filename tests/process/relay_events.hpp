#pragma once
// The events that relays pass on, for tests that observe a running broker.

#include <actor/overflow_policy.hpp>
#include <actor/topic.hpp>
#include <string>
#include <variant>

namespace relays {

struct Hello {
  std::string who;
};
struct Ask {
  int number;
  std::string text;
};
struct Work {
  int number;
};
struct Done {
  int number;
};
/// Asks for so many Fillers at once.
struct Burst {
  int count;
};
struct Filler {
  std::string text;
};

using Events = std::variant<Hello, Ask, Work, Done, Burst, Filler>;

constexpr actor::OverflowPolicy overflow_policy(actor::Of<Hello>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Ask>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Work>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Done>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Burst>) {
  return actor::OverflowPolicy::block();
}
constexpr actor::OverflowPolicy overflow_policy(actor::Of<Filler>) {
  return actor::OverflowPolicy::drop();
}

}  // namespace relays
