#include "routing/topics.hpp"

#include <algorithm>
#include <limits>

namespace actor::broker {
namespace {

std::string policy_text(PolicyKind policy, std::int64_t deadline_ns) {
  return "'" + to_string(OverflowPolicy{policy, std::chrono::nanoseconds(deadline_ns)}) + "'";
}

}  // namespace

std::string describe(const Program& program) {
  return "'" + program.actor + "' (" + program.executable + ")";
}

bool TopicFilter::contains(std::string_view topic) const {
  if (std::find(names.begin(), names.end(), topic) != names.end()) return true;
  return all && !topic.starts_with("$sys/");
}

TopicId TopicTable::number(const std::string& name) {
  const auto known = ids_.find(name);
  if (known != ids_.end()) return known->second;
  if (topics_.size() >= std::numeric_limits<TopicId>::max()) return 0;
  const auto id = static_cast<TopicId>(topics_.size() + 1);
  topics_.push_back({.id = id, .name = name});
  rules_.emplace_back();
  ids_.emplace(name, id);
  return id;
}

void TopicTable::configure(const std::string& name, std::optional<OverflowPolicy> policy, std::uint32_t capacity,
                           std::optional<bool> latched) {
  const TopicId id = number(name);
  Topic& topic = topics_[id - 1u];
  topic.capacity = capacity;
  topic.latched = latched.value_or(topic.latched);
  rules_[id - 1u].latched_fixed = latched.has_value();
  rules_[id - 1u].policy_fixed = policy.has_value();
  if (!policy) return;
  topic.policy = policy->kind;
  topic.deadline_ns = policy->deadline.count();
}

std::optional<std::string> TopicTable::conflict(const Program& who, const control::TopicDecl& topic) const {
  if (topic.policy > static_cast<std::uint8_t>(PolicyKind::Block))
    return "topic " + topic.name + " has policy number " + std::to_string(topic.policy) + ", which does not exist";
  if (topic.name.size() > max_topic_name_bytes)
    return "it has a topic whose name has " + std::to_string(topic.name.size()) + " bytes, and " +
           std::to_string(max_topic_name_bytes) + " is the most: " + topic.name.substr(0, 80) + "...";
  const auto known = ids_.find(topic.name);
  if (known == ids_.end()) return std::nullopt;
  const Rules& rules = rules_[known->second - 1u];
  if (rules.policy_fixed) return std::nullopt;
  const auto policy = static_cast<PolicyKind>(topic.policy);
  for (const Claim& claim : rules.claims) {
    if (claim.who.actor == who.actor) continue;
    if (claim.policy == policy && claim.deadline_ns == topic.deadline_ns) continue;
    return "topic " + topic.name + " is " + policy_text(policy, topic.deadline_ns) + " in " + describe(who) + " but " +
           policy_text(claim.policy, claim.deadline_ns) + " in " + describe(claim.who) +
           ": build both from the same declaration, or say overflow = ... under [topics] in the manifest, which wins";
  }
  return std::nullopt;
}

std::optional<std::string> TopicTable::declare(const Program& who, std::span<const control::TopicDecl> topics) {
  for (const auto& topic : topics) {
    if (auto text = conflict(who, topic)) return text;
  }
  for (const auto& declared : topics) {
    const TopicId id = number(declared.name);
    if (id == 0)
      return "this runtime has used up its 65535 topics: restart the broker, or use fewer values per topic type";
    Topic& topic = topics_[id - 1u];
    Rules& rules = rules_[id - 1u];
    if (!rules.policy_fixed) {
      topic.policy = static_cast<PolicyKind>(declared.policy);
      topic.deadline_ns = declared.deadline_ns;
    }
    // One program that says so is enough: who does not know better misses nothing by it.
    if (!rules.latched_fixed) topic.latched |= declared.latched;
    std::erase_if(rules.claims, [&](const Claim& claim) { return claim.who.actor == who.actor; });
    rules.claims.push_back({who, static_cast<PolicyKind>(declared.policy), declared.deadline_ns});
  }
  return std::nullopt;
}

void TopicTable::release(std::string_view actor) {
  for (Rules& rules : rules_) std::erase_if(rules.claims, [&](const Claim& claim) { return claim.who.actor == actor; });
}

void TopicTable::load(State state) {
  topics_ = std::move(state.topics);
  rules_ = std::move(state.rules);
  for (const Topic& topic : topics_) ids_.emplace(topic.name, topic.id);
}

const Topic* TopicTable::find(std::string_view name) const {
  const auto known = ids_.find(name);
  return known == ids_.end() ? nullptr : at(known->second);
}

const Topic* TopicTable::at(TopicId id) const {
  return id == 0 || id > topics_.size() ? nullptr : &topics_[id - 1u];
}

}  // namespace actor::broker
