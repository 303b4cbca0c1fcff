#include <sys/signalfd.h>
#include <unistd.h>

#include <actor/version.hpp>
#include <control/runtime_path.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <process/process.hpp>

namespace actor {
namespace {

using control::ToBroker;

/// How long an orphan may take to stop: its supervisor is gone, so the kernel's alarm ends it if its handler hangs.
constexpr unsigned orphan_grace_s = 10;

/// Of one process that is started by hand, until a broker lets it in.
constexpr unsigned most_connections = 5;

/// Started by a broker: the process group is the actor's own, and the broker ends it with the actor. When the broker is
/// gone the actor does that itself, so that no child of its own outlives it.
bool owns_its_group = false;
bool is_orphan = false;

void end_group(int = 0) {
  if (owns_its_group) kill(0, SIGKILL);
}

void end_orphans_group() {
  if (!is_orphan) return;
  std::fflush(nullptr);
  end_group();
}

/// SIGHUP: the keeper, our parent, is gone (PR_SET_PDEATHSIG). The loop sees the hang-up of the control socket; this is
/// for a handler that never returns to the loop.
void on_parent_death(int) {
  if (owns_its_group) std::signal(SIGALRM, end_group);
  alarm(orphan_grace_s);
}

Fd open_signals(bool hand_started) {
  owns_its_group = !hand_started && getpgrp() == getpid();
  std::atexit(end_orphans_group);
  struct sigaction parent_death {};
  parent_death.sa_handler = on_parent_death;
  parent_death.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &parent_death, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  Fd fd(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw_errno("watching for signals (signalfd)");
  return fd;
}

Fd open_control(const ProcessOptions& options) {
  if (!options.broker.empty()) return control::connect_to(control::find_broker(options.broker));
  const char* inherited = std::getenv("ACTOR_CONTROL_FD");
  const int fd = inherited ? std::atoi(inherited) : -1;
  unsetenv("ACTOR_CONTROL_FD");  // the actor's own children have no business there
  if (fd < 3) throw Error(ErrorCode::Refused, "ACTOR_CONTROL_FD does not name a file descriptor");
  return Fd(fd);
}

std::string executable_path() {
  std::string path(4096, '\0');
  const auto length = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return path;
}

}  // namespace

Process::Process(const ActorClass& actor_class, const ProcessOptions& options)
    : options_(options),
      class_(actor_class),
      actor_(actor_class.make()),
      signals_(open_signals(!options.broker.empty())),
      channel_(open_control(options)),
      link_(make_shm_link(actor_->bound_types(), loop_, channel_)) {
  loop_.watch_always(signals_.get(), Loop::Interest::Read, [this] { on_signal(); });
  watch_channel();
}

Process::~Process() = default;

void Process::say_hello() {
  control::Hello hello;
  const char* name = std::getenv("ACTOR_NAME");
  hello.hand_started = !options_.broker.empty();
  hello.name = hello.hand_started ? options_.name : (name ? name : "");
  hello.library_version = version();
  hello.executable = executable_path();
  for (const EventType* type : actor_->bound_types())
    hello.types.push_back({std::string(type->name), type->hash, std::string(type->schema)});
  for (const TopicDecl& topic : class_.topics)
    hello.topics.push_back(
        {topic.name, static_cast<std::uint8_t>(topic.policy.kind), topic.policy.deadline.count(), topic.latched});
  hello.subscribes = options_.subscribes;
  hello.publishes = options_.publishes;
  const int fds[] = {link_->status_fd()};
  channel_.send<ToBroker>(hello, fds);
}

int Process::run() {
  say_hello();
  while (!start_ && !stop_) loop_.wait();
  if (stop_) return finish();

  runner_ = std::make_unique<Runner>(*actor_, *host_, runner_options_);
  if (!runner_->start()) return finish();
  if (observers_) observers_->start();
  link_->set_stage(LifeStage::Running);
  channel_.send<ToBroker>(control::Ready{});
  runner_->run(loop_);
  return finish();
}

int Process::finish() {
  std::string error;
  if (runner_) {
    runner_->finish();
    if (runner_->error()) error = runner_->error()->what();
  }
  if (observers_) observers_->finish();
  link_->set_stage(LifeStage::Stopped);
  if (!error.empty()) {
    std::fprintf(stderr, "%s\n", error.c_str());
    if (exit_code_ == 0) exit_code_ = 1;
  }
  if (broker_gone_)
    control::remove_if_dead(runtime_directory_);
  else
    channel_.send<ToBroker>(control::Stopping{error});
  return exit_code_;
}

/// For reading, and for writing while the socket has not taken all that we had to say.
void Process::watch_channel() {
  if (channel_watch_) {
    if (watching_writes_ == channel_.has_queued()) return;
    loop_.unwatch(channel_watch_);
  }
  watching_writes_ = channel_.has_queued();
  const auto interest = watching_writes_ ? Loop::Interest::ReadWrite : Loop::Interest::Read;
  channel_watch_ = loop_.watch_always(channel_.fd(), interest, [this] { read_commands(); });
}

void Process::read_commands() {
  if (reading_) return;  // a command's own callbacks may take a turn
  reading_ = true;
  try {
    receive_commands();
  } catch (const std::exception& error) {
    // No affair of the actor's on_error: without its wiring it cannot go on.
    std::fprintf(stderr, "while following the broker: %s\n", error.what());
    exit_code_ = 1;
    stop();
  }
  reading_ = false;
  if (!broker_gone_) watch_channel();
}

void Process::receive_commands() {
  if (host_) seen_epoch_ = link_->command_epoch().load(std::memory_order_acquire);
  control::Packet packet;
  for (;;) {
    const auto result = channel_.receive(packet);
    if (result == control::ReceiveResult::Nothing) break;
    if (result == control::ReceiveResult::Closed) {
      on_broker_gone();
      break;
    }
    std::string error;
    auto message = control::decode_to_actor(packet, error);
    if (!message) throw Error(ErrorCode::Incompatible, "the broker sent what this program cannot read: " + error);
    on_message(*message, packet.fds);
  }
  channel_.flush();
}

void Process::on_message(control::ToActor& message, std::vector<Fd>& fds) {
  if (const auto* welcome = std::get_if<control::Welcome>(&message)) {
    link_->welcome(*welcome, fds);
    start_actor(*welcome);
  } else if (const auto* refused = std::get_if<control::Refused>(&message)) {
    std::fprintf(stderr, "refused by the broker: %s\n", refused->reason.c_str());
    exit_code_ = refused_exit;
    stop();
  } else if (std::holds_alternative<control::Start>(message)) {
    start_ = true;
  } else if (std::holds_alternative<control::Quiesce>(message)) {
    if (runner_) runner_->quiesce();
    link_->set_stage(LifeStage::Draining);
    channel_.send<ToBroker>(control::Quiesced{});
  } else if (std::holds_alternative<control::Stop>(message)) {
    stop();
  } else if (const auto* wishes = std::get_if<control::Observe>(&message); wishes && host_) {
    observe(*wishes, std::move(fds.at(0)));
  } else if (host_) {
    link_->handle(message, fds);
  }
}

void Process::start_actor(const control::Welcome& welcome) {
  runtime_directory_ = welcome.runtime_directory;
  link_->set_stage(LifeStage::Starting);
  runner_options_.max_events_per_tick = std::max(1u, welcome.max_events_per_tick);
  runner_options_.spin = std::chrono::nanoseconds(welcome.spin_ns);
  host_ = std::make_unique<Host>(ActorId(welcome.name), link_->port(), loop_, waker_);
  host_->stop_runtime = [this] { channel_.send<ToBroker>(control::StopRuntime{}); };
  host_->command_epoch = &link_->command_epoch();
  host_->run_commands = [this] {
    if (link_->command_epoch().load(std::memory_order_relaxed) != seen_epoch_) read_commands();
    if (channel_.has_queued() != watching_writes_ && !broker_gone_) watch_channel();
  };
}

void Process::observe(const control::Observe& wishes, Fd socket) {
  if (!observers_) {
    observers_ = std::make_unique<Observers>(*host_, actor_->bound_types(), loop_);
    host_->monitors = &observers_->monitors();
    link_->watch(observers_->monitors());
    if (runner_) observers_->start();
  }
  observers_->add(wishes, std::move(socket));
}

void Process::stop() {
  stop_ = true;
  if (host_) host_->stop_requested = true;
  if (runner_) runner_->quiesce();
}

void Process::on_signal() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == sizeof info) stop();
}

/// A broker whose brain was just replaced has forgotten who had connected and was not let in yet.
bool Process::connect_again() {
  if (host_ || options_.broker.empty() || stop_ || connections_ == most_connections) return false;
  ++connections_;
  loop_.unwatch(std::exchange(channel_watch_, 0));
  channel_ = control::Channel(open_control(options_));
  say_hello();
  return true;
}

void Process::on_broker_gone() {
  if (connect_again()) return;
  broker_gone_ = true;
  is_orphan = true;
  loop_.silence();
  std::fprintf(stderr, "the broker is gone: stopping\n");
  alarm(orphan_grace_s);
  if (exit_code_ == 0) exit_code_ = 1;
  stop();
}

int run_process(int argc, char** argv, std::vector<ActorClass> classes) {
  std::vector<std::string> labels;
  for (const ActorClass& known : classes) labels.emplace_back(known.label);
  const ParsedProcessOptions parsed = parse_process_options(argc, argv, labels);
  if (!parsed.options) return parsed.exit_code;
  const ActorClass* chosen = classes.size() == 1 ? &classes.front() : nullptr;
  for (const ActorClass& known : classes) {
    if (known.label == parsed.options->actor_class) chosen = &known;
  }
  if (!chosen || (!parsed.options->actor_class.empty() && chosen->label != parsed.options->actor_class)) {
    std::fprintf(stderr, "%s: no actor class %s in this program; see --help\n", argv[0],
                 parsed.options->actor_class.c_str());
    return 2;
  }
  try {
    return Process(*chosen, *parsed.options).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return 1;
  }
}

}  // namespace actor
