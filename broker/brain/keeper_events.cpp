// What the keeper tells: children that run, could not be started, or have ended; signals; and its own death.

#include <sys/signalfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <csignal>
#include <cstring>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// Two Ctrl-C closer together than this are one: a terminal and a service manager may both pass one on.
constexpr auto same_interrupt = std::chrono::milliseconds(200);

}  // namespace

void Brain::on_keeper() {
  while (auto event = keeper_.next()) {
    try {
      std::visit([this](auto& held) { on_event(std::move(held)); }, *event);
    } catch (const Error& error) {  // no descriptors left: what cannot be watched is noticed by its timeout
      log_.error("out_of_resources", "", error.what());
    }
  }
}

void Brain::on_event(Spawned spawned) {
  ActorEntry* entry = entry_by_serial(spawned.serial);
  if (!entry) {
    if (spare_spawned(spawned) || process_spawned(spawned)) return;
    // Nobody waits for it any more.
    keeper_.kill(spawned.serial, SIGKILL, true);
    return;
  }
  entry->pid = spawned.pid;
  entry->pidfd = std::move(spawned.pidfd);
  output_.add(entry->name, entry->pid, std::move(spawned.out), std::move(spawned.err));
  const auto lost = lost_sessions_.find(entry->index);
  if (lost != lost_sessions_.end()) {  // its brain is another one now: it need not notice
    reattach(*entry, std::move(spawned.control), lost->second);
    lost_sessions_.erase(lost);
    return;
  }
  entry->session = std::make_unique<Session>(std::move(spawned.control), loop_, *this, entry->index, &turn_);
  entry->session->set_epoch(options_.epochs, entry->epoch_slot);
  has_begun(*entry, "");
}

void Brain::on_event(const SpawnFailed& failed) {
  keeper_.ack_exit(failed.serial);
  ActorEntry* entry = entry_by_serial(failed.serial);
  if (entry) return spawn_failed(*entry, failed);
  if (!process_failed(failed)) spare_ended(failed.serial, std::strerror(failed.error));
}

void Brain::spawn_failed(ActorEntry& entry, const SpawnFailed& failed) {
  log_.error("spawn_failed", entry.name,
             "cannot start " + entry.executable + ": " + std::string(to_string(failed.step)) + ": " +
                 std::strerror(failed.error) + "; look at this actor's section in the manifest",
             {{"errno", std::int64_t{failed.error}}});
  const supervision::Exit exit{supervision::Exit::Kind::Error, 127};
  Death death = report_of(entry, exit, false);
  death.last_words = "cannot start " + entry.executable + ": " + std::strerror(failed.error);
  forget_life(entry);
  decide(entry, exit, "could not be started");
  note_death(entry, std::move(death));
  advance_shutdown();
}

void Brain::on_event(const Exited& exited) {
  if (ActorEntry* entry = entry_by_serial(exited.serial)) return has_exited(*entry, exited.status);
  if (process_ended(exited)) return;
  keeper_.ack_exit(exited.serial);
  spare_ended(exited.serial,
              to_string(supervision::classify(exited.status, {})));  // or a predecessor has dealt with it
}

void Brain::on_event(const ShutdownRequested& request) {
  if (request.count != 0 && request.count <= state_.keeper_interrupts) return;  // a predecessor has dealt with it
  state_.keeper_interrupts = std::max(state_.keeper_interrupts, request.count);
  const auto now = Loop::Clock::now();
  if (state_.interrupts > 0 && now - state_.last_interrupt < same_interrupt) return;
  state_.last_interrupt = now;
  // A service manager that sees its main process, the keeper, dead asks the rest to end: that is under way already.
  const bool known = keeper_gone_ && state_.interrupts == 0;
  if (++state_.interrupts > 1 || (state_.stage != Stage::Running && !known)) return hurry();
  begin_shutdown(supervision::signal_name(request.signal));
}

void Brain::on_event(const KeeperGone&) {
  keeper_gone_ = true;
  state_.exit_code = 1;
  loop_.unwatch(keeper_watch_);
  hear_signals();
  log_.error("keeper_gone", "", "the keeper process is dead: nothing can be started any more, stopping all actors");
  for (auto& [index, entry] : entries_) {
    if (entry->life == Life::Spawning && !entry->has_process()) {
      forget_life(*entry);
      entry->life = Life::Ended;  // nobody will answer the request
    }
    if (entry->keepers_serial() != 0) watch_end(*entry);
  }
  if (state_.stage == Stage::Running) begin_shutdown("the keeper is dead");
  advance_shutdown();
}

/// Nobody passes them on any more.
void Brain::hear_signals() {
  sigset_t asked;
  sigemptyset(&asked);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&asked, signal);
  sigprocmask(SIG_BLOCK, &asked, nullptr);
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, SIG_DFL);
  signals_ = Fd(signalfd(-1, &asked, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return;
  loop_.watch_always(signals_.get(), Loop::Interest::Read, [this] {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info)
      on_event(ShutdownRequested{static_cast<int>(info.ssi_signo), 0});
  });
}

/// Without a keeper that reaps it, the pidfd alone tells that a process has ended.
void Brain::watch_end(ActorEntry& entry) {
  if (!entry.pidfd || entry.pidfd_watch != 0) return;
  entry.pidfd_watch = loop_.watch_always(entry.pidfd.get(), Loop::Interest::Read, [this, index = entry.index] {
    has_exited(*entries_.at(index), std::nullopt);
  });
}

}  // namespace actor::broker
