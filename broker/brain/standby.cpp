// Warm standby: an actor whose manifest asks for it has a second process, started and waiting before its on_start().
// When the first one dies, the second takes its place at once, and another one is started.

#include <sys/syscall.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <csignal>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// A spare that dies by itself is made again, each time later, and in the end not any more.
constexpr unsigned most_failures = 5;
constexpr auto pause_after_failure = std::chrono::seconds(1);

}  // namespace

/// Once the actor is Ready, so that its start is not slowed down.
void Brain::make_spare(ActorEntry& entry) {
  Spare& spare = entry.spare;
  const bool wanted = entry.section && entry.section->standby > 0 && entry.life == Life::Ready;
  if (!wanted || spare.serial != 0 || spare.timer != 0 || keeper_gone_ || state_.stage != Stage::Running) return;
  spare.serial = keeper_.new_serial();
  spare.made_from = *entry.section;
  try {
    keeper_.spawn(spec_of(entry, cgroup_of(entry, true)), spare.serial);
  } catch (const Error& error) {
    spare_ended(spare.serial, error.what());
  }
}

ActorEntry* Brain::entry_of_spare(std::uint64_t serial) {
  for (auto& [index, entry] : entries_) {
    if (serial != 0 && entry->spare.serial == serial) return entry.get();
  }
  return nullptr;
}

ActorEntry* Brain::entry_of_spare(const Session& session) {
  const auto found = entries_.find(static_cast<ActorIndex>(session.owner()));
  if (session.owner() >> 32 != 0 || found == entries_.end()) return nullptr;
  return found->second->spare.session.get() == &session ? found->second.get() : nullptr;
}

bool Brain::spare_spawned(Spawned& spawned) {
  ActorEntry* entry = entry_of_spare(spawned.serial);
  if (!entry) return false;
  Spare& spare = entry->spare;
  spare.pid = spawned.pid;
  spare.pidfd = std::move(spawned.pidfd);
  spare.session = std::make_unique<Session>(std::move(spawned.control), loop_, *this, entry->index, &turn_);
  output_.add(entry->name, spare.pid, std::move(spawned.out), std::move(spawned.err));
  return true;
}

bool Brain::spare_hello(Session& session, control::Hello& hello, Fd& status) {
  ActorEntry* found = entry_of_spare(session);
  if (!found) return false;
  ActorEntry& entry = *found;
  entry.spare.hello = std::move(hello);
  entry.spare.status = std::move(status);
  log_.info("standby", entry.name, "has a spare process standing by, pid " + std::to_string(entry.spare.pid),
            {{"pid", std::int64_t{entry.spare.pid}}});
  return true;
}

/// The spare becomes the actor. False when there is none that is ready, or when it was made from another manifest.
bool Brain::promote_spare(ActorEntry& entry) {
  Spare& spare = entry.spare;
  if (!spare.hello || !entry.section || !fits_process(spare.made_from, *entry.section)) {
    drop_spare(entry);
    return false;
  }
  const control::Hello hello = std::move(*spare.hello);
  Fd status = std::move(spare.status);
  entry.life = Life::Connecting;
  entry.circumstances = {};
  entry.spawned_at = Loop::Clock::now();
  ++entry.incarnation;
  entry.second_cgroup = !entry.second_cgroup;
  entry.oom_kills = cgroups_.oom_kills(cgroup_of(entry));
  entry.serial = spare.serial;
  entry.pid = spare.pid;
  entry.pidfd = std::move(spare.pidfd);
  entry.session = std::move(spare.session);
  entry.session->set_epoch(options_.epochs, entry.epoch_slot);
  spare = {};
  set_due(entry, Due::StartTimeout, start_timeout(entry));
  log_.info("started", entry.name, "started, pid " + std::to_string(entry.pid) + ", which stood by",
            {{"pid", std::int64_t{entry.pid}}, {"incarnation", std::int64_t{entry.incarnation}}});
  if (tree_->knows(entry.name)) tree_->started(entry.name, Loop::Clock::now().time_since_epoch());
  open_mailbox(entry);
  admit(entry, hello, std::move(status));
  return true;
}

/// Its end is told later.
void Brain::drop_spare(ActorEntry& entry) {
  Spare& spare = entry.spare;
  if (spare.timer != 0) loop_.cancel(std::exchange(spare.timer, 0));
  if (spare.serial == 0) return;
  spare.hello.reset();
  if (!keeper_gone_) return keeper_.kill(spare.serial, SIGKILL, true);
  if (spare.pidfd) syscall(SYS_pidfd_send_signal, spare.pidfd.get(), SIGKILL, nullptr, 0);
}

bool Brain::spare_ended(std::uint64_t serial, const std::string& how) {
  ActorEntry* entry = entry_of_spare(serial);
  if (!entry) return false;
  Spare& spare = entry->spare;
  output_.finish(spare.pid);
  if (spare.session) {
    spare.session->close();
    finished_.push_back(std::move(spare.session));
  }
  const unsigned failures = spare.failures + 1;
  spare = {};
  if (state_.stage != Stage::Running || entry->life != Life::Ready || !entry->section) return true;
  spare.failures = failures;
  const bool again = failures < most_failures;
  log_.warn("standby_lost", entry->name,
            "its spare process has ended before it was needed: " + how +
                (again ? "; another one is made" : "; no other one is made until this actor is restarted"));
  if (!again) return true;
  spare.timer = loop_.after(failures * pause_after_failure, [this, index = entry->index] {
    entries_.at(index)->spare.timer = 0;
    make_spare(*entries_.at(index));
  });
  return true;
}

}  // namespace actor::broker
