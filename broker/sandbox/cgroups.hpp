#pragma once
// A cgroup (version 2) for each actor, below one that was given to this broker: its limits, its end to the last
// process, and what the kernel killed there for want of memory. Owned by the brain. Everything it knows is in the file
// system, so that a brain's successor finds it again.
//
// Whose cgroup may be divided? One that a service manager has delegated (Delegate=yes sets an extended attribute), or
// that the manifest names. Root could write anywhere, but another manager's cgroups are not ours to change.

#include <control/fd.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sandbox.hpp"

namespace actor::broker {

class Cgroups {
 public:
  /// Looks and changes nothing. `given`: the manifest's; else the own one, when it was delegated.
  explicit Cgroups(const std::optional<std::filesystem::path>& given);
  /// For tests: what this process would find in another file system.
  Cgroups(const std::optional<std::filesystem::path>& given, const std::filesystem::path& root);

  /// Makes way for the actors: moves these processes of the broker into a cgroup of their own, because one with
  /// processes in it cannot be divided, and switches on what limits need. False: why_not() says why.
  bool enter(const std::vector<pid_t>& broker);

  bool available() const { return why_not_.empty(); }
  const std::string& why_not() const { return why_not_; }
  /// "memory", "pids", "cpu". After enter(): whether it is switched on for the actors; before: whether it could be.
  bool controls(std::string_view controller) const { return controllers_.contains(controller); }
  /// The keys of these limits that cannot be had here; `memory` is not among them (RLIMIT_DATA stands in).
  std::vector<std::string> missing(const Limits& limits) const;
  /// In words, for such a key, or for `memory`.
  std::string why_missing(std::string_view key) const;

  /// The actor's cgroup, with these limits; the descriptor of its cgroup.procs. An empty one, with errno set, when the
  /// kernel said no, or when there are no cgroups.
  Fd prepare(std::string_view actor, const Limits& limits) const;
  /// How often the kernel has killed something of the actor's for want of memory, since the cgroup was made.
  std::uint64_t oom_kills(std::string_view actor) const;
  /// Kills what is left in it.
  void kill(std::string_view actor) const;
  /// Forgets the cgroup of an actor that does not come back. It stays while a process is in it.
  void remove(std::string_view actor) const;

  const std::filesystem::path& base() const { return base_; }

 private:
  std::filesystem::path leaf(std::string_view actor) const;
  void look_at_base();

  std::filesystem::path root_;
  std::filesystem::path base_;
  bool is_in_base_ = false;  // this process itself
  std::set<std::string, std::less<>> controllers_;
  std::string why_not_;
};

}  // namespace actor::broker
