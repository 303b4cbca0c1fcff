// Actors that share a process: who is in which, when such a process is started, and when it ends. There is one of each
// name at a time. It is started for the first of its actors, takes the others as they are started, and is told to end
// when the last one has ended; the next one of its name is started when it is gone.

#include <sys/wait.h>

#include <actor/error.hpp>
#include <csignal>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// Set in a session's owner: it is a shared process's, and the rest is that one's serial.
constexpr std::uint64_t of_process = std::uint64_t{1} << 63;

/// Did its process end because of it, by its own doing or the broker's?
bool is_culprit(const ActorEntry& entry) {
  const supervision::Circumstances& why = entry.circumstances;
  return why.crashed || why.refused || why.corrupt || why.start_timed_out || why.hung || why.stop_timed_out;
}

}  // namespace

SharedProcess* Brain::process_of(const Session& session) {
  const auto found = processes_.find(session.owner() & ~of_process);
  return (session.owner() & of_process) != 0 && found != processes_.end() ? &found->second : nullptr;
}

/// Those that are in it, and those that wait for it.
std::vector<ActorEntry*> Brain::members_of(const SharedProcess& process) {
  std::vector<ActorEntry*> members;
  for (auto& [index, entry] : entries_) {
    if (entry->process_serial == process.serial) members.push_back(entry.get());
  }
  return members;
}

/// The actor gets a place in its process, now or when that one is there. Throws Error(Io).
void Brain::place(ActorEntry& entry) {
  if (!entry.section) throw Error(ErrorCode::Io, "a reload has left it out before it was started");
  SharedProcess* process = nullptr;
  for (auto& [serial, known] : processes_) {
    if (known.name == entry.process && !known.has_exited) process = &known;
  }
  if (!process) process = &start_process(entry);
  entry.process_serial = process->serial;
  process->closed |= process->image != process_image(*entry.section);
  if (process->is_open()) enter(entry, *process);
}

/// For its first actor. The manifest's checks have seen to it that the others would start it in the same way.
SharedProcess& Brain::start_process(const ActorEntry& entry) {
  SharedProcess process;
  process.name = entry.process;
  process.serial = keeper_.new_serial();
  process.image = process_image(*entry.section);
  keeper_.spawn(spec_of(entry, process.cgroup()), process.serial);
  return processes_[process.serial] = std::move(process);
}

void Brain::enter(ActorEntry& entry, SharedProcess& process) {
  auto [ours, theirs] = control::socket_pair();
  entry.pidfd = duplicate(process.pidfd.get());
  entry.own_socket = safe_.keep(duplicate(ours.get()));
  entry.kept_socket = entry.own_socket->key();
  entry.pid = process.pid;
  entry.session = std::make_unique<Session>(std::move(ours), loop_, *this, entry.index, &turn_);
  entry.session->set_epoch(options_.epochs, entry.epoch_slot);
  entry.oom_kills = cgroups_.oom_kills(process.cgroup());
  process.stop_timeout = std::max(process.stop_timeout, stop_timeout(entry));
  process.session->send(control::RunActor{entry.name, entry.incarnation, entry.section->args},
                        {safe_.keep(std::move(theirs))});
  has_begun(entry, " in process '" + process.name + "'");
}

bool Brain::process_spawned(Spawned& spawned) {
  const auto found = processes_.find(spawned.serial);
  if (found == processes_.end()) return false;
  SharedProcess& process = found->second;
  process.pid = spawned.pid;
  process.pidfd = std::move(spawned.pidfd);
  output_.add(process.name, process.pid, std::move(spawned.out), std::move(spawned.err));
  process.session =
      std::make_unique<Session>(std::move(spawned.control), loop_, *this, process.serial | of_process, &turn_);
  if (const auto lost = lost_process_sessions_.find(process.serial); lost != lost_process_sessions_.end()) {
    process.session->load(lost->second, safe_);
    lost_process_sessions_.erase(lost);
    for (ActorEntry* entry : members_of(process)) reattach_kept(*entry, process.pidfd.get());
    if (process.ending) arm_end(process);
    return true;
  }
  process.session->expect_reports();
  log_.info("process_started", "", "process '" + process.name + "' started, pid " + std::to_string(process.pid),
            {{"process", process.name}, {"pid", std::int64_t{process.pid}}});
  for (ActorEntry* entry : members_of(process)) {
    if (entry->has_process() || entry->process_serial != process.serial || !process.is_open()) continue;
    try {
      enter(*entry, process);
    } catch (const Error& error) {
      entry->process_serial = 0;
      could_not_be_spawned(*entry, error.what());
    }
  }
  return true;
}

bool Brain::process_failed(const SpawnFailed& failed) {
  const auto found = processes_.find(failed.serial);
  if (found == processes_.end()) return false;
  const auto members = members_of(found->second);
  processes_.erase(found);
  for (ActorEntry* entry : members) spawn_failed(*entry, failed);
  return true;
}

bool Brain::process_ended(const Exited& exited) {
  const auto found = processes_.find(exited.serial);
  if (found == processes_.end()) return false;
  found->second.has_exited = true;
  found->second.exit_status = exited.status;
  return true;
}

/// Ends of processes, once all that they had said is handled.
void Brain::settle_processes() {
  for (auto& [serial, process] : processes_) {
    if (!process.has_exited || process.settled) continue;
    if (process.session && !process.session->drain()) {
      if (!process.session->is_starved()) turn_.again();
      continue;
    }
    settle(process);
  }
}

/// All that are in it have ended with it. Who waits for its end gets another one.
void Brain::settle(SharedProcess& process) {
  process.settled = true;
  if (process.timer != 0) loop_.cancel(std::exchange(process.timer, 0));
  empty_cgroup_of(process);
  const auto members = members_of(process);
  const bool has_culprit = process.blamed || std::any_of(members.begin(), members.end(), [](const auto* entry) {
                             return entry->has_process() && is_culprit(*entry);
                           });
  for (ActorEntry* entry : members) {
    if (entry->has_process()) {
      if (entry->has_exited) continue;
      entry->circumstances.companion_ended = has_culprit && !is_culprit(*entry);
      entry->circumstances.process_exited = WIFEXITED(process.exit_status);
      has_exited(*entry, process.exit_status);
      continue;
    }
    try {
      place(*entry);
    } catch (const Error& error) {
      entry->process_serial = 0;
      could_not_be_spawned(*entry, error.what());
    }
  }
}

/// What has left its process group is still in its cgroup. Done when the process ends, so that its successor meets
/// nothing of it, and once more before it is forgotten: a brain may have died in between.
void Brain::empty_cgroup_of(const SharedProcess& process) {
  turn_.when_safe([this, cgroup = process.cgroup()] {
    cgroups_.kill(cgroup);
    cgroups_.remove(cgroup);
  });
}

/// One of its actors has ended, and the others go on; or has crashed, and the end of all follows. Or it has been told
/// to end, and not by us.
void Brain::heard(SharedProcess& process, const control::ToBroker& message) {
  if (std::holds_alternative<control::Stopping>(message)) process.closed = true;
  const auto* end = std::get_if<control::ActorEnded>(&message);
  ActorEntry* entry = end ? find_entry(end->name) : nullptr;
  const bool is_its = entry && entry->process_serial == process.serial && entry->incarnation == end->incarnation;
  if (!is_its || !entry->has_process() || entry->has_exited) return;
  if (end->crashed)
    entry->circumstances.crashed = true;
  else
    has_exited(*entry, (end->exit_code & 0xff) << 8);
}

/// Its process is killed, or aborted, for what it did or because an operator wants it.
void Brain::condemn(const ActorEntry& entry) {
  const auto found = processes_.find(entry.process_serial);
  if (found == processes_.end()) return;
  found->second.closed = true;
  found->second.blamed |= is_culprit(entry);
}

/// A process that has hung up or talks nonsense is of no use any more; that of one that ends was to be expected.
void Brain::process_lost(SharedProcess& process, const std::string& why) {
  if (process.ending || process.has_exited) return;
  process.closed = true;
  if (!why.empty()) log_.error("violation", "", "process '" + process.name + "' is killed: " + why);
  if (!keeper_gone_) keeper_.kill(process.serial, SIGKILL, true);
}

/// It was built with another libactor.
void Brain::process_refused(SharedProcess& process, const std::string& why) {
  for (ActorEntry* entry : members_of(process)) entry->circumstances.refused = true;
  process_lost(process, why);
}

/// It waits for its process, and is not wanted any more.
void Brain::leave_queue(ActorEntry& entry) {
  entry.process_serial = 0;
  entry.has_exited = true;
  entry.exit_status = 0;
  turn_.again();
}

/// At the end of each turn: processes that nobody is in end, and those that have ended are forgotten.
void Brain::release_processes() {
  for (auto it = processes_.begin(); it != processes_.end();) {
    SharedProcess& process = it->second;
    const auto members = members_of(process);
    const bool is_empty =
        std::none_of(members.begin(), members.end(), [](const auto* member) { return member->has_process(); });
    if (process.settled && members.empty()) {
      if (!std::exchange(process.swept, true)) {
        empty_cgroup_of(process);
        turn_.again();
        ++it;
        continue;
      }
      keeper_.ack_exit(process.serial);
      output_.finish(process.pid);
      process.session->close();
      finished_.push_back(std::move(process.session));
      it = processes_.erase(it);
      advance_shutdown();
      continue;
    }
    ++it;
    if (!is_empty || process.pid == 0 || process.ending || process.has_exited) continue;
    process.ending = true;
    process.session->send(control::Stop{});
    arm_end(process);
  }
}

void Brain::arm_end(SharedProcess& process) {
  process.timer = loop_.after(process.stop_timeout, [this, &process] {
    process.timer = 0;
    log_.error("stop_timeout", "", "process '" + process.name + "' did not end within its stop_timeout and is killed");
    if (!keeper_gone_) keeper_.kill(process.serial, SIGKILL, true);
  });
}

/// For a successor: the predecessor wanted it started, and nobody knows yet what came of that.
void Brain::resume_processes() {
  for (auto it = processes_.begin(); it != processes_.end();) {
    SharedProcess& process = (it++)->second;
    if (process.settled) empty_cgroup_of(process);
    if (process.pid != 0 || process.has_exited) continue;
    const auto members = members_of(process);
    const auto known = std::find_if(members.begin(), members.end(), [&](const auto* entry) {
      return entry->section && process_image(*entry->section) == process.image;
    });
    try {
      if (known == members.end()) throw Error(ErrorCode::Io, "a reload has left it out before it was started");
      keeper_.spawn(spec_of(**known, process.cgroup()), process.serial);
    } catch (const Error& error) {
      processes_.erase(process.serial);  // should the keeper have been asked, then what it tells of it is nobody's
      for (ActorEntry* entry : members) {
        entry->process_serial = 0;
        could_not_be_spawned(*entry, error.what());
      }
    }
  }
}

}  // namespace actor::broker
