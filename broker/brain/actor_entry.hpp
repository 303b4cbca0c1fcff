#pragma once
// What the brain knows of one actor: what outlives its incarnations, and its present life. Owned by the brain. What a
// successor of the brain needs is in ActorState, plain values that go into the ledger as they are.

#include <sys/types.h>

#include <actor/loop.hpp>
#include <chrono>
#include <control/fd.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <supervision/exit.hpp>
#include <vector>

#include "brain/exchange.hpp"
#include "manifest/manifest.hpp"
#include "routing/table.hpp"
#include "session/session.hpp"
#include "session/status_view.hpp"
#include "supervision/death_log.hpp"

namespace actor::broker {

enum class Life : std::uint8_t {
  Ended,       // has no process and gets none by itself
  Backoff,     // waits for the time of its restart
  Waiting,     // waits for others before it starts: its group, or what it depends on
  Spawning,    // the keeper was asked for its process
  Connecting,  // the process runs and has not said hello
  Joining,     // its routes are being put in place
  Starting,    // in on_start()
  Ready,
  Draining,     // `stop`: detached, handles what is queued
  Stopping,     // told to end
  Quarantined,  // ended, and its restart budget is used up
  Refused,      // ended, and would be refused again
};
std::string_view to_string(Life life);

/// What is likely wrong with a program whose process ends, or takes too long, while it is Connecting.
inline constexpr const char* never_spoke = "it never spoke to the broker: does its main() call actor::run<...>()?";

/// What happens to an actor when its timer is due.
enum class Due : std::uint8_t {
  Nothing,
  StartTimeout,  // it is not Ready: killed
  StopTimeout,   // it was told to stop and is still there: killed
  LookDrained,   // it drains: is it done?
  RefusalHeard,  // it was refused and is still there: killed
  HangUp,        // it closed its control socket and is still there: killed
  Goodbye,       // it said that it ends and is still there: killed
};

/// A dead letter that its reader shall be handed again.
struct Retry {
  std::uint64_t letter = 0;
  std::uint32_t attempt = 0;  // 0: not yet sent
};

/// Deaths of its process that were another actor's doing, with this event in hand.
struct Spared {
  std::uint32_t route = 0;
  std::uint64_t sequence = 0;
  std::uint32_t deaths = 0;
};

struct ActorState {
  using Time = Loop::Clock::time_point;

  // For as long as the broker runs.
  std::string name;
  ActorIndex index = 0;
  bool by_hand = false;
  bool removed = false;  // a reload has left it out: it ends, and is not spoken of any more
  TopicFilter publishes;
  TopicFilter subscribes;
  std::uint64_t key = 0;
  std::uint32_t epoch_slot = 0;

  // Handed from life to life.
  std::uint32_t incarnation = 0;
  std::uint64_t restarts = 0;  // all of them, an operator's too
  Totals carried;
  std::uint64_t first_counter = 1;
  InFlight in_flight;  // what the last life had in hand; route 0 = nothing
  Spared spared;
  std::string last_exit;
  std::uint64_t oom_kills = 0;  // in its cgroup, before its present life
  bool second_cgroup = false;   // it is in the second of its two
  Life life = Life::Ended;
  bool reading = true;     // has mailboxes
  bool drains = false;     // was started once more during shutdown, to handle what is queued for it
  Due due = Due::Nothing;  // whatever this life waits for
  Time due_at{};
  std::optional<Time> hold_until;  // the mailboxes of an actor that stays away are given up then

  // The present life.
  std::uint64_t serial = 0;  // the keeper's name for it; 0 = not the keeper's child, or in a process with others
  std::string process;       // that it shares with others; empty: it has one of its own
  std::uint64_t process_serial = 0;  // the keeper's name for that
  pid_t pid = 0;
  std::uint64_t kept_socket = 0;  // keys in the safe: of who was started by hand, or is in a process with others
  std::uint64_t kept_pidfd = 0;   // of who was started by hand
  std::string executable;
  std::set<TopicId> told_topics;
  std::set<RouteId> overflowed;  // its queues that it could not keep up with
  supervision::Circumstances circumstances;
  bool said_goodbye = false;
  std::string last_words;
  Time spawned_at{};
  Time drain_until{};
  int kill_signal = 0;  // SIGTERM or SIGKILL, once it was sent
  bool kill_group = false;
  std::string emptied_cgroup;  // its last life's: what is left in it is killed
  bool has_exited = false;     // what it had said is still being handled
  std::vector<Retry> retries;  // one at a time: the first is under way
  std::optional<int> exit_status;
};

/// A process that was started ahead: it has said hello, and waits for its predecessor to die. Not in the ledger: a new
/// brain ends the spares of the one before it and makes its own.
struct Spare {
  std::uint64_t serial = 0;  // 0: there is none
  ActorSection made_from;
  pid_t pid = 0;
  Fd pidfd;
  std::unique_ptr<Session> session;
  std::optional<control::Hello> hello;  // with its status segment: it is ready to take over
  Fd status;
  unsigned failures = 0;  // spares that died before they were needed, one after the other
  TimerId timer = 0;      // until the next one is made
};

struct ActorEntry : ActorState {
  const ActorSection* section = nullptr;  // null: started by hand, or removed
  DeathLog deaths;
  TimerId timer = 0;       // for `due`
  TimerId hold_timer = 0;  // for `hold_until`

  Fd pidfd;
  WatchId pidfd_watch = 0;
  Kept own_socket;
  Kept own_pidfd;
  std::unique_ptr<Session> session;
  std::shared_ptr<Incarnation> memory;
  Spare spare;

  bool has_process() const { return pid != 0; }
  /// The keeper's name for its process, whoever else is in that.
  std::uint64_t keepers_serial() const { return serial != 0 ? serial : process_serial; }
  /// Whose output and whose cgroup its process has.
  const std::string& process_name() const { return process.empty() ? name : process; }
  /// To tools: one that a reload has left out is forgotten when it has ended.
  bool is_known() const { return !removed || has_process(); }
  /// Counts as running for the operator: has a process or is about to.
  bool active() const { return has_process() || life == Life::Spawning || is_waiting(); }
  /// Neither runs nor is on its way, and nothing of it is due.
  bool is_over() const {
    return !active() && keepers_serial() == 0 && !has_exited && !reading && due == Due::Nothing && !hold_until &&
           spare.serial == 0 && spare.timer == 0;
  }
  bool is_waiting() const { return life == Life::Backoff || life == Life::Waiting; }
};

}  // namespace actor::broker
