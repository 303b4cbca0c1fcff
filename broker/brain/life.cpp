// One actor from spawn to Ready, and the timer of whatever it waits for.

#include <sys/pidfd.h>
#include <sys/syscall.h>

#include <actor/error.hpp>
#include <actor/version.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>

#include "brain/brain.hpp"
#include "manifest/names.hpp"
#include "manifest/suggestion.hpp"

namespace actor::broker {
namespace {

constexpr auto hand_start_timeout = std::chrono::seconds(10);
constexpr auto hand_stop_timeout = std::chrono::seconds(5);
constexpr std::uint32_t max_events_per_tick = 256;
constexpr std::uint64_t hand_memory_bytes = std::uint64_t{16} << 20;
constexpr std::size_t max_declarations = 4096;
constexpr std::size_t max_opened_topics = 1024;  // each has a route of its own to each of its readers
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

void Brain::set_due(ActorEntry& entry, Due what, std::chrono::nanoseconds delay) {
  clear_due(entry);
  entry.due = what;
  entry.due_at = later(Loop::Clock::now(), delay);
  arm(entry);
}

void Brain::arm(ActorEntry& entry) {
  entry.timer = loop_.after(entry.due_at - Loop::Clock::now(), [this, index = entry.index] {
    ActorEntry& late = *entries_.at(index);
    late.timer = 0;
    is_due(late);
  });
}

void Brain::clear_due(ActorEntry& entry) {
  if (entry.timer != 0) loop_.cancel(entry.timer);
  entry.timer = 0;
  entry.due = Due::Nothing;
}

void Brain::is_due(ActorEntry& entry) {
  switch (std::exchange(entry.due, Due::Nothing)) {
    case Due::Nothing:
      return;
    case Due::StartTimeout:
      return start_timed_out(entry);
    case Due::LookDrained:
      return look_whether_drained(entry);
    case Due::StopTimeout:
      log_.error("stop_timeout", entry.name,
                 has_lost_roudi(entry) ? "did not end within a second, with RouDi gone, and is killed: it was busy, or "
                                         "waiting for an answer of RouDi's that will not come"
                                       : "did not end within its stop_timeout and is killed");
      return kill_late(entry, &supervision::Circumstances::stop_timed_out);
    case Due::Goodbye:
      return kill_late(entry, &supervision::Circumstances::stop_timed_out);
    case Due::HangUp:
      log_.error("violation", entry.name, "closed its control socket but goes on running: it is killed");
      return kill_late(entry, &supervision::Circumstances::corrupt);
    case Due::RefusalHeard:
      return kill_late(entry, &supervision::Circumstances::refused);
  }
}

void Brain::kill_late(ActorEntry& entry, bool supervision::Circumstances::*why) {
  entry.circumstances.*why = true;
  kill(entry, SIGKILL, true);
}

/// Throws Error(Io).
SpawnSpec Brain::spec_of(const ActorEntry& entry, const std::string& cgroup) {
  const Manifest& manifest = manifest_;
  SpawnSpec spec;
  spec.name = entry.name;
  spec.exec = executable_of(*entry.section);  // entry.executable: what the process says of itself
  spec.args = entry.section->args;
  spec.env.assign(entry.section->env.begin(), entry.section->env.end());
  if (!entry.process.empty()) {  // its actors' arguments follow
    spec.name = entry.process;
    spec.args.clear();
    spec.env.emplace_back("ACTOR_PROCESS", entry.process);
  }
  if (entry.section->cwd) spec.cwd = (manifest.file.parent_path() / *entry.section->cwd).string();
  confine(spec, *entry.section, cgroup);
  return spec;
}

void Brain::open_mailbox(ActorEntry& entry) {
  if (std::exchange(entry.reading, true)) return;
  entry.in_flight = {};  // it was in a mailbox that is gone
  apply(table_.set_reading(entry.index, true));
}

std::string Brain::executable_of(const ActorSection& section) const {
  const char* path = std::getenv("PATH");
  const auto found = find_executable(manifest_, section, path ? path : "");
  return found ? found->string() : section.exec;
}

void Brain::spawn(ActorEntry& entry) {
  clear_due(entry);
  stop_holding(entry);
  if (promote_spare(entry)) return;
  entry.executable = executable_of(*entry.section);
  entry.process = entry.section->process;
  entry.life = Life::Spawning;
  entry.circumstances = {};
  entry.spawned_at = Loop::Clock::now();
  ++entry.incarnation;
  entry.oom_kills = cgroups_.oom_kills(cgroup_of(entry));
  try {
    const TopicFilter publishes = to_filter(entry.section->publishes),
                      subscribes = to_filter(entry.section->subscribes);
    if (publishes != entry.publishes || subscribes != entry.subscribes) {  // a reload has changed them
      entry.publishes = publishes;
      entry.subscribes = subscribes;
      apply(table_.set_filters(entry.index, publishes, subscribes));
    }
    open_mailbox(entry);
    set_due(entry, Due::StartTimeout, start_timeout(entry));
    if (!entry.process.empty()) return place(entry);
    entry.serial = keeper_.new_serial();
    keeper_.spawn(spec_of(entry, cgroup_of(entry)), entry.serial);
  } catch (const Error& error) {
    entry.serial = entry.process_serial = 0;
    could_not_be_spawned(entry, error.what());
  }
}

/// Its process is there.
void Brain::has_begun(ActorEntry& entry, const std::string& where) {
  if (entry.life == Life::Spawning) entry.life = Life::Connecting;
  log_.info("started", entry.name, "started" + where + ", pid " + std::to_string(entry.pid),
            {{"pid", std::int64_t{entry.pid}}, {"incarnation", std::int64_t{entry.incarnation}}});
  tell_up(entry);
  if (tree_->knows(entry.name)) tree_->started(entry.name, Loop::Clock::now().time_since_epoch());
  carry_out();
  if (entry.circumstances.stop_requested) request_stop(entry);  // the wish came before the process did
}

void Brain::start_timed_out(ActorEntry& entry) {
  // Waiting for others to acknowledge its routes, or to leave the process before, is not its own fault.
  const bool waits_for_routes = entry.life == Life::Joining && !exchange_.owes_answer(entry.index);
  if (waits_for_routes || (entry.process_serial != 0 && !entry.has_process())) {
    return set_due(entry, Due::StartTimeout, start_timeout(entry));
  }
  log_.error("start_timeout", entry.name,
             "was not ready after " + milliseconds(start_timeout(entry)) + " (start_timeout) and is killed; " +
                 (entry.life == Life::Connecting ? never_spoke : "it was " + std::string(to_string(entry.life))));
  kill_late(entry, &supervision::Circumstances::start_timed_out);
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
  if (connection->second.is_guest)
    return turn_away(
        "actors are started by hand by the broker's own user or root; members of its group may use actorctl");
  if (!is_good_name(hello.name))
    return turn_away("an actor's name has 1 to 100 letters, digits, '_', '-' or '.'; give it with --name");
  if (state_.stage != Stage::Running) return turn_away("the broker is shutting down");
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
  stop_holding(*entry);
  const TopicFilter subscribes{
      std::find(hello.subscribes.begin(), hello.subscribes.end(), "*") != hello.subscribes.end(), hello.subscribes};
  const TopicFilter publishes{hello.publishes.empty() || std::find(hello.publishes.begin(), hello.publishes.end(),
                                                                   "*") != hello.publishes.end(),
                              hello.publishes};
  entry->publishes = publishes;
  entry->subscribes = subscribes;
  apply(table_.set_filters(entry->index, publishes, subscribes));
  open_mailbox(*entry);
  entry->pid = connection->second.pid;
  entry->pidfd = std::move(pidfd);
  entry->session = std::move(connection->second.session);
  // The keeper has no other copy of these.
  entry->own_pidfd = safe_.keep(duplicate(entry->pidfd.get()));
  entry->own_socket = safe_.keep(duplicate(entry->session->fd()));
  entry->kept_pidfd = entry->own_pidfd->key();
  entry->kept_socket = entry->own_socket->key();
  entry->session->set_owner(entry->index);
  entry->session->set_epoch(options_.epochs, entry->epoch_slot);
  connections_.erase(connection);
  ++entry->incarnation;
  entry->circumstances = {};
  entry->spawned_at = Loop::Clock::now();
  entry->by_hand = true;
  entry->removed = false;
  entry->process.clear();
  watch_end(*entry);
  set_due(*entry, Due::StartTimeout, start_timeout(*entry));
  tell_up(*entry);
  log_.info("joined", entry->name, "was started by hand, pid " + std::to_string(entry->pid),
            {{"pid", std::int64_t{entry->pid}}});
  return entry;
}

void Brain::refuse(ActorEntry& entry, const std::string& reason) {
  log_.error("refused", entry.name, "refused: " + reason);
  entry.circumstances.refused = true;
  entry.session->send(control::Refused{reason});
  set_due(entry, Due::RefusalHeard, stop_timeout(entry));
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

/// What the command line of a program that was started by hand says is in no manifest, where it would be a warning.
void Brain::warn_of_unknown_topics(const ActorEntry& entry, const control::Hello& hello) {
  std::vector<std::string> known;
  for (const Topic& topic : topics_.all()) known.push_back(topic.name);
  for (const ActorSection& actor : manifest_.actors)
    known.insert(known.end(), actor.publishes.names.begin(), actor.publishes.names.end());
  const auto look = [&](const std::vector<std::string>& names, const char* option, const char* consequence) {
    for (const std::string& topic : names) {
      if (topic == "*" || is_system_topic(topic) || std::find(known.begin(), known.end(), topic) != known.end())
        continue;
      log_.warn("unknown_topic", entry.name,
                std::string(option) + ' ' + topic + ": no program has told of a topic of that name" +
                    did_you_mean(topic, known) + consequence);
    }
  };
  look(hello.subscribes, "--subscribe", "; it gets nothing from there until one does");
  look(hello.publishes, "--publish", "; it sends nothing there until it does");
}

void Brain::admit(ActorEntry& entry, const control::Hello& hello, Fd status) {
  Session& session = *entry.session;
  const auto broken = [&](const std::string& what) {
    session.close();
    violated(session, what);
  };
  if (hello.name != entry.name) return broken("it says its name is '" + hello.name + "'");
  std::string error;
  auto view = StatusView::open(safe_.keep(std::move(status)), error);
  if (!view) return broken(error);
  entry.executable = hello.executable;
  std::vector<control::TypeInfo> types;
  if (!check_declarations(entry, hello, types)) return;
  if (entry.by_hand) warn_of_unknown_topics(entry, hello);

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
  return {topic.id,          topic.name,           static_cast<std::uint8_t>(topic.policy),
          topic.deadline_ns, topic.capacity,       entry.publishes.contains(topic.name),
          topic.latched,     carried_bytes(topic), entry.subscribes.contains(topic.name)};
}

void Brain::welcome(ActorEntry& entry, std::vector<control::TypeInfo> types, const control::Hello& hello) {
  control::Welcome message{};
  message.name = entry.name;
  message.runtime_directory = options_.runtime_dir.string();
  message.actor_key = entry.key;
  message.incarnation = entry.incarnation;
  message.first_counter = entry.first_counter;
  message.epoch_slot = entry.epoch_slot;
  message.parked_slot = EpochPage::parked_slot;
  message.memory_bytes = entry.memory->memory_bytes;
  message.spin_ns = -1;
  if (entry.section && entry.section->spin) message.spin_ns = entry.section->spin->count();
  message.latency = static_cast<std::uint8_t>(entry.section ? entry.section->latency : Latency::Balanced);
  message.stop_timeout_ns = stop_timeout(entry).count();
  message.max_events_per_tick = max_events_per_tick;
  message.types = std::move(types);
  entry.told_topics.clear();
  for (const auto& declared : hello.topics) entry.told_topics.insert(topics_.find(declared.name)->id);
  for (const Topic& topic : topics_.all()) {
    if (entry.subscribes.contains(topic.name)) entry.told_topics.insert(topic.id);
  }
  for (const TopicId id : entry.told_topics) message.topics.push_back(topic_info(entry, *topics_.at(id)));
  tell_of_carrier(entry, message);
  message.in_flight_route = entry.in_flight.route;
  message.in_flight_sequence = entry.in_flight.sequence;
  message.in_flight_attempt = entry.in_flight.attempt;
  message.in_flight_first_output = entry.in_flight.first_output;
  message.in_flight_outputs_end = entry.in_flight.outputs_end;
  entry.session->send(message, {epoch_page_});
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
    set_due(entry, Due::StartTimeout, start_timeout(entry));
    entry.session->start();
  }
}

void Brain::on_message(ActorEntry& entry, const control::Ready&) {
  const auto now = Loop::Clock::now();
  if (entry.life != Life::Starting) return;  // it is being stopped
  clear_due(entry);
  entry.life = Life::Ready;
  keep_looking();
  tell_ready(entry);
  log_.info("ready", entry.name, "ready after " + milliseconds(now - entry.spawned_at),
            {{"pid", std::int64_t{entry.pid}},
             {"incarnation", std::int64_t{entry.incarnation}},
             {"after_us", std::chrono::duration_cast<std::chrono::microseconds>(now - entry.spawned_at).count()}});
  make_spare(entry);
  if (state_.stage == Stage::Quiescing || state_.stage == Stage::Draining) entry.session->quiesce();
  if (!tree_->knows(entry.name)) return;
  tree_->became_ready(entry.name, now.time_since_epoch());
  carry_out();
}

void Brain::on_message(ActorEntry& entry, const control::OpenTopic& message) {
  const Program who{entry.name, entry.executable};
  if (entry.circumstances.refused) return;
  if (table_.opened(entry.index) >= max_opened_topics)
    return refuse(entry, "it has opened more than " + std::to_string(max_opened_topics) +
                             " topics after its start, the last of them " + message.topic.name.substr(0, 80) +
                             ": use fewer values per topic type, or carry the value in the event");
  if (const auto conflict = topics_.declare(who, std::array{message.topic})) return refuse(entry, *conflict);
  const Topic topic = *topics_.find(message.topic.name);
  apply(table_.open_topic(entry.index, topic.id));
  entry.told_topics.insert(topic.id);
  entry.session->send(control::TopicOpened{topic_info(entry, topic)});
}

void Brain::on_message(ActorEntry& entry, const control::Overflowed& message) {
  const Route* route = exchange_.route_of_publisher(entry.index, message.route);
  const Topic* topic = topics_.at(message.topic);
  // No sender stops a reader whom it can only fill up, or who does not get this topic from it.
  if (!route || !topic || topic->policy != PolicyKind::Fail) return;
  const auto is_it = [&](const control::RouteTopic& carried) { return carried.topic == message.topic; };
  if (std::none_of(route->topics.begin(), route->topics.end(), is_it)) return;
  ActorEntry& reader = *entries_.at(route->reader);
  if (reader.life != Life::Ready || state_.stage != Stage::Running) return;  // it is not there to keep up
  if (!exchange_.is_followed(route->id)) return;  // its sender has not looked at its cursor yet
  log_.error("overflow", reader.name,
             "does not keep up: topic " + topic->name + " from '" + entry.name + "' has " +
                 std::to_string(topic->capacity) +
                 " events waiting and its policy is Fail: it is stopped. Raise the topic's capacity, or choose "
                 "overflow = \"block\" or \"drop\" in the manifest",
             {{"topic", topic->name}, {"sender", entry.name}});
  reader.circumstances.overflowed = true;
  reader.overflowed.insert(route->id);
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
  if (entry.life != Life::Stopping) set_due(entry, Due::Goodbye, stop_timeout(entry));
}

}  // namespace actor::broker
