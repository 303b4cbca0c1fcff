#pragma once
// The topics of a runtime: their numbers on the wire, policies and capacities. The manifest's word wins; what it leaves
// open, the programs declare, and they have to agree. Pure data, owned by the brain, one thread.

#include <actor/overflow_policy.hpp>
#include <control/messages.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace actor::broker {

/// The ledger holds each name, with all who declare it.
inline constexpr std::size_t max_topic_name_bytes = 255;

using TopicId = std::uint16_t;
using PolicyKind = OverflowPolicy::Kind;

/// Who says something, for texts that name both sides.
struct Program {
  std::string actor;
  std::string executable;
};
std::string describe(const Program& program);

struct Topic {
  TopicId id = 0;
  std::string name;
  PolicyKind policy = PolicyKind::Fail;
  std::int64_t deadline_ns = 0;  // of Block; 0 = none
  std::uint32_t capacity = 256;
  bool latched = false;  // its last value is kept for readers to come
};

/// Which topics an actor may publish or gets.
struct TopicFilter {
  bool all = false;  // every topic but the broker's own ("$sys/...")
  std::vector<std::string> names;
  bool contains(std::string_view topic) const;
  bool operator==(const TopicFilter&) const = default;
};

class TopicTable {
 public:
  /// The manifest's word. Before the first declare() of that topic.
  void configure(const std::string& name, std::optional<OverflowPolicy> policy, std::uint32_t capacity,
                 std::optional<bool> latched = std::nullopt);
  /// Gives the topic a number if it has none yet.
  TopicId number(const std::string& name);
  /// What a program says of its topics; all of it counts, or, when a text comes back, nothing.
  std::optional<std::string> declare(const Program& who, std::span<const control::TopicDecl> topics);
  /// The program has ended: nobody needs to agree with it any more.
  void release(std::string_view actor);

  const Topic* find(std::string_view name) const;
  /// Null for a number that was never given out.
  const Topic* at(TopicId id) const;
  const std::vector<Topic>& all() const { return topics_; }

  // All of it as plain values, for the brain's ledger.
  struct Claim {
    Program who;
    PolicyKind policy;
    std::int64_t deadline_ns;
  };
  struct Rules {
    bool policy_fixed = false;
    bool latched_fixed = false;
    std::vector<Claim> claims;  // of live programs
  };
  struct State {
    std::vector<Topic> topics;
    std::vector<Rules> rules;
  };
  State save() const { return {topics_, rules_}; }
  void load(State state);

 private:
  std::optional<std::string> conflict(const Program& who, const control::TopicDecl& topic) const;

  std::vector<Topic> topics_;  // topics_[id - 1]
  std::vector<Rules> rules_;   // same order
  std::map<std::string, TopicId, std::less<>> ids_;
};

}  // namespace actor::broker
