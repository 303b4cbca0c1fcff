#pragma once
// The event types of a runtime and their numbers on the wire. Programs that run at the same time must agree on what a
// type's fields are: the one that comes second is refused, with both schemas. Pure data, owned by the brain.

#include <control/messages.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "routing/topics.hpp"

namespace actor::broker {

class TypeRegistry {
 public:
  struct Type {
    std::string name;
    std::uint64_t hash;
    std::string schema;
    std::vector<Program> users;  // alive
  };

  /// Numbers for a program's types, in the same order; or the text that says with whom it disagrees, and over what.
  std::optional<std::string> declare(const Program& who, std::span<const control::TypeDecl> types,
                                     std::vector<control::TypeInfo>& numbers);
  /// The program has ended. Its types keep their numbers: events of them may still be queued.
  void release(std::string_view actor);
  /// Does the actor's program, alive, have this very type?
  bool is_known_to(std::string_view actor, std::uint64_t hash) const;
  /// "?" for a number that was never given out.
  std::string_view name_of(std::uint16_t id) const;
  /// Null for such a number.
  const Type* at(std::uint16_t id) const { return id == 0 || id > types_.size() ? nullptr : &types_[id - 1u]; }

  // All of it as plain values, for the brain's ledger.
  const std::vector<Type>& save() const { return types_; }
  void load(std::vector<Type> types);

 private:
  std::optional<std::string> conflict(const Program& who, const control::TypeDecl& type) const;

  std::vector<Type> types_;  // types_[id - 1]
  std::map<std::uint64_t, std::uint16_t> by_hash_;
  std::multimap<std::string, std::uint16_t, std::less<>> by_name_;
};

}  // namespace actor::broker
