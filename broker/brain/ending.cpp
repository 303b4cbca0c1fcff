// One actor's end: what it leaves to its next life, and what is said of it.

#include <sys/syscall.h>

#include <actor/error.hpp>
#include <algorithm>
#include <csignal>

#include "brain/brain.hpp"
#include "manifest/iceoryx.hpp"

namespace actor::broker {
namespace {

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + " ms";
}

/// For the line that tells of an end: "; restarting in 20 ms, with its group 'vision'".
std::string what_follows(const supervision::Outcome& outcome, const supervision::Exit& exit,
                         supervision::SupervisionTree::Standing standing) {
  using Verdict = supervision::Outcome::Verdict;
  using Standing = supervision::SupervisionTree::Standing;
  const std::string group = outcome.group.empty() ? "" : ", with group '" + outcome.group + "'";
  switch (outcome.verdict) {
    case Verdict::Restarts:
      return (outcome.delay.count() == 0 ? "; restarted at once" : "; restarting in " + milliseconds(outcome.delay)) +
             group;
    case Verdict::StaysEnded:
      return exit.kind != supervision::Exit::Kind::Incompatible ? ""
             : exit.code == 0
                 ? "; not restarted: it would be refused again"
                 : "; not restarted: its exit code " + std::to_string(exit.code) + " says that it would end so again";
    case Verdict::AsAsked:
      return standing == Standing::Waiting || standing == Standing::Up ? "; started again, as asked" : "";
    case Verdict::Quarantined:
    case Verdict::StopsRuntime:
    case Verdict::Reboots:
      return "";
  }
  return "";
}

}  // namespace

/// A successor makes sure of SIGTERM and SIGKILL.
void Brain::kill(ActorEntry& entry, int signal, bool whole_group) {
  if (!entry.has_process() && entry.serial == 0) return;
  if (signal == SIGTERM || signal == SIGKILL) {
    entry.kill_signal = signal;
    entry.kill_group = whole_group;
  }
  if (signal == SIGKILL || signal == SIGABRT) condemn(entry);
  send_signal(entry, signal, whole_group);
}

/// Once, at most.
void Brain::send_signal(const ActorEntry& entry, int signal, bool whole_group) {
  const std::uint64_t serial = entry.keepers_serial();
  if (serial != 0 && !keeper_gone_) {
    keeper_.kill(serial, signal, whole_group);
  } else if (entry.pidfd) {
    turn_.when_safe([this, index = entry.index, signal, whole_group, serial] {
      const auto found = entries_.find(index);
      if (found == entries_.end()) return;
      const ActorEntry& target = *found->second;
      if (!target.pidfd || target.keepers_serial() != serial) return;
      if (whole_group && serial != 0) end_group(target);
      syscall(SYS_pidfd_send_signal, target.pidfd.get(), signal, nullptr, 0);
    });
  }
}

/// What the keeper does when it reaps: nothing that an actor has started outlives it.
/// SUBTLE: the keeper is dead and somebody else reaps. The number is still the group's as long as any of the group
/// lives; had all of it just ended, it would take a turn of all process numbers to make it another's.
void Brain::end_group(const ActorEntry& entry) {
  ::kill(-entry.pid, SIGKILL);
}

/// " while handling StationTopic's Temperature on StationTopic.Reading from 'cpu', event 7f..:12, attempt 2 of 3"
std::string Brain::describe_in_hand(const InFlight& flight, std::uint32_t poison_after) const {
  const Route* route = table_.find(flight.route);
  const Topic* topic = topics_.at(flight.topic);
  std::string text = " while handling " + std::string(types_.name_of(flight.type));
  if (topic) text += " on " + topic->name;
  EventId id{0, flight.event_counter};
  if (route) {
    text += " from '" + table_.name_of(route->publisher) + "'";
    if (const auto sender = entries_.find(route->publisher); sender != entries_.end()) id.actor = sender->second->key;
  }
  text += ", event " + short_text(id) + ", attempt " + std::to_string(flight.attempt);
  return poison_after == 0 ? text : text + " of " + std::to_string(poison_after);
}

/// Takes from the dead life what its successor needs. REQUIRES: its end is confirmed and its packets are handled.
void Brain::inherit(ActorEntry& entry, std::string& handling) {
  const StatusView& status = entry.memory->status;
  const auto in_hand = [&](const InFlight& flight) {
    return flight.route != 0 && exchange_.route_of_reader(entry.index, flight.route) &&
           exchange_.cursor(flight.route) == flight.sequence;
  };
  const InFlight flight = status.in_flight();
  if (in_hand(flight)) {
    entry.in_flight = flight;
    handling =
        describe_in_hand(flight, entry.section ? entry.section->after_death.poison_after : AfterDeath{}.poison_after);
  } else if (!in_hand(entry.in_flight)) {
    entry.in_flight = {};  // else: it died before it came to what its predecessor had in hand
  }
  entry.first_counter = std::max(entry.first_counter, status.counter_limit());
  Totals totals = status.totals();
  const Deeds deeds = exchange_.left(entry.index);
  // Killed between a push, or a cursor's store, and the count of it: rings and cursors have the last word. `dropped`
  // counts what a sender dropped and what a reader of overwriting rings missed; of an actor that is both, the counters
  // stand.
  if (!deeds.may_have_missed && !reads_carried(entry)) {
    totals.sent = deeds.pushed + totals.dropped;
    totals.handled = deeds.read - std::min(deeds.read, totals.skipped);
  } else if (totals.sent == 0 && deeds.pushed == 0) {
    totals.handled = deeds.read - std::min(deeds.read, totals.skipped + totals.dropped);
  }
  entry.carried = entry.carried + totals;
  for (const std::string& wrong : deeds.wrong) log_.error("corrupt", entry.name, wrong);
}

void Brain::forget_life(ActorEntry& entry) {
  clear_due(entry);
  if (entry.pidfd_watch != 0) loop_.unwatch(std::exchange(entry.pidfd_watch, 0));
  if (entry.session) {
    entry.session->close();
    finished_.push_back(std::move(entry.session));
  }
  entry.session.reset();
  entry.memory.reset();
  entry.pidfd.reset();
  entry.own_socket.reset();
  entry.own_pidfd.reset();
  entry.kept_socket = entry.kept_pidfd = 0;
  entry.serial = entry.process_serial = 0;
  entry.pid = 0;
  entry.kill_signal = 0;
  entry.has_exited = false;
  entry.exit_status.reset();
  types_.release(entry.name);
  topics_.release(entry.name);
}

/// Its end is confirmed. What it had said before is handled first, a message in each turn.
void Brain::has_exited(ActorEntry& entry, std::optional<int> wait_status) {
  if (entry.pidfd_watch != 0) loop_.unwatch(std::exchange(entry.pidfd_watch, 0));
  entry.has_exited = true;
  entry.exit_status = wait_status;
}

void Brain::settle_exits() {
  settle_processes();
  for (auto& [index, entry] : entries_) {
    if (!entry->has_exited) continue;
    if (entry->session && !entry->session->drain()) {
      if (!entry->session->is_starved()) turn_.again();
      continue;
    }
    ended(*entry, entry->exit_status);
  }
}

void Brain::ended(ActorEntry& entry, std::optional<int> wait_status) {
  // Not before: until then the keeper has the other end of its socket for a successor.
  if (entry.serial != 0) keeper_.ack_exit(entry.serial);
  entry.circumstances.stop_requested |= entry.life == Life::Stopping;
  entry.circumstances.oom_seen = wait_status && was_out_of_memory(entry, *wait_status);
  if (entry.serial != 0) empty_cgroup(entry, cgroup_of(entry));
  supervision::ExitCodes codes;
  if (entry.section) codes = {entry.section->supervision.success_exit, entry.section->supervision.never_restart_exit};
  const auto exit = wait_status ? supervision::classify(*wait_status, entry.circumstances, codes)
                                : supervision::classify_unknown(entry.circumstances, entry.said_goodbye);
  std::string handling;
  const bool had_mailbox = entry.memory != nullptr;
  if (had_mailbox) inherit(entry, handling);
  count_spared(entry, exit.kind == supervision::Exit::Kind::Companion);
  const std::string over_letter = end_retries(entry);
  if (keeper_gone_ && entry.keepers_serial() != 0 && !wait_status) end_group(entry);
  if (entry.process_serial == 0) output_.finish(entry.pid);
  if (entry.process_serial != 0) output_.look(entry.pid);
  const pid_t pid = entry.pid;
  Death death = report_of(entry, exit, !handling.empty());
  const EventId last_event = handling.empty() ? EventId{} : id_in_hand(entry);
  const std::uint32_t incarnation = entry.incarnation;
  const std::string last_words = entry.last_words;
  if (had_mailbox) {
    give_up_overflowed(entry);
    give_up_in_hand(entry, exit.abnormal());
    if (exit.abnormal() && state_.stage == Stage::Running) give_up_queue(entry);
  }
  const bool asked_for = entry.circumstances.stop_requested && !exit.abnormal();
  std::string story = "died: " + to_string(exit) + handling + over_letter;
  if (exit.kind == supervision::Exit::Kind::Companion)
    story = "died with its process '" + entry.process + "', which another actor in it has ended" + handling;
  if (!exit.abnormal()) story = "ended";
  if (!entry.last_words.empty()) story += ": " + entry.last_words;
  const bool by_itself = exit.kind == supervision::Exit::Kind::Clean || exit.kind == supervision::Exit::Kind::Error;
  if (entry.life == Life::Connecting && by_itself) story += std::string(": ") + never_spoke;
  story += " (pid " + std::to_string(pid) + ")";
  entry.last_words.clear();
  entry.said_goodbye = false;
  forget_life(entry);
  decide(entry, exit, story);
  tell_down(entry, exit, last_event, incarnation, last_words);
  if (!asked_for) note_death(entry, std::move(death));
  if (entry.name == roudi_actor) end_guests_of_roudi();
  advance_shutdown();
}

void Brain::report_end(const ActorEntry& entry, const supervision::Exit& exit, const std::string& text) {
  if (!exit.abnormal()) return log_.info("ended", entry.name, text, {{"reason", entry.last_exit}});
  log_.error("died", entry.name, text, {{"reason", entry.last_exit}, {"incarnation", std::int64_t{entry.incarnation}}});
}

/// It had no process, and is told of as if it had ended, in a turn of its own.
void Brain::could_not_be_spawned(ActorEntry& entry, const std::string& why) {
  log_.error("spawn_failed", entry.name, why);
  entry.has_exited = true;
  entry.exit_status = 127 << 8;
  turn_.again();
}

void Brain::decide(ActorEntry& entry, const supervision::Exit& exit, const std::string& story) {
  using Standing = supervision::SupervisionTree::Standing;
  entry.last_exit = to_string(exit);
  const bool planned = tree_->knows(entry.name);
  const auto now = Loop::Clock::now().time_since_epoch();
  if (state_.stage != Stage::Running) {
    report_end(entry, exit, story);
    if (planned) tree_->ended(entry.name, exit, now);
    if (planned && !entry.circumstances.stop_requested && may_drain(entry) && tree_->wants_back(entry.name, exit))
      return drain_once_more(entry);
    return stay_ended(entry, Life::Ended, false);
  }
  const bool refused = exit.kind == supervision::Exit::Kind::Incompatible;
  if (!planned) {  // who was started by hand is started again by hand
    report_end(entry, exit, story + (refused ? "; not restarted: it would be refused again" : ""));
    // Who was never let in has no mailbox that a successor could want.
    const bool never_in = refused && entry.incarnation == 1;
    const bool keep_mailbox = exit.abnormal() && !never_in && !entry.circumstances.stop_requested && !entry.removed;
    return stay_ended(entry, refused ? Life::Refused : Life::Ended, keep_mailbox);
  }
  const auto outcome = tree_->ended(entry.name, exit, now);
  const auto standing = tree_->standing(entry.name);
  report_end(entry, exit, story + what_follows(outcome, exit, standing));
  if (standing == Standing::Waiting || standing == Standing::Up) {
    tell_observers_of_end(entry, story, outcome.delay);
    entry.life = outcome.delay.count() > 0 ? Life::Backoff : Life::Waiting;
    entry.due_at = later(Loop::Clock::now(), outcome.delay);
  }
  if (refused) entry.life = Life::Refused;
  const Ending ending{entry, outcome, exit.abnormal()};
  carry_out(&ending);
}

void Brain::stay_ended(ActorEntry& entry, Life life, bool keep_mailbox) {
  entry.life = life;
  drop_spare(entry);
  tell_observers_of_end(entry, entry.last_exit, std::nullopt);
  if (state_.stage == Stage::Stopping) return;  // everybody goes: nobody waits for room any more
  if (!keep_mailbox || state_.stage != Stage::Running) return give_up_mailbox(entry);
  hold_mailbox(entry, Loop::Clock::now() + manifest_.broker.mailbox_hold);
}

void Brain::hold_mailbox(ActorEntry& entry, Loop::Clock::time_point until) {
  stop_holding(entry);
  entry.hold_until = until;
  entry.hold_timer = loop_.after(until - Loop::Clock::now(), [this, index = entry.index] {
    ActorEntry& gone = *entries_.at(index);
    gone.hold_timer = 0;
    gone.hold_until.reset();
    give_up_mailbox(gone);
  });
}

void Brain::stop_holding(ActorEntry& entry) {
  if (entry.hold_timer != 0) loop_.cancel(std::exchange(entry.hold_timer, 0));
  entry.hold_until.reset();
}

/// Its subscriptions end: publishers that wait for it go on, and what is queued becomes dead letters.
void Brain::give_up_mailbox(ActorEntry& entry) {
  if (!std::exchange(entry.reading, false)) return;
  const std::uint64_t queued = exchange_.queued(entry.index);
  if (queued > 0)
    log_.warn("mailbox_given_up", entry.name,
              std::to_string(queued) +
                  " events that were queued for it become dead letters, as it does not come back: " +
                  what_is_queued(entry.index),
              {{"events", static_cast<std::int64_t>(queued)}});
  apply(table_.set_reading(entry.index, false));
}

}  // namespace actor::broker
