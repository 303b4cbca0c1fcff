// Ending in good order: everybody stops making events, everything that was sent is handled, then the actors end, the
// last one started first. The same for one actor that an operator stops.

#include <algorithm>
#include <csignal>

#include "brain/brain.hpp"
#include "service_manager.hpp"

namespace actor::broker {
namespace {

/// Between two looks at whether everything has come to rest. There is no event to wait for: cursors move without us.
constexpr auto scan_period = std::chrono::milliseconds(2);
constexpr std::chrono::nanoseconds stop_timeout_without_roudi = std::chrono::seconds(1);

}  // namespace

void Brain::begin_shutdown(const std::string& why) {
  if (state_.stage != Stage::Running) return;
  state_.stage = Stage::Quiescing;
  log_.info("stopping", "", "shutting down: " + why);
  options_.service.stopping();
  tree_->begin_shutdown();
  for (auto& [index, entry] : entries_) {
    drop_spare(*entry);
    if (entry->is_waiting()) {
      clear_due(*entry);
      entry->life = Life::Ended;
      const bool has_lived = entry->incarnation > 0;  // else it still waits for what it depends on
      if (has_lived && may_drain(*entry)) drain_once_more(*entry);
    }
    // Nobody waits for room in a mailbox that nobody will empty.
    if (!entry->active()) give_up_mailbox(*entry);
    if ((entry->life == Life::Ready || entry->life == Life::Draining) && entry->session) entry->session->quiesce();
  }
  const Manifest& manifest = manifest_;
  const auto now = Loop::Clock::now();
  state_.drain_until = later(now, manifest.broker.drain_timeout);
  if (manifest.broker.shutdown_timeout) state_.kill_at = later(now, *manifest.broker.shutdown_timeout);
  arm_shutdown();
  advance_shutdown();
}

void Brain::arm_shutdown() {
  const auto now = Loop::Clock::now();
  if (state_.drain_until) {
    drain_timer_ = loop_.after(*state_.drain_until - now, [this] {
      drain_timer_ = 0;
      stop_everybody(what_is_left());
    });
  }
  if (state_.stage == Stage::Draining) scan_timer_ = loop_.every(scan_period, [this] { scan(); });
  if (!state_.kill_at) return;
  loop_.after(*state_.kill_at - now, [this] {
    log_.error("shutdown_timeout", "", "shutdown_timeout is over: killing what still runs");
    for (auto& [index, entry] : entries_) kill(*entry, SIGKILL, true);
  });
}

/// A second Ctrl-C: nobody waits for the queues any more. A third: nor for the actors.
void Brain::hurry() {
  begin_shutdown("asked twice");
  if (state_.stage == Stage::Quiescing || state_.stage == Stage::Draining) {
    log_.warn("hurry", "", "asked again: not waiting for what is queued any more: " + what_is_left());
    stop_everybody("");
    for (auto& [index, entry] : entries_) {
      if (entry->has_process() && entry->life != Life::Stopping) request_stop(*entry);
    }
    return;
  }
  log_.warn("hurry", "", "asked again: killing what still runs");
  for (auto& [index, entry] : entries_) kill(*entry, SIGKILL, true);
}

/// Called whenever an actor has quiesced, become ready or ended.
void Brain::advance_shutdown() {
  if (state_.stage == Stage::Quiescing) {
    const bool all = std::all_of(entries_.begin(), entries_.end(),
                                 [this](const auto& item) { return !holds_up_quiescing(*item.second); });
    if (!all) return;
    state_.stage = Stage::Draining;
    quiet_scans_ = 0;
    scan_timer_ = loop_.every(scan_period, [this] { scan(); });
    scan();
  } else if (state_.stage == Stage::Stopping) {
    stop_next();
  }
}

/// Has it yet to say that it begins nothing new? A program that has not even said hello sends nothing, and is waited
/// for only if there are events that it could handle: it may be none of ours.
bool Brain::holds_up_quiescing(const ActorEntry& entry) const {
  if (!entry.has_process() && entry.life != Life::Spawning) return false;
  if (entry.life == Life::Stopping || entry.said_goodbye) return false;
  if (entry.life == Life::Spawning || entry.life == Life::Connecting) return exchange_.queued(entry.index) > 0;
  return !entry.session || entry.session->phase() < Session::Phase::Quiesced;
}

/// May a dead reader have one life more, so that what waits in its mailbox is not lost with the runtime? One only, and
/// within drain_timeout: who dies in this one too would not come to an end.
bool Brain::may_drain(const ActorEntry& entry) const {
  const bool in_time = state_.stage == Stage::Quiescing || state_.stage == Stage::Draining;
  return in_time && !keeper_gone_ && entry.section && entry.reading && !entry.drains &&
         exchange_.queued(entry.index) > 0;
}

void Brain::drain_once_more(ActorEntry& entry) {
  log_.info("drains", entry.name,
            "is started once more, to handle what is queued for it: " + what_is_queued(entry.index));
  entry.drains = true;
  tell_observers_of_end(entry, entry.last_exit, std::chrono::nanoseconds(0));
  ++entry.restarts;
  spawn(entry);
}

/// Two scans in a row that find everything empty and nothing sent in between: then there is nothing in flight.
void Brain::scan() {
  if (state_.stage != Stage::Draining) return;
  quiet_scans_ = at_rest() ? quiet_scans_ + 1 : 0;
  if (quiet_scans_ >= 2) stop_everybody("");
}

bool Brain::at_rest() {
  std::uint64_t published = 0;
  bool quiet = true;
  for (const auto& [index, entry] : entries_) {
    // A reader that is on its way back has no cursor yet that would tell.
    const bool comes = entry->life >= Life::Spawning && entry->life <= Life::Starting;
    if (comes && exchange_.queued(index) > 0) quiet = false;
    if (!entry->memory) continue;
    published += entry->memory->status.totals().published;
    quiet &= !entry->memory->status.has_outbox();
  }
  quiet &= published == last_published_ && exchange_.live_mailboxes_empty();
  last_published_ = published;
  return quiet;
}

/// "12 from 'sensor' (StationTopic.Reading, StationTopic.Alert), 3 from 'clock' (ClockTopic.Tick)"
std::string Brain::what_is_queued(ActorIndex reader) const {
  std::string text;
  for (const Route* route : table_.into(reader)) {
    const std::uint64_t queued = exchange_.queued_on(route->id);
    if (queued == 0) continue;
    std::string topics;
    for (const auto& carried : route->topics) topics += (topics.empty() ? "" : ", ") + topics_.at(carried.topic)->name;
    text += (text.empty() ? "" : ", ") + std::to_string(queued) + " from '" + table_.name_of(route->publisher) + "' (" +
            topics + ")";
  }
  return text;
}

/// For the line that tells that nobody waits for it any more.
std::string Brain::what_is_left() const {
  std::string text;
  bool any_staged = false;
  for (const auto& [index, entry] : entries_) {
    const std::uint64_t queued = exchange_.queued(index);
    const std::uint64_t staged = entry->memory ? entry->memory->status.staged() : 0;
    if (queued > 0) text += (text.empty() ? "'" : ", '") + entry->name + "' has " + std::to_string(queued) + " queued";
    any_staged |= staged > 0;
    if (staged > 0) text += (text.empty() ? "'" : ", '") + entry->name + "' has " + std::to_string(staged) + " staged";
  }
  if (text.empty()) return "nothing is queued";
  return text + "; what is not handled before the actors end becomes dead letters" +
         (any_staged ? ", and what is staged then is not sent" : "");
}

void Brain::stop_everybody(const std::string& left_over) {
  if (state_.stage == Stage::Stopping || state_.stage == Stage::Done) return;
  state_.stage = Stage::Stopping;
  if (drain_timer_ != 0) loop_.cancel(std::exchange(drain_timer_, 0));
  state_.drain_until.reset();
  if (scan_timer_ != 0) loop_.cancel(std::exchange(scan_timer_, 0));
  if (!left_over.empty()) log_.warn("drain_timeout", "", "drain_timeout is over: " + left_over);
  stop_next();
}

/// Those started by hand, then the others, the last one started first.
std::vector<ActorEntry*> Brain::stop_order() {
  std::vector<ActorEntry*> order;
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    if (!tree_->knows(it->second->name)) order.push_back(it->second.get());
  }
  for (const std::string& name : tree_->stop_order()) order.push_back(find_entry(name));
  return order;
}

/// Stops the first of those that still runs; when nobody runs, it is over.
void Brain::stop_next() {
  for (ActorEntry* next : stop_order()) {
    ActorEntry& entry = *next;
    if (entry.life == Life::Spawning && !entry.has_process()) {
      request_stop(entry);  // when the keeper has started it
      return;
    }
    if (!entry.has_process()) continue;
    if (entry.life != Life::Stopping) request_stop(entry);
    return;
  }
  if (!keeper_gone_ && !processes_.empty()) return;  // those that they shared end now
  report_lost();
  state_.stage = Stage::Done;
}

/// What the dead have left in their mailboxes: nobody will handle it, and it is not lost in silence.
void Brain::report_lost() {
  for (auto& [index, entry] : entries_) give_up_mailbox(*entry);
}

void Brain::request_stop(ActorEntry& entry) {
  entry.circumstances.stop_requested = true;
  if (!entry.has_process()) {
    if (entry.process_serial != 0) leave_queue(entry);
    return;
  }
  entry.life = Life::Stopping;
  if (entry.session) entry.session->send(control::Stop{});
  if (entry.process_serial == 0) kill(entry, SIGTERM, false);  // else it is for all that are in its process
  // Who was asking RouDi for something when that ended waits for an answer for ever: the others need not wait for it.
  const auto time = stop_timeout(entry);
  set_due(entry, Due::StopTimeout, has_lost_roudi(entry) ? std::min(time, stop_timeout_without_roudi) : time);
}

void Brain::stop_for_good(ActorEntry& entry) {
  if (entry.life == Life::Ready) return drain_then_stop(entry);
  if (entry.life != Life::Stopping && entry.life != Life::Draining) request_stop(entry);
}

/// `stop`: publishers forget it first, then it handles what is queued, then it ends.
void Brain::drain_then_stop(ActorEntry& entry) {
  entry.life = Life::Draining;
  entry.drain_until = later(Loop::Clock::now(), manifest_.broker.drain_timeout);
  if (std::exchange(entry.reading, false)) apply(table_.set_reading(entry.index, false), true);
  set_due(entry, Due::LookDrained, scan_period);
}

void Brain::look_whether_drained(ActorEntry& entry) {
  const bool out_of_time = Loop::Clock::now() >= entry.drain_until;
  const bool drained = exchange_.detached(entry.index) && exchange_.queued(entry.index) == 0;
  if (!drained && !out_of_time) {
    set_due(entry, Due::LookDrained, scan_period);
    return;
  }
  if (!drained)
    log_.warn("drain_timeout", entry.name,
              "drain_timeout is over: " + std::to_string(exchange_.queued(entry.index)) +
                  " events are still queued; what it does not handle before it ends becomes dead letters");
  request_stop(entry);
}

}  // namespace actor::broker
