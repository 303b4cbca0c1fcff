#include <unistd.h>

#include <actor/version.hpp>
#include <array>
#include <control/runtime_path.hpp>
#include <cstdio>
#include <process/process.hpp>
#include <process/signals.hpp>

namespace actor {
namespace {

using control::ToBroker;

/// Of one process that is started by hand, until a broker lets it in.
constexpr unsigned most_connections = 5;

std::string executable_path() {
  std::string path(4096, '\0');
  const auto length = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return path;
}

}  // namespace

Process::Process(const ActorClass& actor_class, const ProcessOptions& options, Fd control, Fd stop_signals)
    : options_(options),
      class_(actor_class),
      actor_(actor_class.make()),
      signals_(std::move(stop_signals)),
      channel_(std::move(control)),
      link_(make_shm_link(actor_->bound_types(), loop_, channel_)) {
  loop_.watch_always(signals_.get(), Loop::Interest::Read, [this] { on_signal(); });
  watch_channel();
}

Process::~Process() = default;

void Process::say_hello() {
  channel_.on_queue([this] { watch_channel(); });
  control::Hello hello;
  hello.hand_started = !options_.broker.empty();
  hello.name = options_.name;
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
  if (broker_gone_) return;
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
  watch_channel();
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
  const auto latency = options_.latency.value_or(static_cast<Latency>(welcome.latency));
  runner_options_.spin = welcome.spin_ns >= 0 && !options_.latency
                             ? SpinBudget::fixed(std::chrono::nanoseconds(welcome.spin_ns))
                             : SpinBudget::adaptive(latency);
  host_ = std::make_unique<Host>(ActorId(welcome.name), link_->port(), loop_, waker_);
  host_->stop_runtime = [this] { channel_.send<ToBroker>(control::StopRuntime{}); };
  host_->command_epoch = &link_->command_epoch();
  host_->run_commands = [this] {
    if (link_->command_epoch().load(std::memory_order_relaxed) != seen_epoch_) read_commands();
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
  std::array<std::byte, 256> what;  // that something has come is all
  while (read(signals_.get(), what.data(), what.size()) > 0) stop();
}

/// A broker whose brain was just replaced has forgotten who had connected and was not let in yet.
bool Process::connect_again() {
  if (host_ || options_.broker.empty() || stop_ || connections_ == most_connections) return false;
  ++connections_;
  loop_.unwatch(std::exchange(channel_watch_, 0));
  channel_ = control::Channel(control::connect_to(control::find_broker(options_.broker)));
  say_hello();
  return true;
}

void Process::on_broker_gone() {
  if (connect_again()) return;
  broker_gone_ = true;
  if (!options_.shares_process) become_orphan();
  loop_.silence();
  std::fprintf(stderr, "the broker is gone: stopping\n");
  if (exit_code_ == 0) exit_code_ = 1;
  stop();
}

}  // namespace actor
