#include "brain/brain.hpp"

#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <actor/id.hpp>
#include <actor/version.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include "keeper/pulse.hpp"

namespace actor::broker {
namespace {

/// Descriptors come free when others end: nobody tells when.
constexpr auto shortage_pause = std::chrono::milliseconds(100);

/// Of an answer to a tool that go into one packet.
constexpr std::size_t reply_part_bytes = control::max_packet_bytes / 2;

/// Tools, and programs that have not said hello.
constexpr std::size_t max_connections = 256;
constexpr int connections_per_turn = 64;

std::uint64_t random_number() {
  std::uint64_t value = 0;
  if (getrandom(&value, sizeof value, 0) != sizeof value) throw_errno("drawing the runtime's id (getrandom)");
  return value;
}

void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// The keeper passes on what is meant for the broker; a Ctrl-C that reaches the whole foreground group is told by it
/// too.
void leave_signals_to_the_keeper() {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
}

}  // namespace

TopicFilter to_filter(const TopicSet& set) {
  return {set.all, set.names};
}

Fd duplicate(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw_errno("copying a descriptor");
  return copy;
}

std::string_view to_string(Life life) {
  switch (life) {
    case Life::Ended:
      return "ended";
    case Life::Backoff:
      return "backoff";
    case Life::Waiting:
      return "waiting";
    case Life::Spawning:
      return "spawning";
    case Life::Connecting:
      return "connecting";
    case Life::Joining:
      return "joining";
    case Life::Starting:
      return "starting";
    case Life::Ready:
      return "ready";
    case Life::Draining:
      return "draining";
    case Life::Stopping:
      return "stopping";
    case Life::Quarantined:
      return "quarantined";
    case Life::Refused:
      return "refused";
  }
  return "unknown";
}

int run_brain(KeeperClient keeper, Fd listener, const BrainOptions& options, Pulse& pulse) {
  raise_file_limit();
  leave_signals_to_the_keeper();
  Brain brain(std::move(keeper), std::move(listener), options, pulse);
  return brain.run();
}

Brain::Brain(KeeperClient keeper, Fd listener, const BrainOptions& options, Pulse& pulse)
    : options_(options),
      pulse_(pulse),
      manifest_(options.manifest),
      keeper_(std::move(keeper)),
      safe_([this](std::uint64_t key, int fd) { keeper_.store(key, fd); }),
      listener_(std::move(listener)),
      log_(options.manifest.broker.log),
      output_(loop_, options.manifest.broker.log, options.lines, *this),
      cgroups_(options.manifest.broker.cgroup),
      stalls_(options.manifest.broker.stall_after) {
  keeper_.set_turn(&turn_);
  reserve_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  exchange_.tell_users_apart([this](ActorIndex index) {
    const auto found = entries_.find(index);
    const ActorSection* section = found == entries_.end() ? nullptr : found->second->section;
    return section && !section->sandbox.user.empty();
  });
  exchange_.on_left_over([this](const Route& route, const QueuedEvent& event) { return bury_left_over(route, event); });
}

Brain::~Brain() {
  for (auto& [index, entry] : entries_) {  // while there are all of them: the end of one may concern another
    if (entry->session) entry->session->close();
  }
}

ActorEntry& Brain::add_entry(const std::string& name, const ActorSection* section) {
  const auto slot = options_.epochs.take();
  if (!slot)
    throw Error(ErrorCode::Refused, "no place for actor '" + name + "': a broker has room for " +
                                        std::to_string(EpochPage::slots) + " actors; run a second broker");
  auto entry = std::make_unique<ActorEntry>();
  entry->name = name;
  entry->by_hand = section == nullptr;
  entry->section = section;
  entry->epoch_slot = *slot;
  entry->key = actor_key(state_.runtime_id + state_.forgotten, name);
  if (section) {
    entry->publishes = to_filter(section->publishes);
    entry->subscribes = to_filter(section->subscribes);
    entry->index = table_.add_actor(name, entry->publishes, entry->subscribes);
  }
  if (!section) entry->index = table_.add_actor(name, {}, {});
  return *entries_.emplace(entry->index, std::move(entry)).first->second;
}

int Brain::run() {
  keeper_watch_ = loop_.watch_always(keeper_.fd(), Loop::Interest::Read, [this] { on_keeper(); });
  listener_watch_ = loop_.watch_always(listener_.get(), Loop::Interest::Read, [this] { accept(); });
  std::string error;
  std::vector<KeeperEvent> told = keeper_.await_handover(safe_);
  if (!told.empty() && std::holds_alternative<KeeperGone>(told.back())) return end_what_is_left(told);
  if (options_.ledger.empty()) {
    begin(std::move(told));
  } else if (!take_over(std::move(told), error)) {
    log_.error("cannot_take_over", "", "the new brain cannot go on where the one before it ended: " + error);
    return 1;  // the keeper stops what runs
  }
  keeper_.say_running();
  watch_service();
  finish_turn();
  while (state_.stage != Stage::Done) turn();
  output_.finish_all();
  for (const auto& [index, entry] : entries_) {
    for (const bool of_spare : {false, true}) cgroups_.remove(cgroup_of(*entry, of_spare));
  }
  log_.info("stopped", "", "broker '" + manifest_.broker.name + "' has stopped");
  if (state_.reboots) reboot();
  if (keeper_gone_) remove_runtime_dir();
  return state_.exit_code;
}

void Brain::remove_runtime_dir() const {
  std::error_code ignored;  // the next broker of this name takes over what cannot be removed
  std::filesystem::remove_all(options_.runtime_dir, ignored);
}

void Brain::begin(std::vector<KeeperEvent> told) {
  for (KeeperEvent& event : told) std::visit([this](auto& held) { on_event(std::move(held)); }, event);
  state_.runtime_id = random_number();
  state_.started_at = Loop::Clock::now();
  epoch_page_ = safe_.keep(duplicate(options_.epochs.fd()));
  state_.epoch_page = epoch_page_->key();
  state_.unsettled_letter = next_dead_letter(options_.state_dir / "dead-letters");
  const Manifest& manifest = manifest_;
  for (const auto& [name, topic] : manifest.topics)
    topics_.configure(name, topic.overflow, topic.capacity, topic.latched);
  for (const ActorSection& section : manifest.actors) add_entry(section.name, &section);
  log_.info("running", "",
            "broker '" + manifest.broker.name + "' runs " + std::to_string(entries_.size()) + " actors; " +
                (options_.runtime_dir / "control.sock").string());
  set_up_cgroups();
  plan();
  for (auto& [index, entry] : entries_) entry->life = Life::Waiting;
  tree_->start_all(Loop::Clock::now().time_since_epoch());
  carry_out();
  if (options_.run_for) state_.run_until = later(Loop::Clock::now(), *options_.run_for);
  arm_run_for();
}

void Brain::arm_run_for() {
  if (!state_.run_until || state_.stage != Stage::Running) return;
  loop_.after(*state_.run_until - Loop::Clock::now(), [this] { begin_shutdown("the time given with --for is over"); });
}

void Brain::turn() {
  if (turn_.take_again()) {
    pulse_.beat();
    loop_.poll();
  } else {
    pulse_.rest();
    loop_.wait(Loop::Clock::time_point::max(), [this] { pulse_.beat(); });
  }
  settle_exits();
  start_settled();
  release_processes();
  forget_ended();
  finish_turn();
  finished_.clear();
}

/// From here on the outside may know.
void Brain::finish_turn() {
  tell_service();
  commit();
  for (const std::uint64_t key : safe_.take_dropped()) keeper_.drop(key);
  turn_.finish();
}

// ---- the named socket ----

/// No descriptor is left for whoever knocks: they are turned away with the one that is kept for this, or the listener
/// would stay readable, and the brain awake.
void Brain::turn_away() {
  reserve_.reset();
  if (auto accepted = control::accept_from(listener_.get())) let_go(std::move(accepted->socket));
  reserve_ = Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!std::exchange(told_shortage_, true))
    log_.error("out_of_resources", "", "a connection was turned away: this process is out of file descriptors");
}

/// Members of the group that the runtime directory is open to: an operator has decided so.
bool Brain::may_ask(const Fd& socket) const {
  struct stat directory = {};
  return ::stat(options_.runtime_dir.c_str(), &directory) == 0 && (directory.st_mode & S_IXGRP) != 0 &&
         control::is_of_group(socket, directory.st_gid);
}

/// Who knocks all the time gets a part of each turn only: the listener stays readable.
void Brain::accept() {
  for (int i = 0; i < connections_per_turn; ++i) {
    errno = 0;
    if (accept_one()) continue;
    if (errno == EMFILE || errno == ENFILE) turn_away();
    return;
  }
}

/// False, with errno, when there is none.
bool Brain::accept_one() {
  auto accepted = control::accept_from(listener_.get());
  if (!accepted) return false;
  const bool is_guest = accepted->peer.uid != getuid() && accepted->peer.uid != 0;
  if (is_guest && !may_ask(accepted->socket)) {
    note_refusal("uid " + std::to_string(accepted->peer.uid) + " (pid " + std::to_string(accepted->peer.pid) +
                 "): only uid " + std::to_string(getuid()) + ", root, and members of the group that " +
                 options_.runtime_dir.string() + " is open to may");
    let_go(std::move(accepted->socket));
  } else if (connections_.size() >= max_connections) {
    note_refusal("pid " + std::to_string(accepted->peer.pid) + ": " + std::to_string(max_connections) +
                 " connections are open already");
    let_go(std::move(accepted->socket));
  } else {
    const std::uint64_t id = next_connection_++;
    connections_[id] = {std::make_unique<Session>(std::move(accepted->socket), loop_, *this, id, &turn_),
                        accepted->peer.pid, is_guest};
  }
  return true;
}

/// A line for the first, the tenth, the hundredth: who knocks all the time does not fill the log.
void Brain::note_refusal(const std::string& why) {
  std::uint64_t rest = ++refusals_;
  while (rest % 10 == 0) rest /= 10;
  if (rest != 1) return;
  log_.warn("refused", "",
            "refused a connection of " + why + (refusals_ == 1 ? "" : "; " + std::to_string(refusals_) + " so far"));
}

ActorEntry* Brain::entry_of(const Session& session) {
  const auto found = entries_.find(static_cast<ActorIndex>(session.owner()));
  if (session.owner() >> 32 != 0 || found == entries_.end()) return nullptr;
  return found->second->session.get() == &session ? found->second.get() : nullptr;
}

ActorEntry* Brain::find_entry(std::string_view name) {
  for (auto& [index, entry] : entries_) {
    if (entry->name == name) return entry.get();
  }
  return nullptr;
}

ActorEntry* Brain::entry_by_serial(std::uint64_t serial) {
  for (auto& [index, entry] : entries_) {
    if (entry->serial == serial && serial != 0) return entry.get();
  }
  return nullptr;
}

// ---- what sessions tell ----

void Brain::hello(Session& session, control::Hello hello, Fd status) {
  ActorEntry* entry = entry_of(session);
  try {
    if (!entry && spare_hello(session, hello, status)) return;
    if (!entry) entry = adopt(session, hello);
    if (entry) admit(*entry, hello, std::move(status));
  } catch (const Error& error) {
    fail(session, error.what());
  }
}

void Brain::message(Session& session, control::ToBroker message, std::vector<Fd> fds) {
  if (SharedProcess* process = process_of(session)) return heard(*process, message);
  ActorEntry* entry = entry_of(session);
  if (!entry) return;
  Exchange::Violation violation;
  speaker_ = &session;
  try {
    violation = dispatch(*entry, message, fds);
  } catch (const Error& error) {
    speaker_ = nullptr;
    return fail(session, error.what());
  }
  speaker_ = nullptr;
  if (!violation) return;
  session.close();
  violated(session, *violation);
}

/// Descriptors or memory ran out while an actor was served: that actor is given up, the others go on.
void Brain::fail(Session& session, const std::string& why) {
  log_.error("out_of_resources", "", why);
  session.close();
  violated(session, "the broker could not serve it: " + why);
}

Exchange::Violation Brain::dispatch(ActorEntry& entry, const control::ToBroker& message, std::vector<Fd>& fds) {
  Exchange::Violation violation;
  std::visit(
      [&](const auto& held) {
        using Message = std::decay_t<decltype(held)>;
        const ActorIndex from = entry.index;
        if constexpr (std::is_same_v<Message, control::RouteReady>) {
          violation = exchange_.route_ready(from, held, std::move(fds.at(0)));
        } else if constexpr (std::is_same_v<Message, control::ExtentAdded>) {
          violation = exchange_.extent_added(from, held, std::move(fds.at(0)));
        } else if constexpr (std::is_same_v<Message, control::RouteSwitched>) {
          violation = exchange_.route_switched(from, held);
        } else if constexpr (std::is_same_v<Message, control::Attached>) {
          violation = exchange_.attached(from, held);
        } else if constexpr (std::is_same_v<Message, control::SegmentDrained>) {
          violation = exchange_.drained(from, held);
        } else if constexpr (std::is_same_v<Message, control::ExtentDropped>) {
          violation = exchange_.extent_dropped(from, held);
        } else if constexpr (std::is_same_v<Message, control::StopRuntime>) {
          begin_shutdown("actor '" + entry.name + "' asked for it");
        } else if constexpr (std::is_same_v<Message, control::Quiesced>) {
          advance_shutdown();
        } else if constexpr (requires { this->on_message(entry, held); }) {
          on_message(entry, held);
        }
      },
      message);
  return violation;
}

void Brain::request(Session& session, const std::string& json) {
  const std::string text = answer(session, json);
  std::size_t at = 0;
  do {
    const std::size_t end = std::min(at + reply_part_bytes, text.size());
    session.send(control::Reply{text.substr(at, end - at), end != text.size()});
    at = end;
  } while (at != text.size());
}

void Brain::other_version(Session& session, unsigned version) {
  const std::string text = "it speaks version " + std::to_string(version) +
                           " of the control protocol, this broker speaks version " + std::to_string(protocol_version) +
                           ": build both with the same libactor";
  if (ActorEntry* entry = entry_of(session)) return refuse(*entry, text);
  if (SharedProcess* process = process_of(session)) return process_refused(*process, text);
  session.send(control::Refused{text});
  log_.warn("refused", "", "refused a program that connected: " + text);
}

void Brain::violated(Session& session, const std::string& what) {
  if (ActorEntry* entry = entry_of(session)) {
    log_.error("violation", entry->name, "broke the control protocol and is killed: " + what);
    entry->circumstances.corrupt = true;
    kill(*entry, SIGKILL, true);
    return;
  }
  if (ActorEntry* entry = entry_of_spare(session)) {
    log_.error("violation", entry->name, "its spare process broke the control protocol and is killed: " + what);
    return drop_spare(*entry);
  }
  if (SharedProcess* process = process_of(session)) return process_lost(*process, what);
  log_.warn("violation", "", "closed a connection that broke the control protocol: " + what);
  hung_up(session);
}

/// Whoever makes the broker talk to one that does not listen waits for it.
void Brain::lags(Session& session) {
  if (speaker_ && speaker_ != &session) speaker_->hold();
}

void Brain::caught_up(Session&) {
  for (auto& [index, entry] : entries_) {
    if (entry->session) entry->session->let_speak();
  }
}

void Brain::sent_descriptor(pid_t pid) {
  Session* session = nullptr;
  for (auto& [serial, process] : processes_) {
    if (process.pid == pid) session = process.session.get();
  }
  for (auto& [index, entry] : entries_) {
    if (entry->spare.serial != 0 && entry->spare.pid == pid) session = entry->spare.session.get();
    if (entry->pid == pid && entry->serial != 0 && !entry->has_exited) session = entry->session.get();
  }
  if (!session) return;
  session->close();
  violated(*session, "it sent a descriptor to its standard output or error");
}

/// Who still has the other end is told at once. Out of the brain it goes by way of the keeper, which knows how to close
/// it without having to wait.
void Brain::let_go(Fd socket) {
  (void)::shutdown(socket.get(), SHUT_RDWR);
  safe_.keep(std::move(socket));
}

/// What it has sent stays where it is.
void Brain::out_of_descriptors(Session&) {
  if (!std::exchange(told_shortage_, true))
    log_.error(
        "out_of_resources", "",
        "this process is out of file descriptors: some actors are not heard until there are some; raise its limit "
        "(LimitNOFILE= of its unit, ulimit -n)");
  if (shortage_timer_ == 0) shortage_timer_ = loop_.after(shortage_pause, [this] { feed_the_starved(); });
}

void Brain::feed_the_starved() {
  shortage_timer_ = 0;
  for (auto& [index, entry] : entries_) {
    if (entry->session) entry->session->go_on();
    if (entry->spare.session) entry->spare.session->go_on();
  }
  for (auto& [serial, process] : processes_) {
    if (process.session) process.session->go_on();
  }
  for (auto& [id, connection] : connections_) connection.session->go_on();
}

void Brain::hung_up(Session& session) {
  if (ActorEntry* entry = entry_of(session)) {
    // Its end follows at once, unless it only closed its socket: then it is of no use any more.
    if (entry->life == Life::Stopping || entry->said_goodbye) return;
    set_due(*entry, Due::HangUp, stop_timeout(*entry));
    return;
  }
  if (ActorEntry* entry = entry_of_spare(session)) return drop_spare(*entry);  // it can take nobody's place any more
  if (SharedProcess* process = process_of(session)) return process_lost(*process, "");
  const auto found = connections_.find(session.owner());
  if (found == connections_.end()) return;
  session.close();
  finished_.push_back(std::move(found->second.session));
  connections_.erase(found);
}

}  // namespace actor::broker
