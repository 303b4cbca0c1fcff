// One brain's state for the next: written at the end of each turn, read once by a brain whose predecessor was killed.

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <csignal>

#include "brain/brain.hpp"

namespace actor::broker {

void Brain::commit() {
  Ledger& ledger = options_.ledger;
  state_.next_serial = keeper_.next_serial();
  if (dead_letters_) state_.unsettled_letter = dead_letters_->unsettled_from();
  ledger.put(state_);
  ledger.put(topics_.save());
  ledger.put(types_.save());
  ledger.put(table_.save());
  ledger.put(exchange_.save());
  ledger.put(tree_->save());
  ledger.put(std::uint64_t{processes_.size()});
  for (const auto& [serial, process] : processes_) {
    ledger.put(static_cast<const SharedProcessState&>(process));
    ledger.put(process.session ? process.session->save() : SessionState{});
  }
  ledger.put(std::uint64_t{entries_.size()});
  for (const auto& [index, entry] : entries_) {
    ledger.put(static_cast<const ActorState&>(*entry));
    ledger.put(entry->deaths.save());
    ledger.put(entry->session ? entry->session->save() : SessionState{});
  }
  ledger.commit();
  if (dead_letters_) dead_letters_->settle();
}

bool Brain::restore(std::string& error) {
  Ledger::Page page = options_.ledger.read();
  error = "what it has written down cannot be read: the broker has a bug";
  TopicTable::State topics;
  std::vector<TypeRegistry::Type> types;
  RoutingTable::State table;
  ExchangeState exchange;
  supervision::SupervisionTree::State tree;
  std::uint64_t processes = 0, entries = 0;
  const bool read = page.get(state_) && page.get(topics) && page.get(types) && page.get(table) && page.get(exchange) &&
                    page.get(tree) && page.get(processes);
  if (!read) return false;
  if (!state_.manifest_text.empty() && !use_manifest(state_.manifest_text, error)) return false;
  plan();
  tree_->load(tree);
  topics_.load(std::move(topics));
  types_.load(std::move(types));
  table_.load(std::move(table));
  for (std::uint64_t i = 0; i < processes; ++i) {
    if (!restore_process(page)) return false;
  }
  if (!page.get(entries)) return false;
  for (std::uint64_t i = 0; i < entries; ++i) {
    if (!restore_entry(page)) return false;
  }
  keeper_.set_next_serial(state_.next_serial);
  epoch_page_ = safe_.find(state_.epoch_page);
  if (!epoch_page_) return false;
  return exchange_.load(exchange, error);
}

bool Brain::restore_process(Ledger::Page& page) {
  SharedProcessState saved;
  SessionState session;
  if (!page.get(saved) || !page.get(session)) return false;
  SharedProcess& process = processes_[saved.serial];
  static_cast<SharedProcessState&>(process) = std::move(saved);
  if (process.pid != 0) lost_process_sessions_.emplace(process.serial, std::move(session));
  return true;
}

bool Brain::restore_entry(Ledger::Page& page) {
  ActorState saved;
  DeathLog::State deaths;
  SessionState session;
  if (!page.get(saved) || !page.get(deaths) || !page.get(session)) return false;
  const ActorSection* section = saved.by_hand ? nullptr : manifest_.find_actor(saved.name);
  auto entry = std::make_unique<ActorEntry>();
  static_cast<ActorState&>(*entry) = std::move(saved);
  entry->section = section;
  entry->deaths.load(std::move(deaths));
  options_.epochs.reserve(entry->epoch_slot);
  if (entry->has_process()) lost_sessions_.emplace(entry->index, std::move(session));
  return entries_.emplace(entry->index, std::move(entry)).second;
}

/// What the predecessor said in its last turn is said again if it may not have been heard, what it asked the keeper for
/// is asked for again if the keeper does not know of it; all that happened since is told by the keeper and the sockets.
bool Brain::take_over(std::vector<KeeperEvent> told, std::string& error) {
  if (!restore(error)) return false;
  log_.warn("takeover", "",
            "a new brain goes on where the one before it ended: " + std::to_string(entries_.size()) +
                " actors, none of them is disturbed");
  forget_handled_letters();
  arm_run_for();
  arm_shutdown();
  cgroups_.enter({::getpid()});
  keeper_.set_stop_timeout(manifest_.longest_stop_timeout());  // that of a reload may not have been sent
  reattach_all(told);
  for (KeeperEvent& event : told) std::visit([this](auto& held) { on_event(std::move(held)); }, event);
  resume_processes();
  for (auto& [index, entry] : entries_) resume(*entry);
  pass_time();
  safe_.drop_the_rest();
  exchange_.ring_all();
  advance_shutdown();
  keep_looking();
  turn_.again();  // for those whose end was known already
  return true;
}

/// The keeper is dead before this brain could begin: there is not enough to go on with. Actors whose other end nobody
/// holds any more stop by themselves; those that it was told of are seen to.
int Brain::end_what_is_left(const std::vector<KeeperEvent>& told) {
  log_.error("keeper_gone", "", "the keeper process died while a new brain was about to begin: stopping all actors");
  std::vector<const Spawned*> alive;
  for (const KeeperEvent& event : told) {
    if (const auto* spawned = std::get_if<Spawned>(&event)) alive.push_back(spawned);
  }
  for (const Spawned* actor : alive) syscall(SYS_pidfd_send_signal, actor->pidfd.get(), SIGTERM, nullptr, 0);
  const auto deadline = Loop::Clock::now() + manifest_.longest_stop_timeout();
  for (bool in_time = true; !alive.empty();) {
    in_time = in_time && Loop::Clock::now() < deadline;
    // SUBTLE: somebody else reaps them. The number is the group's as long as any of it lives.
    if (!in_time) {
      for (const Spawned* actor : alive) ::kill(-actor->pid, SIGKILL);
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Loop::Clock::now());
    pollfd first{alive.front()->pidfd.get(), POLLIN, 0};
    if (::poll(&first, 1, in_time ? static_cast<int>(left.count()) : -1) != 1) continue;
    ::kill(-alive.front()->pid, SIGKILL);  // what it has started does not outlive it
    alive.erase(alive.begin());
  }
  remove_runtime_dir();
  return 1;
}

/// The actor's connection, as the predecessor left it.
void Brain::reattach(ActorEntry& entry, Fd socket, const SessionState& state) {
  entry.session = std::make_unique<Session>(std::move(socket), loop_, *this, entry.index, &turn_);
  entry.session->set_epoch(options_.epochs, entry.epoch_slot);
  entry.session->load(state, safe_);
  entry.memory = exchange_.rejoin(entry.index, *entry.session);
}

/// One whose socket is kept by us and not by the keeper's own record of its process. Without it, it has hung up as far
/// as anybody can tell.
void Brain::reattach_kept(ActorEntry& entry, int pidfd) {
  const auto lost = lost_sessions_.find(entry.index);
  if (lost == lost_sessions_.end()) return;
  entry.own_socket = safe_.find(entry.kept_socket);
  if (pidfd >= 0) entry.pidfd = duplicate(pidfd);
  reattach(entry, entry.own_socket ? duplicate(entry.own_socket->get()) : control::socket_pair().first, lost->second);
  lost_sessions_.erase(lost);
}

/// Everybody who lives, before anything else is dealt with: what follows from that may be said to anybody.
void Brain::reattach_all(std::vector<KeeperEvent>& told) {
  for (auto& [index, entry] : entries_) {
    if (!entry->by_hand || entry->kept_socket == 0) continue;
    entry->own_pidfd = safe_.find(entry->kept_pidfd);
    reattach_kept(*entry, entry->own_pidfd ? entry->own_pidfd->get() : -1);
    if (!entry->has_exited) watch_end(*entry);
  }
  const auto lived = std::stable_partition(told.begin(), told.end(), [this](const KeeperEvent& event) {
    const auto* spawned = std::get_if<Spawned>(&event);
    const ActorEntry* entry = spawned ? entry_by_serial(spawned->serial) : nullptr;
    return spawned &&
           (lost_process_sessions_.contains(spawned->serial) || (entry && lost_sessions_.contains(entry->index)));
  });
  for (auto event = told.begin(); event != lived; ++event) on_event(std::move(std::get<Spawned>(*event)));
  told.erase(told.begin(), lived);
  while (!lost_sessions_.empty()) reattach_kept(*entries_.at(lost_sessions_.begin()->first), -1);
}

/// The predecessor wanted it started, and nobody knows yet what came of that. The keeper knows whether it has been
/// asked.
void Brain::respawn(ActorEntry& entry) {
  try {
    if (entry.section) return keeper_.spawn(spec_of(entry, cgroup_of(entry)), entry.serial);
    throw Error(ErrorCode::Io, "a reload has left it out before it was started");
  } catch (const Error& failed) {
    entry.serial = 0;  // should the keeper have been asked, then what it tells of it is nobody's
    could_not_be_spawned(entry, failed.what());
  }
}

void Brain::resume(ActorEntry& entry) {
  resume_emptying(entry);
  if (entry.due != Due::Nothing && entry.timer == 0) arm(entry);
  if (entry.hold_until && entry.hold_timer == 0) hold_mailbox(entry, *entry.hold_until);
  if (entry.life == Life::Spawning && !entry.has_process() && entry.serial != 0) {
    respawn(entry);
  }
  if (entry.life == Life::Ready) make_spare(entry);
  if (entry.kill_signal != 0 && !entry.has_exited) kill(entry, entry.kill_signal, entry.kill_group);
}

}  // namespace actor::broker
