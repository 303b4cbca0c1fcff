#include "routing/types.hpp"

#include <algorithm>
#include <limits>

namespace actor::broker {

std::optional<std::string> TypeRegistry::conflict(const Program& who, const control::TypeDecl& type) const {
  const auto same_hash = by_hash_.find(type.hash);
  if (same_hash != by_hash_.end()) {
    const Type& known = types_[same_hash->second - 1u];
    if (known.name != type.name || known.schema != type.schema)
      return "type " + type.name + " " + type.schema + " of " + describe(who) + " has the same hash as type " +
             known.name + " " + known.schema + ": rename one of them, or one of its fields";
  }
  const auto [first, last] = by_name_.equal_range(type.name);
  for (auto it = first; it != last; ++it) {
    const Type& known = types_[it->second - 1u];
    if (known.hash == type.hash) continue;
    for (const Program& user : known.users) {
      if (user.actor == who.actor) continue;
      return "event type " + type.name + " is " + type.schema + " in " + describe(who) + " but " + known.schema +
             " in " + describe(user) + ", which runs: build both from the same sources and start them again";
    }
  }
  return std::nullopt;
}

std::optional<std::string> TypeRegistry::declare(const Program& who, std::span<const control::TypeDecl> types,
                                                 std::vector<control::TypeInfo>& numbers) {
  for (const auto& type : types) {
    if (auto text = conflict(who, type)) return text;
  }
  numbers.clear();
  for (const auto& type : types) {
    auto known = by_hash_.find(type.hash);
    if (known == by_hash_.end()) {
      // The last number stays free: Delivery::unknown_type.
      if (types_.size() + 1 >= std::numeric_limits<std::uint16_t>::max())
        return "this runtime has used up its 65534 event types: restart the broker";
      const auto id = static_cast<std::uint16_t>(types_.size() + 1);
      types_.push_back({type.name, type.hash, type.schema, {}});
      by_name_.emplace(type.name, id);
      known = by_hash_.emplace(type.hash, id).first;
    }
    auto& users = types_[known->second - 1u].users;
    std::erase_if(users, [&](const Program& user) { return user.actor == who.actor; });
    users.push_back(who);
    numbers.push_back({known->second, type.hash});
  }
  return std::nullopt;
}

void TypeRegistry::release(std::string_view actor) {
  for (Type& type : types_) std::erase_if(type.users, [&](const Program& user) { return user.actor == actor; });
}

bool TypeRegistry::is_known_to(std::string_view actor, std::uint64_t hash) const {
  const auto known = by_hash_.find(hash);
  if (known == by_hash_.end()) return false;
  const auto& users = types_[known->second - 1u].users;
  return std::any_of(users.begin(), users.end(), [&](const Program& user) { return user.actor == actor; });
}

void TypeRegistry::load(std::vector<Type> types) {
  types_ = std::move(types);
  for (std::size_t i = 0; i < types_.size(); ++i) {
    const auto id = static_cast<std::uint16_t>(i + 1);
    by_hash_.emplace(types_[i].hash, id);
    by_name_.emplace(types_[i].name, id);
  }
}

std::string_view TypeRegistry::name_of(std::uint16_t id) const {
  return id == 0 || id > types_.size() ? std::string_view("?") : std::string_view(types_[id - 1u].name);
}

}  // namespace actor::broker
