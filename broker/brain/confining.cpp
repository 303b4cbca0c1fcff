// What an actor's process may do and how much it gets: the orders that go to the keeper, and the actor's cgroup.

#include <unistd.h>

#include <actor/error.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "brain/brain.hpp"

namespace actor::broker {

/// Says once, at the start, what of the manifest cannot be had on this machine.
void Brain::set_up_cgroups() {
  cgroups_.enter({::getppid(), ::getpid()});  // the keeper and this brain
  for (const ActorSection& actor : manifest_.actors) {
    const Limits& limits = actor.sandbox.limits;
    for (const std::string& key : cgroups_.missing(limits)) {
      log_.warn("limit_unavailable", actor.name,
                "limits." + key + " is unavailable: " + cgroups_.why_missing(key) + "; the actor runs without it");
    }
    if (limits.memory_bytes && !cgroups_.controls("memory")) {
      log_.info("limit_stand_in", actor.name,
                "limits.memory limits its private memory (RLIMIT_DATA): " + cgroups_.why_missing("memory"));
    }
  }
}

/// Each actor has two, so that the end of its process does not take the spare one with it. No actor's name has a "+".
std::string Brain::cgroup_of(const ActorEntry& entry, bool of_spare) const {
  if (const auto shared = processes_.find(entry.process_serial); shared != processes_.end())
    return shared->second.cgroup();
  return entry.second_cgroup != of_spare ? entry.name + '+' : entry.name;
}

/// Throws Error(Io) when it cannot be done.
void Brain::confine(SpawnSpec& spec, const ActorSection& section, const std::string& cgroup_name) {
  const Limits& limits = section.sandbox.limits;
  const bool memory_by_cgroup = cgroups_.available() && cgroups_.controls("memory");
  SandboxProblem problem;
  const auto orders = make_orders(section.sandbox, memory_by_cgroup, problem);
  if (!orders) throw Error(ErrorCode::Io, "cannot start '" + spec.name + "': " + problem.key + ": " + problem.text);
  spec.orders = *orders;
  if (!cgroups_.available()) return;
  Fd cgroup = cgroups_.prepare(cgroup_name, limits);
  if (!cgroup) throw_errno("cannot start '" + spec.name + "': setting up its cgroup in " + cgroups_.base().string());
  spec.cgroup = std::make_shared<Fd>(std::move(cgroup));
}

/// What has left its process group is still in its cgroup. A successor does it again, if it may not have been done.
void Brain::empty_cgroup(ActorEntry& entry, const std::string& cgroup) {
  entry.emptied_cgroup = cgroup;
  turn_.when_safe([this, index = entry.index, cgroup] {
    cgroups_.kill(cgroup);
    if (const auto found = entries_.find(index); found != entries_.end()) found->second->emptied_cgroup.clear();
  });
}

/// REQUIRES: the keeper has told which processes there are.
/// SUBTLE: had the next life in that cgroup been asked for, then after this was done. A life that is to be asked for
/// may have been, too: its process is in the cgroup before the keeper can tell of it. So it is left alone; if the brain
/// before this one ended just between its ledger and the kill, what had been left there ends with this life.
void Brain::resume_emptying(ActorEntry& entry) {
  if (entry.emptied_cgroup.empty()) return;
  const bool is_asked_for = entry.has_process() || (entry.life == Life::Spawning && entry.serial != 0);
  const bool is_next_life = is_asked_for && cgroup_of(entry) == entry.emptied_cgroup;
  is_next_life ? entry.emptied_cgroup.clear() : empty_cgroup(entry, std::string(entry.emptied_cgroup));
}

/// Was it the kernel's out-of-memory killer? REQUIRES: its end is confirmed.
bool Brain::was_out_of_memory(const ActorEntry& entry, int wait_status) {
  if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL) return false;
  if (!cgroups_.available() || !cgroups_.controls("memory") || !entry.section) return oom_.take();
  return cgroups_.oom_kills(cgroup_of(entry)) > entry.oom_kills;
}

}  // namespace actor::broker
