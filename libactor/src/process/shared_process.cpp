#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <process/crash_note.hpp>
#include <process/options.hpp>
#include <process/process.hpp>
#include <process/shared_process.hpp>
#include <process/signals.hpp>

namespace actor {
namespace {

/// After SIGTERM, for a broker to say that nobody else comes. There may be none.
constexpr auto goodbye = std::chrono::milliseconds(500);

/// Before what the broker has not read is sent again.
constexpr auto full_socket_pause = std::chrono::milliseconds(10);

/// Linux allows no more.
constexpr std::size_t thread_name_length = 15;

Fd copy_of(const Fd& fd) {
  Fd copy(::dup(fd.get()));
  if (!copy) throw_errno("copying a descriptor");
  return copy;
}

Fd open_reserve() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

const ActorClass& find_class(const std::vector<ActorClass>& classes, std::string_view label) {
  const auto found =
      std::find_if(classes.begin(), classes.end(), [&](const ActorClass& known) { return known.label == label; });
  return found == classes.end() ? classes.front() : *found;
}

std::vector<std::string> labels_of(const std::vector<ActorClass>& classes) {
  std::vector<std::string> labels;
  for (const ActorClass& known : classes) labels.emplace_back(known.label);
  return labels;
}

SharedProcess::SharedProcess(const std::vector<ActorClass>& classes, std::string program, Fd control)
    : classes_(classes), program_(std::move(program)), signals_(open_signals(false)), channel_(std::move(control)) {
  reserve_ = open_reserve();
  note_crashes(channel_.fd());
  loop_.watch_always(signals_.get(), Loop::Interest::Read, [this] { on_signal(); });
  loop_.watch_always(channel_.fd(), Loop::Interest::Read, [this] { read_commands(); });
}

/// After an error of ours: whoever still runs ends first.
SharedProcess::~SharedProcess() {
  stop_all();
  for (auto& [id, member] : members_) member.thread.join();
}

bool SharedProcess::may_end() const {
  return members_.empty() && (stop_ || (leaves_ && Loop::Clock::now() >= leaves_at_));
}

Loop::Clock::time_point SharedProcess::wakes_at() const {
  auto at = Loop::Clock::time_point::max();
  if (leaves_ && members_.empty()) at = leaves_at_;
  if (channel_.has_queued()) at = std::min(at, Loop::Clock::now() + full_socket_pause);
  return at;
}

int SharedProcess::run() {
  while (!may_end()) {
    loop_.wait(wakes_at());
    report_ended();
    channel_.flush();
  }
  return broker_gone_ ? 1 : 0;
}

void SharedProcess::read_commands() {
  control::Packet packet;
  while (!broker_gone_) {
    bool lacks_descriptors = false;
    const auto result = receive(packet, lacks_descriptors);
    if (result == control::ReceiveResult::Nothing) return;
    if (result == control::ReceiveResult::Closed) {
      stop_ = broker_gone_ = true;
      become_orphan();
      loop_.silence();
      return stop_all();
    }
    std::string error;
    auto message = control::decode_to_actor(packet, error);
    if (!message) throw Error(ErrorCode::Incompatible, "the broker sent what this program cannot read: " + error);
    if (auto* order = std::get_if<control::RunActor>(&*message)) {
      if (!lacks_descriptors) {
        run_actor(std::move(*order), std::move(packet.fds[0]));
        continue;
      }
      packet.fds.clear();
      reserve_ = open_reserve();
      std::fprintf(stderr, "%s: starting actor '%s': the process is out of file descriptors\n", program_.c_str(),
                   order->name.c_str());
      report(order->name, order->incarnation, 1);
    }
    if (std::holds_alternative<control::Stop>(*message)) stop_ = true;
  }
}

/// Its arguments are read here: getopt is for one thread.
std::optional<ProcessOptions> SharedProcess::options_of(control::RunActor& order) const {
  std::vector<char*> arguments{const_cast<char*>(program_.c_str())};  // getopt may change their order
  for (std::string& argument : order.args) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  auto parsed =
      parse_process_options(static_cast<int>(arguments.size() - 1), arguments.data(), labels_of(classes_), true);
  if (parsed.options && !parsed.options->broker.empty()) {
    std::fprintf(stderr, "%s: --broker is for a program that is started by hand\n", program_.c_str());
    return std::nullopt;
  }
  if (parsed.options) {
    parsed.options->name = order.name;
    parsed.options->shares_process = true;
  }
  return parsed.options;
}

/// An order whose descriptor finds no room is taken with the one that is kept for this, and refused.
control::ReceiveResult SharedProcess::receive(control::Packet& packet, bool& lacks_descriptors) {
  lacks_descriptors = channel_.peek(packet) == control::ReceiveResult::NoDescriptors;
  if (lacks_descriptors) reserve_.reset();
  packet.fds.clear();
  return channel_.receive(packet);
}

void SharedProcess::run_actor(control::RunActor order, Fd control) {
  const auto options = options_of(order);
  if (!options) return report(order.name, order.incarnation, wrong_command_line);
  const std::uint64_t id = next_member_++;
  try {
    Fd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell) throw_errno("making its bell (eventfd)");
    Fd heard = copy_of(bell);
    Member& member = members_[id];
    member = {order.name, order.incarnation, std::move(bell), {}};
    member.thread = std::thread([this, id, options = *options, incarnation = order.incarnation,
                                 control = std::move(control), heard = std::move(heard)]() mutable {
      pthread_setname_np(pthread_self(), options.name.substr(0, thread_name_length).c_str());
      const int exit_code = live(options, incarnation, std::move(control), std::move(heard));
      const std::lock_guard lock(mutex_);
      ended_.push_back({id, exit_code});
      waker_.wake();
    });
  } catch (const std::exception& error) {  // no descriptors, no threads
    members_.erase(id);
    std::fprintf(stderr, "%s: starting actor '%s': %s\n", program_.c_str(), order.name.c_str(), error.what());
    report(order.name, order.incarnation, 1);
  }
}

/// The member's thread. Its connection is closed when this returns.
int SharedProcess::live(const ProcessOptions& options, std::uint32_t incarnation, Fd control, Fd stop_signals) const {
  const CrashNote note(options.name, incarnation);
  try {
    const ActorClass& actor_class = find_class(classes_, options.actor_class);
    return Process(actor_class, options, std::move(control), std::move(stop_signals)).run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: actor '%s': %s\n", program_.c_str(), options.name.c_str(), error.what());
    return 1;
  }
}

/// All end, and so does the process: the broker places nobody in it any more.
void SharedProcess::on_signal() {
  std::array<std::byte, 256> what;  // that something has come is all
  while (::read(signals_.get(), what.data(), what.size()) > 0) stop_all();
  if (std::exchange(leaves_, true)) return;
  leaves_at_ = Loop::Clock::now() + goodbye;
  channel_.send<control::ToBroker>(control::Stopping{});
}

void SharedProcess::stop_all() {
  constexpr std::uint64_t one = 1;
  for (auto& [id, member] : members_) (void)!::write(member.stop_bell.get(), &one, sizeof one);
}

void SharedProcess::report_ended() {
  std::vector<Ended> ended;
  {
    const std::lock_guard lock(mutex_);
    ended.swap(ended_);
  }
  for (const Ended& end : ended) {
    const auto found = members_.find(end.member);
    found->second.thread.join();
    report(found->second.name, found->second.incarnation, end.exit_code);
    members_.erase(found);
  }
}

void SharedProcess::report(const std::string& name, std::uint32_t incarnation, int exit_code) {
  channel_.send<control::ToBroker>(control::ActorEnded{name, incarnation, exit_code, false});
}

}  // namespace actor
