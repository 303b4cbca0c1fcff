// What the brain asks of the keeper, and what it is told.

#include <cerrno>
#include <csignal>

#include "keeper/keeper_parts.hpp"

namespace actor::broker {
namespace {

constexpr const char* nonsense = "the keeper ignores requests that it does not understand: the brain has a bug";

}  // namespace

void Keeper::take_requests() {
  for (;;) {
    KeeperRequest request;
    std::vector<Fd> fds;
    const control::Received received = receive_fixed(brain_.get(), request, fds);
    if (received.state == control::Received::State::Nothing) return;
    if (received.state == control::Received::State::Closed) {
      // A brain that has closed its socket is about to exit: SIGCHLD will tell how.
      brain_.reset();
      return;
    }
    if (received.state == control::Received::State::NoDescriptors) {
      refuse(request);
    } else if (received.state == control::Received::State::Packet && received.bytes == sizeof request) {
      obey(request, fds);
    } else {
      complain(nonsense);
    }
  }
}

/// There are no descriptors left for what came along.
void Keeper::refuse(const KeeperRequest& request) {
  complain("the keeper is out of file descriptors, and cannot start or keep what it is asked to; raise its limit");
  if (request.kind != RequestKind::Spawn || children_.contains(request.id)) return;
  Child& child = children_[request.id];
  child.state = Child::State::Failed;
  child.failure = {.step = SpawnStep::Request, .error = EMFILE};
}

void Keeper::complain(const char* what) {
  if (complained_) return;
  complained_ = true;
  say("actor-broker: %s\n", what);
}

void Keeper::obey(const KeeperRequest& request, std::vector<Fd>& fds) {
  const auto found = children_.find(request.id);
  Child* child = found == children_.end() ? nullptr : &found->second;
  switch (request.kind) {
    case RequestKind::Spawn:
      if (child == nullptr) spawn(request, fds);
      return;
    case RequestKind::Kill:
      if (child != nullptr && child->is_alive()) {
        (void)::kill(request.whole_group != 0 ? -child->pid : child->pid, request.number);
      }
      return;
    case RequestKind::AckExit:
      if (child == nullptr) return;
      if (child->state == Child::State::Exited ? child->end_told : child->state == Child::State::Failed) {
        child->leave_to(grave_);
        children_.erase(found);
      }
      return;
    case RequestKind::Store:
      if (fds.size() == 1) stored_[request.id] = {std::move(fds.front()), true};
      return;
    case RequestKind::Drop:
      if (const auto stored = stored_.find(request.id); stored != stored_.end()) {
        grave_.add(std::move(stored->second.fd));
        stored_.erase(stored);
      }
      return;
    case RequestKind::Running:
      brain_running_ = Clock::now();
      return;
    case RequestKind::StopTimeout:
      stop_timeout_ = std::chrono::milliseconds(request.number);
      return;
    case RequestKind::None:
      break;
  }
  complain(nonsense);
}

void Keeper::spawn(const KeeperRequest& request, const std::vector<Fd>& fds) {
  Child& child = children_[request.id];
  child.state = Child::State::Failed;
  child.failure = {.step = SpawnStep::Request, .error = EBADMSG};
  if (fds.empty() || fds.size() > 2) return;
  auto program = read_program(request, fds.front().get());
  if (!program) return;
  if (fds.size() == 2) program->cgroup = fds.back().get();
  auto started = start_child(*program, childrens_files_, child.failure);
  if (!started) return;
  child.state = Child::State::Starting;
  child.pid = started->pid;
  child.pidfd = std::move(started->pidfd);
  child.control = std::move(started->control);
  child.out = std::move(started->out);
  child.err = std::move(started->err);
  child.exec_result = std::move(started->exec_result);
}

void Keeper::tell_brain() {
  brain_full_ = false;
  if (!brain_) return;
  for (auto& [key, stored] : stored_) {
    if (stored.told || brain_full_) continue;
    const int fds[] = {stored.fd.get()};
    stored.told = tell({.kind = NoticeKind::Stored, .serial = key}, fds);
  }
  for (auto& [serial, child] : children_) {
    if (brain_full_) break;
    if (!child.start_told && child.state != Child::State::Starting) child.start_told = tell_start(serial, child);
    if (child.start_told && !child.end_told && child.state == Child::State::Exited) {
      child.end_told = tell({.kind = NoticeKind::Exited, .serial = serial, .pid = child.pid, .number = child.status});
    }
  }
  // After the children: a brain that takes over can stop only whom it knows.
  for (; shutdowns_told_ < shutdowns_.size() && !brain_full_; shutdowns_told_ += brain_full_ ? 0 : 1) {
    (void)tell({.kind = NoticeKind::Shutdown, .serial = shutdowns_told_ + 1, .number = shutdowns_[shutdowns_told_]});
  }
  if (!handed_over_ && !brain_full_) handed_over_ = tell({.kind = NoticeKind::HandedOver});
}

bool Keeper::tell_start(std::uint64_t serial, Child& child) {
  if (child.state == Child::State::Failed) {
    return tell({.kind = NoticeKind::SpawnFailed,
                 .step = static_cast<std::uint32_t>(child.failure.step),
                 .serial = serial,
                 .number = child.failure.error});
  }
  const int fds[] = {child.pidfd.get(), child.control.get(), child.out.get(), child.err.get()};
  return tell({.kind = NoticeKind::Spawned, .serial = serial, .pid = child.pid}, fds);
}

bool Keeper::tell(const KeeperNotice& notice, std::span<const int> fds) {
  const control::SendResult result = send_fixed(brain_.get(), notice, fds);
  brain_full_ = brain_full_ || result == control::SendResult::Full;
  return result == control::SendResult::Sent;
}

}  // namespace actor::broker
