// One actor from spawn to restart.

#include <sys/pidfd.h>
#include <sys/syscall.h>

#include <actor/error.hpp>
#include <actor/version.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "brain/brain.hpp"

namespace actor::broker {
namespace {

/// How long the mailboxes of an actor that has crashed and is not restarted wait for a successor.
constexpr auto mailbox_hold = std::chrono::seconds(5);
constexpr auto hand_start_timeout = std::chrono::seconds(10);
constexpr auto hand_stop_timeout = std::chrono::seconds(5);
constexpr auto hand_spin = std::chrono::microseconds(20);
constexpr std::uint32_t max_events_per_tick = 256;
constexpr std::uint64_t hand_memory_bytes = std::uint64_t{16} << 20;
constexpr std::size_t max_declarations = 4096;
constexpr std::size_t max_name_bytes = 100;

std::string milliseconds(std::chrono::nanoseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + " ms";
}

bool is_good_name(std::string_view name) {
  const auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.'; };
  return !name.empty() && name.size() <= max_name_bytes && std::all_of(name.begin(), name.end(), good);
}

Fd pidfd_of(pid_t pid) {
  return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace

// ---- starting ----

std::chrono::nanoseconds Brain::start_timeout(const ActorEntry& entry) const {
  return entry.section ? entry.section->start_timeout : std::chrono::nanoseconds(hand_start_timeout);
}
std::chrono::nanoseconds Brain::stop_timeout(const ActorEntry& entry) const {
  return entry.section ? entry.section->stop_timeout : std::chrono::nanoseconds(hand_stop_timeout);
}

void Brain::set_timer(ActorEntry& entry, std::chrono::nanoseconds delay, std::function<void(ActorEntry&)> callback) {
  clear_timer(entry);
  entry.timer = loop_.after(delay, [this, index = entry.index, callback = std::move(callback)] {
    ActorEntry& late = *entries_.at(index);
    late.timer = 0;
    callback(late);
  });
}

void Brain::clear_timer(ActorEntry& entry) {
  if (entry.timer != 0) loop_.cancel(entry.timer);
  entry.timer = 0;
}

void Brain::spawn(ActorEntry& entry) {
  clear_timer(entry);
  if (entry.hold_timer != 0) loop_.cancel(std::exchange(entry.hold_timer, 0));
  const Manifest& manifest = options_.manifest;
  SpawnSpec spec;
  spec.name = entry.name;
  const char* path = std::getenv("PATH");
  const auto executable = find_executable(manifest, *entry.section, path ? path : "");
  spec.exec = executable ? executable->string() : entry.section->exec;
  spec.args = entry.section->args;
  spec.env.assign(entry.section->env.begin(), entry.section->env.end());
  if (entry.section->cwd) spec.cwd = (manifest.file.parent_path() / *entry.section->cwd).string();
  entry.executable = spec.exec;
  entry.life = Life::Spawning;
  entry.afterwards = Afterwards::PolicyDecides;
  entry.circumstances = {};
  entry.spawned_at = Loop::Clock::now();
  ++entry.incarnation;
  try {
    if (!std::exchange(entry.reading, true)) apply(table_.set_reading(entry.index, true));
    entry.serial = keeper_.spawn(spec);
  } catch (const Error& error) {
    log_.error("spawn_failed", entry.name, error.what());
    return stay_ended(entry, Life::Quarantined, true);
  }
  set_timer(entry, start_timeout(entry), [this](ActorEntry& late) { start_timed_out(late); });
}

void Brain::start_timed_out(ActorEntry& entry) {
  // Waiting for others to acknowledge its routes is not its own fault.
  if (entry.life == Life::Joining && !exchange_.owes_answer(entry.index)) {
    set_timer(entry, start_timeout(entry), [this](ActorEntry& late) { start_timed_out(late); });
    return;
  }
  log_.error("start_timeout", entry.name,
             "was not ready after " + milliseconds(start_timeout(entry)) + " (start_timeout) and is killed; it was " +
                 std::string(to_string(entry.life)));
  entry.circumstances.start_timed_out = true;
  kill(entry, SIGKILL, true);
}

/// Somebody who was started by hand introduces itself. Null when it may not stay.
ActorEntry* Brain::adopt(Session& session, const control::Hello& hello) {
  const auto connection = connections_.find(session.owner());
  if (connection == connections_.end()) return nullptr;
  const auto turn_away = [&](const std::string& why) {
    log_.warn("refused", hello.name, "refused a hand-started program: " + why);
    session.send(control::Refused{why});  // it exits; whatever else it says meets nobody
    return nullptr;
  };
  if (!is_good_name(hello.name))
    return turn_away("an actor's name has 1 to 100 letters, digits, '_', '-' or '.'; give it with --name");
  if (stage_ != Stage::Running) return turn_away("the broker is shutting down");
  ActorEntry* entry = find_entry(hello.name);
  if (entry && entry->section)
    return turn_away("actor '" + hello.name + "' is in the manifest and is started by the broker; take another name");
  if (entry && entry->has_process())
    return turn_away("actor '" + hello.name + "' runs already, pid " + std::to_string(entry->pid) +
                     "; take another name or stop that one");
  Fd pidfd = pidfd_of(connection->second.pid);
  // SUBTLE: looked at after pidfd_open: had the process been dead by then, and its number somebody else's, its socket
  // would be closed.
  if (!pidfd || session.is_hung_up())
    return turn_away("its process is not visible from here (pidfd_open); run both in one pid namespace");
  if (!entry) entry = &add_entry(hello.name, nullptr);
  if (entry->hold_timer != 0) loop_.cancel(std::exchange(entry->hold_timer, 0));
  const TopicFilter subscribes{
      std::find(hello.subscribes.begin(), hello.subscribes.end(), "*") != hello.subscribes.end(), hello.subscribes};
  const TopicFilter publishes{hello.publishes.empty() || std::find(hello.publishes.begin(), hello.publishes.end(),
                                                                   "*") != hello.publishes.end(),
                              hello.publishes};
  entry->publishes = publishes;
  entry->subscribes = subscribes;
  apply(table_.set_filters(entry->index, publishes, subscribes));
  if (!entry->reading) apply(table_.set_reading(entry->index, entry->reading = true));
  entry->pid = connection->second.pid;
  entry->pidfd = std::move(pidfd);
  entry->session = std::move(connection->second.session);
  entry->session->set_owner(entry->index);
  entry->session->set_epoch(epochs_, entry->epoch_slot);
  connections_.erase(connection);
  ++entry->incarnation;
  entry->circumstances = {};
  entry->spawned_at = Loop::Clock::now();
  entry->afterwards = Afterwards::PolicyDecides;
  watch_end(*entry);
  set_timer(*entry, start_timeout(*entry), [this](ActorEntry& late) { start_timed_out(late); });
  log_.info("joined", entry->name, "was started by hand, pid " + std::to_string(entry->pid),
            {{"pid", std::int64_t{entry->pid}}});
  return entry;
}

void Brain::refuse(ActorEntry& entry, const std::string& reason) {
  log_.error("refused", entry.name, "refused: " + reason);
  entry.circumstances.refused = true;
  entry.session->send(control::Refused{reason});
  set_timer(entry, stop_timeout(entry), [this](ActorEntry& late) { kill(late, SIGKILL, true); });
}

bool Brain::check_declarations(ActorEntry& entry, const control::Hello& hello, std::vector<control::TypeInfo>& types) {
  if (hello.types.size() > max_declarations || hello.topics.size() > max_declarations) {
    refuse(entry, "it has more than " + std::to_string(max_declarations) + " event types or topics");
    return false;
  }
  const Program who{entry.name, entry.executable};
  auto conflict = types_.declare(who, hello.types, types);
  if (!conflict) conflict = topics_.declare(who, hello.topics);
  if (!conflict) return true;
  types_.release(entry.name);
  refuse(entry, *conflict);
  return false;
}

void Brain::admit(ActorEntry& entry, const control::Hello& hello, Fd status) {
  Session& session = *entry.session;
  const auto broken = [&](const std::string& what) {
    session.close();
    violated(session, what);
  };
  if (hello.name != entry.name) return broken("it says its name is '" + hello.name + "'");
  std::string error;
  auto view = StatusView::open(std::move(status), error);
  if (!view) return broken(error);
  entry.executable = hello.executable;
  std::vector<control::TypeInfo> types;
  if (!check_declarations(entry, hello, types)) return;

  entry.memory = std::make_shared<Incarnation>();
  entry.memory->actor = entry.index;
  entry.memory->name = entry.name;
  entry.memory->key = entry.key;
  entry.memory->number = entry.incarnation;
  entry.memory->memory_bytes = entry.section ? entry.section->memory_bytes : hand_memory_bytes;
  entry.memory->status = std::move(*view);
  if (entry.life != Life::Stopping) entry.life = Life::Joining;
  welcome(entry, std::move(types), hello);
  open_routes(entry, hello);
  connect_observers(entry);
  exchange_.joined(entry.memory, session);
}

control::TopicInfo Brain::topic_info(const ActorEntry& entry, const Topic& topic) const {
  return {topic.id,          topic.name,     static_cast<std::uint8_t>(topic.policy),
          topic.deadline_ns, topic.capacity, entry.publishes.contains(topic.name)};
}

void Brain::welcome(ActorEntry& entry, std::vector<control::TypeInfo> types, const control::Hello& hello) {
  control::Welcome message{};
  message.name = entry.name;
  message.runtime_directory = options_.runtime_dir.string();
  message.actor_key = entry.key;
  message.incarnation = entry.incarnation;
  message.first_counter = entry.first_counter;
  message.epoch_slot = entry.epoch_slot;
  message.memory_bytes = entry.memory->memory_bytes;
  message.spin_ns = entry.section ? entry.section->spin.count() : std::chrono::nanoseconds(hand_spin).count();
  message.stop_timeout_ns = stop_timeout(entry).count();
  message.max_events_per_tick = max_events_per_tick;
  message.types = std::move(types);
  entry.told_topics.clear();
  for (const auto& declared : hello.topics) entry.told_topics.insert(topics_.find(declared.name)->id);
  for (const Topic& topic : topics_.all()) {
    if (entry.subscribes.contains(topic.name)) entry.told_topics.insert(topic.id);
  }
  for (const TopicId id : entry.told_topics) message.topics.push_back(topic_info(entry, *topics_.at(id)));
  message.in_flight_route = entry.in_flight.route;
  message.in_flight_sequence = entry.in_flight.sequence;
  message.in_flight_attempt = entry.in_flight.attempt;
  message.in_flight_first_output = entry.in_flight.first_output;
  message.in_flight_outputs_end = entry.in_flight.outputs_end;
  const std::array fds{epochs_.fd()};
  entry.session->send(message, fds);
}

void Brain::open_routes(ActorEntry& entry, const control::Hello& hello) {
  std::vector<TopicId> declared;
  for (const auto& topic : hello.topics) {
    const TopicId id = topics_.find(topic.name)->id;
    if (std::find(declared.begin(), declared.end(), id) == declared.end()) declared.push_back(id);
  }
  apply(table_.set_topics(entry.index, declared));
  for (const Route* route : table_.from(entry.index)) tell_topics(*route);
}

void Brain::apply(const RouteChanges& changes, bool finishes) {
  for (const std::string& text : changes.refused) log_.error("route_refused", "", text);
  for (const RouteId id : changes.added) tell_topics(*table_.find(id));
  exchange_.apply(changes, finishes);
}

/// A reader learns of topics that did not exist when it was welcomed.
void Brain::tell_topics(const Route& route) {
  ActorEntry& reader = *entries_.at(route.reader);
  if (!reader.memory || !reader.session) return;
  for (const auto& entry : route.topics) {
    if (reader.told_topics.insert(entry.topic).second)
      reader.session->send(control::TopicOpened{topic_info(reader, *topics_.at(entry.topic))});
  }
}

void Brain::start_settled() {
  for (const ActorIndex index : exchange_.take_affected()) {
    const auto found = entries_.find(index);
    if (found == entries_.end()) continue;
    ActorEntry& entry = *found->second;
    if (entry.life != Life::Joining || !entry.session || entry.session->phase() != Session::Phase::Joining) continue;
    if (!exchange_.settled(index)) continue;
    entry.life = Life::Starting;
    set_timer(entry, start_timeout(entry), [this](ActorEntry& late) { start_timed_out(late); });
    entry.session->start();
  }
}

void Brain::on_message(ActorEntry& entry, const control::Ready&) {
  const auto now = Loop::Clock::now();
  entry.policy.became_ready(now.time_since_epoch());
  if (entry.life != Life::Starting) return;  // it is being stopped
  clear_timer(entry);
  entry.life = Life::Ready;
  log_.info("ready", entry.name, "ready after " + milliseconds(now - entry.spawned_at),
            {{"pid", std::int64_t{entry.pid}},
             {"incarnation", std::int64_t{entry.incarnation}},
             {"after_us", std::chrono::duration_cast<std::chrono::microseconds>(now - entry.spawned_at).count()}});
  if (stage_ == Stage::Quiescing || stage_ == Stage::Draining) entry.session->quiesce();
}

void Brain::on_message(ActorEntry& entry, const control::OpenTopic& message) {
  const Program who{entry.name, entry.executable};
  if (const auto conflict = topics_.declare(who, std::array{message.topic})) return refuse(entry, *conflict);
  const Topic topic = *topics_.find(message.topic.name);
  apply(table_.open_topic(entry.index, topic.id));
  entry.told_topics.insert(topic.id);
  entry.session->send(control::TopicOpened{topic_info(entry, topic)});
}

void Brain::on_message(ActorEntry& entry, const control::Overflowed& message) {
  const Route* route = exchange_.route_of_publisher(entry.index, message.route);
  const Topic* topic = topics_.at(message.topic);
  if (!route || !topic) return;
  ActorEntry& reader = *entries_.at(route->reader);
  if (reader.life != Life::Ready || stage_ != Stage::Running) return;  // it is not there to keep up
  log_.error("overflow", reader.name,
             "does not keep up: topic " + topic->name + " from '" + entry.name + "' has " +
                 std::to_string(topic->capacity) +
                 " events waiting and its policy is Fail: it is stopped. Raise the topic's capacity, or choose "
                 "overflow = \"block\" or \"drop\" in the manifest",
             {{"topic", topic->name}, {"sender", entry.name}});
  reader.circumstances.overflowed = true;
  request_stop(reader);
}

void Brain::on_message(ActorEntry& entry, const control::PeerCorrupt& message) {
  const Route* route = exchange_.route_of_reader(entry.index, message.route);
  if (!route) return;
  ActorEntry& publisher = *entries_.at(route->publisher);
  const auto seen = exchange_.inspect(message.route);
  if (seen) {
    log_.error("corrupt", publisher.name,
               "its memory breaks the rules and it is killed: " + *seen + " (noticed by '" + entry.name + "')");
    publisher.circumstances.corrupt = true;
    kill(publisher, SIGKILL, true);
    return;
  }
  // Only the accuser's word: it could as well be wrong. Its subscription ends, and nobody waits for it.
  log_.error("corrupt", entry.name,
             "says that '" + publisher.name + "' sent it what cannot be read (" + message.what +
                 "); the broker sees nothing wrong, so '" + entry.name + "' is restarted");
  entry.circumstances.corrupt = true;
  kill(entry, SIGKILL, true);
}

void Brain::on_message(ActorEntry& entry, const control::Stopping& message) {
  entry.said_goodbye = true;
  entry.last_words = message.error;
  if (entry.life != Life::Stopping)
    set_timer(entry, stop_timeout(entry), [this](ActorEntry& late) {
      late.circumstances.stop_timed_out = true;
      kill(late, SIGKILL, true);
    });
}

// ---- ending ----

void Brain::kill(ActorEntry& entry, int signal, bool whole_group) {
  if (!entry.has_process()) return;
  if (entry.serial != 0 && !keeper_gone_) {
    keeper_.kill(entry.serial, signal, whole_group);
  } else if (entry.pidfd) {
    if (whole_group && entry.serial != 0) end_group(entry);
    syscall(SYS_pidfd_send_signal, entry.pidfd.get(), signal, nullptr, 0);
  }
}

/// What the keeper does when it reaps: nothing that an actor has started outlives it.
/// SUBTLE: the keeper is dead and somebody else reaps. The number is still the group's as long as any of the group
/// lives; had all of it just ended, it would take a turn of all process numbers to make it another's.
void Brain::end_group(const ActorEntry& entry) {
  ::kill(-entry.pid, SIGKILL);
}

std::string Brain::describe_in_hand(const InFlight& flight) const {
  const Route* route = table_.find(flight.route);
  const Topic* topic = topics_.at(flight.topic);
  std::string text = " while handling " + std::string(types_.name_of(flight.type));
  if (topic) text += " on " + topic->name;
  if (route) text += " from '" + table_.name_of(route->publisher) + "'";
  return text + ", event " + std::to_string(flight.event_counter) + ", attempt " + std::to_string(flight.attempt);
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
    handling = describe_in_hand(flight);
  } else if (!in_hand(entry.in_flight)) {
    entry.in_flight = {};  // else: it died before it came to what its predecessor had in hand
  }
  entry.first_counter = std::max(entry.first_counter, status.counter_limit());
  Totals totals = status.totals();
  const Deeds deeds = exchange_.left(entry.index);
  // Killed between a push, or a cursor's store, and the count of it: rings and cursors have the last word. `dropped`
  // counts what a sender dropped and what a reader of overwriting rings missed; of an actor that is both, the counters
  // stand.
  if (!deeds.may_have_missed) {
    totals.sent = deeds.pushed + totals.dropped;
    totals.handled = deeds.read - std::min(deeds.read, totals.skipped);
  } else if (totals.sent == 0 && deeds.pushed == 0) {
    totals.handled = deeds.read - std::min(deeds.read, totals.skipped + totals.dropped);
  }
  entry.carried = entry.carried + totals;
  for (const std::string& wrong : deeds.wrong) log_.error("corrupt", entry.name, wrong);
}

void Brain::forget_life(ActorEntry& entry) {
  clear_timer(entry);
  if (entry.pidfd_watch != 0) loop_.unwatch(std::exchange(entry.pidfd_watch, 0));
  if (entry.session) {
    entry.session->close();
    finished_.push_back(std::move(entry.session));
  }
  entry.session.reset();
  entry.memory.reset();
  entry.pidfd.reset();
  entry.serial = 0;
  entry.pid = 0;
  types_.release(entry.name);
  topics_.release(entry.name);
}

void Brain::ended(ActorEntry& entry, std::optional<int> wait_status) {
  if (entry.session) entry.session->drain();
  entry.circumstances.stop_requested |= entry.life == Life::Stopping;
  const bool sigkill = wait_status && WIFSIGNALED(*wait_status) && WTERMSIG(*wait_status) == SIGKILL;
  entry.circumstances.oom_seen = sigkill && oom_.take();
  const auto exit = wait_status ? supervision::classify(*wait_status, entry.circumstances)
                                : supervision::classify_unknown(entry.circumstances, entry.said_goodbye);
  std::string handling;
  if (entry.memory) inherit(entry, handling);
  if (keeper_gone_ && entry.serial != 0) end_group(entry);
  output_.finish(entry.pid);
  const pid_t pid = entry.pid;
  std::string story = "died: " + to_string(exit) + handling;
  if (!exit.abnormal()) story = "ended";
  if (!entry.last_words.empty()) story += ": " + entry.last_words;
  story += " (pid " + std::to_string(pid) + ")";
  entry.last_words.clear();
  entry.said_goodbye = false;
  forget_life(entry);
  decide(entry, exit, story);
  advance_shutdown();
}

void Brain::decide(ActorEntry& entry, const supervision::Exit& exit, const std::string& story) {
  using Action = supervision::Decision::Action;
  entry.last_exit = to_string(exit);
  const auto now = Loop::Clock::now().time_since_epoch();
  const auto report = [&](const std::string& next) {
    const std::string text = story + next;
    if (!exit.abnormal()) return log_.info("ended", entry.name, text, {{"reason", entry.last_exit}});
    log_.error("died", entry.name, text,
               {{"reason", entry.last_exit}, {"incarnation", std::int64_t{entry.incarnation}}});
  };
  if (stage_ != Stage::Running || entry.afterwards == Afterwards::StayEnded) {
    report("");
    if (!entry.circumstances.stop_requested && may_drain(entry) &&
        entry.policy.ended(exit, now).action == Action::Restart)
      return drain_once_more(entry);
    return stay_ended(entry, Life::Ended, false);
  }
  if (entry.afterwards == Afterwards::StartAgain) {
    report("; started again, as asked");
    tell_observers_of_end(entry, story, std::chrono::nanoseconds(0));
    ++entry.restarts;
    return spawn(entry);
  }
  const auto decision = entry.policy.ended(exit, now);
  if (decision.action == Action::Restart) {
    ++entry.restarts;
    report(decision.delay.count() == 0 ? "; restarted at once" : "; restarting in " + milliseconds(decision.delay));
    tell_observers_of_end(entry, story, decision.delay);
    if (decision.delay.count() == 0) return spawn(entry);
    entry.life = Life::Backoff;
    return set_timer(entry, decision.delay, [this](ActorEntry& due) { spawn(due); });
  }
  if (decision.action == Action::Quarantine) {
    report("");
    log_.error("quarantined", entry.name,
               "quarantined: " + std::to_string(entry.section->budget.restarts) + " restarts within " +
                   milliseconds(entry.section->budget.within) +
                   " were not enough. The other actors go on; `actorctl start " + entry.name + "` tries again");
    return stay_ended(entry, Life::Quarantined, true);
  }
  const bool refused = exit.kind == supervision::Exit::Kind::Incompatible;
  report(refused ? "; not restarted: it would be refused again" : "");
  // Who was never let in has no mailbox that a successor could want.
  const bool never_in = refused && !entry.section && entry.incarnation == 1;
  stay_ended(entry, refused ? Life::Refused : Life::Ended, exit.abnormal() && !never_in);
}

void Brain::stay_ended(ActorEntry& entry, Life life, bool keep_mailbox) {
  entry.life = life;
  tell_observers_of_end(entry, entry.last_exit, std::nullopt);
  if (stage_ == Stage::Stopping) return;  // everybody goes: nobody waits for room any more
  if (!keep_mailbox || stage_ != Stage::Running) return give_up_mailbox(entry);
  entry.hold_timer = loop_.after(mailbox_hold, [this, index = entry.index] {
    ActorEntry& gone = *entries_.at(index);
    gone.hold_timer = 0;
    give_up_mailbox(gone);
  });
}

/// Its subscriptions end: publishers that wait for it go on, and what is queued counts as dropped.
void Brain::give_up_mailbox(ActorEntry& entry) {
  if (!std::exchange(entry.reading, false)) return;
  const std::uint64_t queued = exchange_.queued(entry.index);
  if (queued > 0)
    log_.warn("mailbox_dropped", entry.name,
              std::to_string(queued) + " events that were queued for it are dropped, as it does not come back: " +
                  what_is_queued(entry.index),
              {{"events", static_cast<std::int64_t>(queued)}});
  entry.in_flight = {};
  apply(table_.set_reading(entry.index, false));
}

}  // namespace actor::broker
