#include "brain/brain.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <actor/id.hpp>
#include <csignal>
#include <filesystem>

#include "keeper/pulse.hpp"

namespace actor::broker {
namespace {

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

}  // namespace actor::broker
