#include "keeper/client.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <span>
#include <string_view>

#include "keeper/wire.hpp"

extern char** environ;  // NOLINT: declared by POSIX in no header

namespace actor::broker {
namespace {

/// The broker's environment with the child's own variables added; a variable set twice takes the last value.
std::vector<std::string> environment_of(const SpawnSpec& spec) {
  auto own = spec.env;
  own.emplace_back("ACTOR_NAME", spec.name);
  own.emplace_back("ACTOR_CONTROL_FD", "3");
  std::vector<std::string> result;
  for (auto entry = own.begin(); entry != own.end(); ++entry) {
    const auto same = [&](const auto& later) { return later.first == entry->first; };
    if (std::any_of(entry + 1, own.end(), same)) continue;
    result.push_back(entry->first + "=" + entry->second);
  }
  for (char** inherited = environ; inherited != nullptr && *inherited != nullptr; ++inherited) {
    const std::string_view variable(*inherited);
    const std::string_view name = variable.substr(0, variable.find('='));
    if (std::none_of(own.begin(), own.end(), [&](const auto& entry) { return entry.first == name; })) {
      result.emplace_back(variable);
    }
  }
  return result;
}

void append(std::string& blob, std::string_view text, const SpawnSpec& spec) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::Io, "cannot start '" + spec.name + "': an argument, variable or path holds a NUL byte",
                EINVAL);
  }
  blob.append(text).push_back('\0');
}

Fd memfd_of(const std::string& blob, const SpawnSpec& spec) {
  Fd memfd(::memfd_create("actor-spawn", MFD_CLOEXEC));
  if (!memfd) throw_errno("cannot start '" + spec.name + "': making the request (memfd)");
  std::size_t written = 0;
  while (written < blob.size()) {
    const ssize_t count = ::write(memfd.get(), blob.data() + written, blob.size() - written);
    if (count < 0 && errno != EINTR) throw_errno("cannot start '" + spec.name + "': writing the request");
    if (count > 0) written += static_cast<std::size_t>(count);
  }
  return memfd;
}

/// Waits until the keeper takes it. SUBTLE: this cannot deadlock, because the keeper never waits for the brain. False
/// when the keeper is gone: next() says so, too.
bool send_request(int socket, const KeeperRequest& request, std::span<const int> fds = {}) {
  for (;;) {
    const control::SendResult result = send_fixed(socket, request, fds);
    if (result != control::SendResult::Full) return result == control::SendResult::Sent;
    pollfd writable{.fd = socket, .events = POLLOUT, .revents = 0};
    (void)::poll(&writable, 1, -1);
  }
}

}  // namespace

std::string_view to_string(SpawnStep step) {
  switch (step) {
    case SpawnStep::Request:
      return "reading the request";
    case SpawnStep::Descriptors:
      return "making its pipes and sockets";
    case SpawnStep::Process:
      return "making the process";
    case SpawnStep::Directory:
      return "entering its working directory";
    case SpawnStep::Exec:
      return "executing the program";
  }
  const auto number = static_cast<std::uint32_t>(step);
  return to_string(static_cast<SandboxStep>(number > first_sandbox_step ? number - first_sandbox_step : 0));
}

void KeeperClient::request(const KeeperRequest& request, std::vector<std::shared_ptr<Fd>> fds) {
  const auto send = [this, request, fds = std::move(fds)] {
    std::vector<int> numbers;
    for (const auto& fd : fds) numbers.push_back(fd->get());
    (void)send_request(socket_.get(), request, numbers);
  };
  if (turn_ == nullptr) return send();
  turn_->when_safe(send);
}

void KeeperClient::spawn(const SpawnSpec& spec, std::uint64_t serial) {
  std::string blob;
  append(blob, spec.exec, spec);
  append(blob, spec.cwd, spec);
  append(blob, spec.exec, spec);  // argv[0]
  for (const std::string& argument : spec.args) append(blob, argument, spec);
  const std::vector<std::string> environment = environment_of(spec);
  for (const std::string& variable : environment) append(blob, variable, spec);
  blob.append(reinterpret_cast<const char*>(&spec.orders), sizeof spec.orders);
  if (blob.size() > max_blob_bytes) {
    throw Error(ErrorCode::Io,
                "cannot start '" + spec.name + "': its arguments and environment have " + std::to_string(blob.size()) +
                    " bytes, and " + std::to_string(max_blob_bytes) + " is the limit; unset what it does not need",
                E2BIG);
  }
  std::vector<std::shared_ptr<Fd>> fds{std::make_shared<Fd>(memfd_of(blob, spec))};
  if (spec.cgroup) fds.push_back(spec.cgroup);
  request({.kind = RequestKind::Spawn,
           .blob_bytes = static_cast<std::uint32_t>(blob.size()),
           .id = serial,
           .arguments = static_cast<std::uint32_t>(spec.args.size() + 1),
           .environment = static_cast<std::uint32_t>(environment.size()),
           .number = std::int32_t{sizeof spec.orders}},
          std::move(fds));
}

void KeeperClient::kill(std::uint64_t serial, int signal, bool whole_group) {
  request({.kind = RequestKind::Kill, .id = serial, .number = signal, .whole_group = whole_group ? 1u : 0u});
}

void KeeperClient::ack_exit(std::uint64_t serial) {
  request({.kind = RequestKind::AckExit, .id = serial});
}

/// SUBTLE: at once, so that the keeper has it before the ledger names it.
void KeeperClient::store(std::uint64_t key, int fd) {
  const int fds[] = {fd};
  if (send_request(socket_.get(), {.kind = RequestKind::Store, .id = key}, fds)) return;
  // Without a keeper this process holds the copy itself, to its end, which is near (keeper/grave.hpp).
  (void)::fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void KeeperClient::drop(std::uint64_t key) {
  request({.kind = RequestKind::Drop, .id = key});
}

void KeeperClient::say_running() {
  request({.kind = RequestKind::Running});
}

void KeeperClient::set_stop_timeout(std::chrono::nanoseconds longest) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
  request({.kind = RequestKind::StopTimeout, .number = static_cast<std::int32_t>(milliseconds)});
}

std::vector<KeeperEvent> KeeperClient::await_handover(FdSafe& safe) {
  std::vector<KeeperEvent> told;
  taking_over_ = &safe;
  while (!handed_over_) {
    pollfd readable{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&readable, 1, -1);
    while (auto event = next()) told.push_back(std::move(*event));
    if (gone_) break;
  }
  taking_over_ = nullptr;
  return told;
}

std::optional<KeeperEvent> KeeperClient::next() {
  while (!gone_) {
    KeeperNotice notice;
    std::vector<Fd> fds;
    switch (receive_fixed(socket_.get(), notice, fds).state) {
      case control::Received::State::Packet:
        break;
      case control::Received::State::Nothing:
        return std::nullopt;
      case control::Received::State::Closed:
        gone_ = true;
        return KeeperGone{};
      case control::Received::State::NoDescriptors:
      case control::Received::State::Truncated:
        break;
    }
    if (auto event = event_of(notice, fds)) return event;
  }
  return std::nullopt;
}

std::optional<KeeperEvent> KeeperClient::event_of(const KeeperNotice& notice, std::vector<Fd>& fds) {
  switch (notice.kind) {
    case NoticeKind::Spawned:
      if (fds.size() == 4) {
        return Spawned{.serial = notice.serial,
                       .pid = notice.pid,
                       .pidfd = std::move(fds[0]),
                       .control = std::move(fds[1]),
                       .out = std::move(fds[2]),
                       .err = std::move(fds[3])};
      }
      // This process has no room for its descriptors: a child that nobody can talk to is no use.
      lost_.insert(notice.serial);
      kill(notice.serial, SIGKILL, true);
      return SpawnFailed{.serial = notice.serial, .error = EMFILE, .step = SpawnStep::Descriptors};
    case NoticeKind::SpawnFailed:
      return SpawnFailed{.serial = notice.serial, .error = notice.number, .step = static_cast<SpawnStep>(notice.step)};
    case NoticeKind::Exited:
      if (lost_.erase(notice.serial) == 0) {
        return Exited{.serial = notice.serial, .pid = notice.pid, .status = notice.number};
      }
      ack_exit(notice.serial);
      return std::nullopt;
    case NoticeKind::Shutdown:
      return ShutdownRequested{notice.number, notice.serial};
    case NoticeKind::Stored:
      if (taking_over_ != nullptr && fds.size() == 1) taking_over_->hand_over(notice.serial, std::move(fds[0]));
      return std::nullopt;
    case NoticeKind::HandedOver:
      handed_over_ = true;
      return std::nullopt;
    case NoticeKind::None:
      break;
  }
  ACTOR_ASSERT(false, "the keeper sends known notices only");
  return std::nullopt;
}

}  // namespace actor::broker
