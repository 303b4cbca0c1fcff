#pragma once
// The brain: ties routing, sessions, supervision and the keeper together. One object, one thread, one loop; main
// reaches it through run_brain() in broker/brain.hpp.
//
// Its code is in files by what happens: brain.cpp (what comes in), keeper_events.cpp (from the keeper), life.cpp (one
// actor from spawn to Ready), ending.cpp (its end), placement.cpp (actors that share a process), policy.cpp (who is
// started and stopped then), deaths.cpp (what is kept of its deaths), reload.cpp (another manifest), shutdown.cpp
// (stopping one or all in good order), standby.cpp (processes started ahead), requests.cpp and views.cpp (what tools
// ask), forgetting.cpp (actors that are no more), observers.cpp (tools that watch), hangs.cpp (actors that hang),
// burial.cpp and redelivery.cpp (dead letters), system_events.cpp ($sys/actor), service.cpp (what the service manager
// is told), confining.cpp (cgroups and limits), carrying.cpp (topics that travel by iceoryx), takeover.cpp (one brain's
// state for the next).
//
// It works in turns. In each it handles what has come, at most one message of each connection; then its state goes into
// the ledger; and only then does anybody hear of it: messages, requests to the keeper and bells wait for when_safe().
// So a brain may be killed at any instruction, and its successor goes on from the last turn: docs/architecture.md.
// REQUIRES of every change here: what must survive goes into ActorState, BrainState or a save(), and whatever the
// outside can notice is said through a Session, the KeeperClient, or turn_.when_safe().

#include <actor/epoll_loop.hpp>
#include <algorithm>
#include <brain.hpp>
#include <control/channel.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <supervision/tree.hpp>
#include <vector>

#include "brain/actor_entry.hpp"
#include "brain/actor_outputs.hpp"
#include "brain/event_log.hpp"
#include "brain/exchange.hpp"
#include "brain/ledger.hpp"
#include "brain/shared_process.hpp"
#include "deadletters/store.hpp"
#include "keeper/client.hpp"
#include "manifest/diff.hpp"
#include "routing/table.hpp"
#include "routing/types.hpp"
#include "sandbox/cgroups.hpp"
#include "session/epoch_page.hpp"
#include "supervision/oom_watch.hpp"
#include "supervision/stall_watch.hpp"
#include "supervision/watchdog.hpp"

namespace actor::broker {

enum class Stage : std::uint8_t {
  Running,
  Quiescing,  // steps and timers end everywhere
  Draining,   // what was sent is handled
  Stopping,   // actors end, the last started first
  Done,
};

TopicFilter to_filter(const TopicSet& set);
/// Throws Error(Io).
Fd duplicate(int fd);

/// What the brain itself has to remember, beside its parts and its actors.
struct BrainState {
  using Time = Loop::Clock::time_point;

  std::uint64_t runtime_id = 0;
  std::uint64_t epoch_page = 0;  // key in the safe
  std::uint64_t next_serial = 1;
  Time started_at{};
  Stage stage = Stage::Running;
  int exit_code = 0;
  bool reboots = false;  // when everybody has ended
  int interrupts = 0;
  Time last_interrupt{};
  std::uint64_t keeper_interrupts = 0;  // of those that the keeper has counted
  std::optional<Time> run_until;        // --for
  std::optional<Time> drain_until;
  std::optional<Time> kill_at;                 // shutdown_timeout
  std::uint64_t system_events = 0;             // so many were told
  std::uint64_t forgotten = 0;                 // so many actors are no more
  bool told_ready = false;                     // to the service manager
  std::vector<std::uint64_t> handled_letters;  // dead letters that are to leave the store
  std::uint64_t unsettled_letter = 1;          // from there on the next brain may bury the same ones again
  std::string manifest_text;                   // of the last reload; empty: the manifest is that of the start
};

/// What a tool that observes wants to see.
struct Observing {
  control::Observe what;
  std::vector<std::string> actors;  // empty: all
  bool wants(std::string_view actor) const {
    return actors.empty() || std::find(actors.begin(), actors.end(), actor) != actors.end();
  }
};

class Brain final : public SessionHandler, private OutputHandler {
 public:
  Brain(KeeperClient keeper, Fd listener, const BrainOptions& options, Pulse& pulse);
  ~Brain() override;

  int run();

 private:
  struct Connection {  // came through the named socket and has not said Hello; or a tool
    std::unique_ptr<Session> session;
    pid_t pid = 0;
    bool is_guest = false;  // of another user: it may ask, and be no actor
    std::optional<Observing> observes = {};
  };

  // brain.cpp: its turns
  void begin(std::vector<KeeperEvent> told);
  void remove_runtime_dir() const;
  void arm_run_for();
  void turn();
  void finish_turn();
  ActorEntry& add_entry(const std::string& name, const ActorSection* section);
  ActorEntry* entry_of(const Session& session);
  ActorEntry* find_entry(std::string_view name);
  ActorEntry* entry_by_serial(std::uint64_t serial);

  // named_socket.cpp: who knocks
  bool may_ask(const Fd& socket) const;
  void accept();
  bool accept_one();
  void note_refusal(const std::string& why);
  void turn_away();
  void let_go(Fd socket) override;

  // said.cpp: what actors and tools say
  void hello(Session& session, control::Hello hello, Fd status) override;
  void message(Session& session, control::ToBroker message, std::vector<Fd> fds) override;
  Exchange::Violation dispatch(ActorEntry& entry, const control::ToBroker& message, std::vector<Fd>& fds);
  void fail(Session& session, const std::string& why);
  void request(Session& session, const std::string& json) override;
  void other_version(Session& session, unsigned version) override;
  void violated(Session& session, const std::string& what) override;
  void hung_up(Session& session) override;
  void out_of_descriptors(Session& session) override;
  void lags(Session& session) override;
  void caught_up(Session& session) override;
  void sent_descriptor(pid_t pid) override;
  void feed_the_starved();

  // keeper_events.cpp: what the keeper tells
  void on_keeper();
  void on_event(Spawned spawned);
  void on_event(const SpawnFailed& failed);
  void spawn_failed(ActorEntry& entry, const SpawnFailed& failed);
  void on_event(const Exited& exited);
  void on_event(const ShutdownRequested& request);
  void on_event(const KeeperGone& gone);
  void hear_signals();
  void watch_end(ActorEntry& entry);

  // takeover.cpp: one brain's state for the next
  void commit();
  bool take_over(std::vector<KeeperEvent> told, std::string& error);
  int end_what_is_left(const std::vector<KeeperEvent>& told);
  bool restore(std::string& error);
  bool restore_process(Ledger::Page& page);
  bool restore_entry(Ledger::Page& page);
  void reattach(ActorEntry& entry, Fd socket, const SessionState& state);
  void reattach_kept(ActorEntry& entry, int pidfd);
  void reattach_all(std::vector<KeeperEvent>& told);
  void respawn(ActorEntry& entry);
  void resume(ActorEntry& entry);

  // life.cpp: one actor from spawn to Ready
  void spawn(ActorEntry& entry);
  void has_begun(ActorEntry& entry, const std::string& where);
  void open_mailbox(ActorEntry& entry);
  std::string executable_of(const ActorSection& section) const;
  ActorEntry* adopt(Session& session, const control::Hello& hello);
  void admit(ActorEntry& entry, const control::Hello& hello, Fd status);
  bool check_declarations(ActorEntry& entry, const control::Hello& hello, std::vector<control::TypeInfo>& types);
  void warn_of_unknown_topics(const ActorEntry& entry, const control::Hello& hello);
  void welcome(ActorEntry& entry, std::vector<control::TypeInfo> types, const control::Hello& hello);
  void open_routes(ActorEntry& entry, const control::Hello& hello);
  void apply(const RouteChanges& changes, bool finishes = false);
  void tell_topics(const Route& route);
  control::TopicInfo topic_info(const ActorEntry& entry, const Topic& topic) const;
  void refuse(ActorEntry& entry, const std::string& reason);
  void start_settled();
  void on_message(ActorEntry& entry, const control::Ready& message);
  void on_message(ActorEntry& entry, const control::OpenTopic& message);
  void on_message(ActorEntry& entry, const control::Overflowed& message);
  void on_message(ActorEntry& entry, const control::PeerCorrupt& message);
  void on_message(ActorEntry& entry, const control::Stopping& message);
  void start_timed_out(ActorEntry& entry);

  // carrying.cpp: topics that travel by iceoryx
  std::uint64_t carried_bytes(const Topic& topic) const;
  void tell_of_carrier(ActorEntry& entry, control::Welcome& welcome);
  bool reads_carried(const ActorEntry& entry) const;
  bool has_lost_roudi(const ActorEntry& entry) const;
  void restart(const ActorEntry& entry);
  void end_guests_of_roudi();
  bool is_carried_to_or_from(const ActorEntry& entry) const;

  // service.cpp: what the service manager is told
  void watch_service();
  void tell_service();
  bool anybody_comes() const;

  // standby.cpp: processes that are started ahead
  void make_spare(ActorEntry& entry);
  bool promote_spare(ActorEntry& entry);
  void drop_spare(ActorEntry& entry);
  bool spare_spawned(Spawned& spawned);
  bool spare_ended(std::uint64_t serial, const std::string& how);
  bool spare_hello(Session& session, control::Hello& hello, Fd& status);
  ActorEntry* entry_of_spare(std::uint64_t serial);
  ActorEntry* entry_of_spare(const Session& session);

  // placement.cpp: actors that share a process
  SharedProcess* process_of(const Session& session);
  std::vector<ActorEntry*> members_of(const SharedProcess& process);
  void place(ActorEntry& entry);
  SharedProcess& start_process(const ActorEntry& entry);
  void enter(ActorEntry& entry, SharedProcess& process);
  bool process_spawned(Spawned& spawned);
  bool process_failed(const SpawnFailed& failed);
  bool process_ended(const Exited& exited);
  void settle_processes();
  void settle(SharedProcess& process);
  void empty_cgroup_of(const SharedProcess& process);
  void condemn(const ActorEntry& entry);
  void leave_queue(ActorEntry& entry);
  void heard(SharedProcess& process, const control::ToBroker& message);
  void process_lost(SharedProcess& process, const std::string& why);
  void process_refused(SharedProcess& process, const std::string& why);
  void release_processes();
  void arm_end(SharedProcess& process);
  void resume_processes();

  // ending.cpp: one actor from its end to its restart
  void has_exited(ActorEntry& entry, std::optional<int> wait_status);
  void settle_exits();
  void ended(ActorEntry& entry, std::optional<int> wait_status);
  void inherit(ActorEntry& entry, std::string& handling);
  std::string describe_in_hand(const InFlight& flight, std::uint32_t poison_after = 0) const;
  void forget_life(ActorEntry& entry);
  void decide(ActorEntry& entry, const supervision::Exit& exit, const std::string& story);
  void report_end(const ActorEntry& entry, const supervision::Exit& exit, const std::string& text);
  void could_not_be_spawned(ActorEntry& entry, const std::string& why);
  void stay_ended(ActorEntry& entry, Life life, bool keep_mailbox);
  void give_up_mailbox(ActorEntry& entry);
  void kill(ActorEntry& entry, int signal, bool whole_group);
  void send_signal(const ActorEntry& entry, int signal, bool whole_group);
  static void end_group(const ActorEntry& entry);
  void kill_late(ActorEntry& entry, bool supervision::Circumstances::*why);
  void set_due(ActorEntry& entry, Due what, std::chrono::nanoseconds delay);
  void arm(ActorEntry& entry);
  void is_due(ActorEntry& entry);
  void clear_due(ActorEntry& entry);
  void hold_mailbox(ActorEntry& entry, Loop::Clock::time_point until);
  void stop_holding(ActorEntry& entry);
  SpawnSpec spec_of(const ActorEntry& entry, const std::string& cgroup);
  std::chrono::nanoseconds start_timeout(const ActorEntry& entry) const;
  std::chrono::nanoseconds stop_timeout(const ActorEntry& entry) const;

  // forgetting.cpp: actors that are no more
  void forget_ended();
  void forget(ActorEntry& entry);

  // deaths.cpp: what is kept of them
  Death report_of(const ActorEntry& entry, const supervision::Exit& exit, bool had_event) const;
  void note_death(ActorEntry& entry, Death death);

  // policy.cpp: who is started and stopped, and when, as the supervision tree says
  void plan();
  /// The end that the steps follow from.
  struct Ending {
    const ActorEntry& who;
    const supervision::Outcome& outcome;
    bool abnormal;
  };
  void carry_out(const Ending* ending = nullptr);
  void carry_out(const supervision::Step& step, const Ending* ending);
  void quarantine(ActorEntry& entry, const Ending* ending);
  void hold_waiting();
  void arm_policy();
  void pass_time();
  std::optional<std::chrono::nanoseconds> restarts_in(const ActorEntry& entry) const;
  void reboot();

  // reload.cpp: another manifest
  std::string reload();
  std::string refuse_reload(const std::vector<ManifestError>& errors);
  void heed_command_line(Manifest& manifest) const;
  bool use_manifest(const std::string& text, std::string& error);
  void configure_topics(const Manifest& manifest);
  void change_actors(Manifest manifest, const ManifestDiff& changes);
  void add_actor(const std::string& name);
  void change_actor(ActorEntry& entry, bool restarts);

  // system_events.cpp: what the broker tells of actors, on "$sys/actor"
  template <class T>
  void tell(const T& event);
  void tell_up(const ActorEntry& entry);
  void tell_ready(const ActorEntry& entry);
  void tell_down(const ActorEntry& entry, const supervision::Exit& exit, EventId last_event, std::uint32_t incarnation,
                 const std::string& last_words);
  EventId id_in_hand(const ActorEntry& entry) const;

  // burial.cpp: events that are given up on
  DeadLetterStore* dead_letters();
  bool bury(const Route& route, const QueuedEvent& event, const std::string& reason, std::uint32_t attempts);
  bool bury_left_over(const Route& route, const QueuedEvent& event);
  static void count_spared(ActorEntry& entry, bool is_companion);
  void give_up_in_hand(ActorEntry& entry, bool abnormal);
  void give_up_overflowed(ActorEntry& entry);
  void give_up_queue(ActorEntry& entry);

  // redelivery.cpp: dead letters that are handed to their readers again
  std::string retry(const DeadLetterRecord& letter);
  void hand_out_letter(ActorEntry& entry);
  bool send_letter(ActorEntry& entry);
  void on_message(ActorEntry& entry, const control::Redelivered& message);
  void forget_handled_letters();
  std::string end_retries(ActorEntry& entry);

  // shutdown.cpp
  void begin_shutdown(const std::string& why);
  void arm_shutdown();
  void hurry();
  void advance_shutdown();
  void scan();
  bool at_rest();
  bool may_drain(const ActorEntry& entry) const;
  void drain_once_more(ActorEntry& entry);
  bool holds_up_quiescing(const ActorEntry& entry) const;
  void report_lost();
  void stop_everybody(const std::string& left_over);
  std::vector<ActorEntry*> stop_order();
  void stop_next();
  void request_stop(ActorEntry& entry);
  void stop_for_good(ActorEntry& entry);
  void drain_then_stop(ActorEntry& entry);
  void look_whether_drained(ActorEntry& entry);
  std::string what_is_left() const;
  std::string what_is_queued(ActorIndex reader) const;

  // hangs.cpp: actors that hang, or hold each other up
  bool looks_for_hangs() const;
  bool can_hang(const ActorEntry& entry) const;
  std::string doing_of(const ActorEntry& entry) const;
  SeenActor seen(const ActorEntry& entry) const;
  void look_for_hangs();
  void guard(ActorEntry& entry, Look look, std::chrono::nanoseconds now);
  std::chrono::nanoseconds watchdog_interval() const;
  void keep_looking();
  void park_or_keep_looking();
  void on_message(ActorEntry& entry, const control::Awake& message);

  // confining.cpp: cgroups and limits
  void set_up_cgroups();
  void confine(SpawnSpec& spec, const ActorSection& section, const std::string& cgroup);
  std::string cgroup_of(const ActorEntry& entry, bool of_spare = false) const;
  void empty_cgroup(ActorEntry& entry, const std::string& cgroup);
  void resume_emptying(ActorEntry& entry);
  bool was_out_of_memory(const ActorEntry& entry, int wait_status);

  // requests.cpp, views.cpp
  std::string answer(Session& tool, const std::string& json);
  friend struct Requests;
  void start_by_operator(ActorEntry& entry);
  void restart_by_operator(ActorEntry& entry);
  void reset_by_operator(ActorEntry& entry);
  void stop_by_operator(ActorEntry& entry);
  Totals totals(const ActorEntry& entry) const;

  // observers.cpp: tools that see what actors do
  std::size_t begin_observing(Session& tool, Observing wishes);
  std::vector<std::uint64_t> observers() const;
  void connect_observers(ActorEntry& entry);
  void connect_observer(Session& tool, const Observing& wishes, ActorEntry& entry);
  void tell_observers_of_end(const ActorEntry& entry, const std::string& why,
                             std::optional<std::chrono::nanoseconds> comes_back_after);

  const BrainOptions& options_;
  Pulse& pulse_;
  Manifest manifest_;  // that of the options, until a reload
  Turn turn_;
  KeeperClient keeper_;
  FdSafe safe_;
  Fd listener_;
  Fd reserve_;  // given up for a moment when there are no others
  bool told_shortage_ = false;
  std::uint64_t refusals_ = 0;  // of connections
  Session* speaker_ = nullptr;  // whose message is being handled
  TimerId shortage_timer_ = 0;  // until those who were not read are tried again
  EpollLoop loop_;
  EventLog log_;
  ActorOutputs output_;
  OomWatch oom_;
  std::unique_ptr<supervision::SupervisionTree> tree_;  // of all but those that were started by hand
  TimerId policy_timer_ = 0;
  Cgroups cgroups_;
  Watchdog watchdog_;
  StallWatch stalls_;
  std::map<ActorIndex, std::uint32_t> watched_lives_;  // incarnations
  TimerId look_timer_ = 0;
  bool all_idle_ = false;  // at the last look
  Kept epoch_page_;
  TopicTable topics_;
  TypeRegistry types_;
  RoutingTable table_{topics_};
  Exchange exchange_{table_, safe_, &turn_};
  std::map<ActorIndex, std::unique_ptr<ActorEntry>> entries_;
  std::map<std::uint64_t, SharedProcess> processes_;  // by serial
  // Of a predecessor, until the keeper has handed over their sockets.
  std::map<ActorIndex, SessionState> lost_sessions_;
  std::map<std::uint64_t, SessionState> lost_process_sessions_;
  std::map<std::uint64_t, Connection> connections_;
  std::vector<std::unique_ptr<Session>> finished_;  // closed; destroyed when no callback of theirs is running
  std::uint64_t next_connection_ = std::uint64_t{1} << 32;
  WatchId keeper_watch_ = 0;
  WatchId listener_watch_ = 0;

  std::unique_ptr<DeadLetterStore> dead_letters_;  // opened when the first event is given up on
  bool dead_letters_failed_ = false;               // and said so
  BrainState state_;
  bool keeper_gone_ = false;
  Fd signals_;               // without a keeper
  std::string told_status_;  // to the service manager
  TimerId drain_timer_ = 0;
  TimerId scan_timer_ = 0;
  int quiet_scans_ = 0;
  std::uint64_t last_published_ = 0;
};

}  // namespace actor::broker
