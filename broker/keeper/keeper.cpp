#include "keeper/keeper.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <actor/error.hpp>
#include <algorithm>
#include <cerrno>
#include <control/channel.hpp>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <optional>
#include <vector>

#include "keeper/keeper_parts.hpp"
#include "keeper/strays.hpp"

namespace actor::broker {
namespace {

using Clock = Keeper::Clock;

/// After so many requests to shut down, a brain that still runs is taken for hung: at the one before it has killed its
/// actors and should be gone.
constexpr int patience_signals = 4;

/// Brains that die as soon as they begin, or crash soon after, would go on dying.
constexpr int most_brains_in_vain = 10;
constexpr auto soon = std::chrono::seconds(10);

Clock::duration since_boot() {
  return Clock::now().time_since_epoch();
}

}  // namespace

void say(const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  pollfd polled{STDERR_FILENO, POLLOUT, 0};
  // A pipe that is writable has room for PIPE_BUF bytes.
  if (length <= 0 || ::poll(&polled, 1, 0) != 1) return;
  (void)!::write(STDERR_FILENO, line, std::min(static_cast<std::size_t>(length), sizeof line - 1));
}

int Keeper::run(const std::function<int(Fd, Pulse&)>& brain) {
  set_up();
  do {
    start_brain(brain);
    tell_brain();
    while (!brain_status_) turn();
    if (brain_) take_requests();  // all that it has asked for, to the last
    brain_.reset();
  } while (may_have_another_brain());
  const int code = brain_verdict();
  end_children();
  for (auto& [serial, child] : children_) child.leave_to(grave_);
  for (auto& [key, stored] : stored_) grave_.add(std::move(stored.fd));
  grave_.bury();
  kill_strays(signals_.get());
  if (options_.at_end) options_.at_end();
  return code;
}

void Keeper::set_up() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&watched, signal);
  if (::sigprocmask(SIG_BLOCK, &watched, &original_mask_) != 0)
    throw_errno("cannot start the broker: blocking signals");
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw_errno("cannot start the broker: signalfd");
  (void)::signal(SIGPIPE, SIG_IGN);
  (void)::signal(SIGCHLD, SIG_DFL);  // an inherited SIG_IGN would make the kernel reap
  // What actors leave behind comes back to the keeper, so that nothing of the runtime outlives it.
  // qemu-user does not know it (EINVAL): there what has left its process group is on its own.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 && errno != EINVAL)
    throw_errno("cannot start the broker: becoming subreaper");
  if (::getrlimit(RLIMIT_NOFILE, &childrens_files_) != 0) throw_errno("cannot start the broker: getrlimit");
  rlimit raised = childrens_files_;
  raised.rlim_cur = raised.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &raised);  // what is not granted is missed later, by name
}

/// A brain that was killed gets a successor, which is told everything anew. A brain that has ended by itself has ended
/// the runtime.
bool Keeper::may_have_another_brain() {
  if (WIFEXITED(*brain_status_) || lost_patience_) return false;
  // Somebody who kills one brain after another may go on for as long as he likes.
  const bool killed = brain_running_ && WTERMSIG(*brain_status_) == SIGKILL && !is_hung_;
  const auto too_soon = is_hung_ ? soon + 2 * options_.brain_watchdog : Clock::duration(soon);
  if (killed || (brain_running_ && Clock::now() - *brain_running_ > too_soon)) brains_in_vain_ = 0;
  if (!killed && ++brains_in_vain_ > most_brains_in_vain) return false;
  say("actor-broker: the brain (process %d) was ended by signal %d (%s): another one takes over\n",
      static_cast<int>(brain_pid_), WTERMSIG(*brain_status_), ::strsignal(WTERMSIG(*brain_status_)));
  brain_status_.reset();
  brain_running_.reset();
  handed_over_ = false;
  shutdowns_told_ = 0;
  for (auto& [serial, child] : children_) child.start_told = child.end_told = false;
  for (auto& [key, stored] : stored_) stored.told = false;
  return true;
}

void Keeper::start_brain(const std::function<int(Fd, Pulse&)>& brain) {
  auto [here, there] = control::socket_pair();
  std::fflush(nullptr);  // or both would write it
  watch_.forget();
  is_hung_ = false;
  pulse_.beat();
  brain_pid_ = ::fork();
  if (brain_pid_ < 0) throw_errno("cannot start the broker: making its second process");
  if (brain_pid_ > 0) {
    brain_ = std::move(here);
    return;
  }
  here.reset();
  signals_.reset();
  children_.clear();
  stored_.clear();
  grave_.clear();
  (void)::prctl(PR_SET_NAME, "actor-brain");
  // These reach every process of a terminal or a service; the brain hears of them from the keeper, in order.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) (void)::signal(signal, SIG_IGN);
  (void)::sigprocmask(SIG_SETMASK, &original_mask_, nullptr);
  int code = 1;
  try {
    code = brain(std::move(there), pulse_);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "actor-broker: %s\n", exception.what());
  }
  std::fflush(nullptr);
  ::_exit(code);  // what main() has registered to run at exit is the keeper's to run
}

void Keeper::turn() {
  const short brain_events = brain_full_ ? POLLIN | POLLOUT : POLLIN;
  std::vector<pollfd> polled = {{signals_.get(), POLLIN, 0}, {brain_.get(), brain_events, 0}};
  std::vector<Child*> starting;
  for (auto& [serial, child] : children_) {
    if (child.state != Child::State::Starting) continue;
    starting.push_back(&child);
    polled.push_back({child.exec_result.get(), POLLIN, 0});
  }
  if (!watch_.next_look()) polled.push_back({pulse_.fd(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), patience_ms()) < 0 && errno != EINTR)
    throw_errno("the keeper cannot wait (poll)");
  for (std::size_t i = 0; i < starting.size(); ++i) {
    if (polled[i + 2].revents != 0) take_exec_result_of(*starting[i]);
  }
  if (polled.size() > starting.size() + 2 && polled.back().revents != 0) suspect_brain();
  if (polled[0].revents != 0) take_signals();
  look_at_brain();
  if (polled[1].revents != 0) take_requests();
  bury_what_is_over();
  tell_brain();
}

/// SUBTLE: a process that was just made has copies of all that is open here, and closes them itself, before it executes
/// its program, or, a brain, before it says that it runs. It must not be the last to do so.
void Keeper::bury_what_is_over() {
  if (!brain_running_ && !brain_status_) return;
  for (const auto& [serial, child] : children_) {
    if (child.state == Child::State::Starting) return;
  }
  grave_.bury();
}

/// Until the brain is to be looked at again; -1: it is not.
int Keeper::patience_ms() const {
  const auto next = watch_.next_look();
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - since_boot());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30));
}

void Keeper::suspect_brain() {
  pulse_.take();
  if (const auto seen = see(pulse_, brain_pid_)) watch_.suspect(*seen, since_boot());
}

void Keeper::look_at_brain() {
  const auto due = watch_.next_look();
  if (!due || *due > since_boot() || brain_status_ || is_hung_) return;
  const auto seen = see(pulse_, brain_pid_);
  if (!seen) return watch_.forget();  // no descriptor for /proc: rather that than look again and again
  if (watch_.look(*seen, since_boot()) != BrainWatch::Verdict::Hangs) return;
  say("actor-broker: the brain (process %d) hangs: it has made no progress for %lld ms (%s): killing it\n",
      static_cast<int>(brain_pid_),
      static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(watch_.limit()).count()),
      seen->state == 'T'   ? "it is stopped"
      : seen->state == 'R' ? "it runs"
                           : "it waits");
  is_hung_ = true;
  watch_.forget();
  (void)::kill(brain_pid_, SIGKILL);
}

void Keeper::take_signals() {
  signalfd_siginfo info = {};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) shutdown_requested(static_cast<int>(info.ssi_signo));
  }
  reap();
  look_for_a_stop();
}

void Keeper::shutdown_requested(int signal) {
  shutdowns_.push_back(signal);
  const auto now = Clock::now();
  if (shutdown_count_ > 0 && now - last_shutdown_ < options_.same_request) return;
  last_shutdown_ = now;
  ++shutdown_count_;
  if (shutdown_count_ != patience_signals || brain_status_) return;
  lost_patience_ = true;
  say("actor-broker: asked to stop %d times: not waiting any longer\n", patience_signals);
  (void)::kill(brain_pid_, SIGKILL);
}

void Keeper::reap() {
  for (;;) {
    siginfo_t info = {};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    Child* child = find_pid(info.si_pid);
    // SUBTLE: before the zombie is reaped its number cannot be another group's. What a dead actor has left running
    // would go on using what its successor needs.
    if (child != nullptr) (void)::kill(-info.si_pid, SIGKILL);
    int status = 0;
    if (::waitpid(info.si_pid, &status, 0) != info.si_pid) return;
    if (info.si_pid == brain_pid_) brain_status_ = status;
    if (child != nullptr) ended(*child, status);
  }
}

/// A brain that sleeps and is stopped then does not notice what it should wake for.
void Keeper::look_for_a_stop() {
  siginfo_t info = {};
  if (brain_status_ || ::waitid(P_PID, static_cast<id_t>(brain_pid_), &info, WSTOPPED | WNOHANG) != 0) return;
  if (info.si_pid != 0) suspect_brain();
}

void Keeper::ended(Child& child, int status) {
  // It may have failed and died before its result was read.
  if (child.state == Child::State::Starting) take_exec_result_of(child);
  if (child.state == Child::State::Failed) {
    child.pid = -1;
    return;
  }
  child.state = Child::State::Exited;
  child.status = status;
}

void Keeper::Child::leave_to(Grave& grave) {
  for (Fd* fd : {&control, &out, &err}) grave.add(std::move(*fd));
}

void Keeper::take_exec_result_of(Child& child) {
  const auto failure = take_exec_result(child.exec_result.get());
  child.exec_result.reset();
  child.state = failure ? Child::State::Failed : Child::State::Running;
  if (failure) child.failure = *failure;
}

int Keeper::brain_verdict() const {
  const int status = *brain_status_;
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  say("actor-broker: the brain (process %d) was ended by signal %d (%s): stopping all actors\n",
      static_cast<int>(brain_pid_), WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  return 1;
}

/// SIGTERM, then SIGKILL after the stop timeout, or at once when someone asks again.
void Keeper::end_children() {
  signal_children(SIGTERM);
  const int asked_before = shutdown_count_;
  const auto deadline = Clock::now() + stop_timeout_;
  bool killed = false;
  while (any_alive()) {
    const bool hurry = shutdown_count_ > asked_before || Clock::now() >= deadline;
    if (hurry && !killed) {
      signal_children(SIGKILL);
      killed = true;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd polled{signals_.get(), POLLIN, 0};
    (void)::poll(&polled, 1, killed ? -1 : static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1 << 30)));
    take_signals();
  }
}

void Keeper::signal_children(int signal) {
  for (auto& [serial, child] : children_) {
    if (child.is_alive()) (void)::kill(-child.pid, signal);
  }
}

bool Keeper::any_alive() const {
  for (const auto& [serial, child] : children_) {
    if (child.is_alive()) return true;
  }
  return false;
}

Keeper::Child* Keeper::find_pid(pid_t pid) {
  for (auto& [serial, child] : children_) {
    if (child.pid == pid && child.state != Child::State::Exited) return &child;
  }
  return nullptr;
}

int run_keeper(const KeeperOptions& options, const std::function<int(Fd, Pulse&)>& brain) {
  return Keeper(options).run(brain);
}

}  // namespace actor::broker
